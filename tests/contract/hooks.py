"""What schemathesis cannot know: how to authenticate, and how to make our own string formats."""

from __future__ import annotations

import os

import schemathesis
from hypothesis import strategies as st

TOKEN = os.environ["AGENTIDP_TOKEN"]
CLIENT_ID = os.environ["AGENTIDP_CLIENT_ID"]

# A date or a timestamp that exists; the window keeps clear of the audit log's retention limit,
# which moves with the day.
schemathesis.openapi.format(
    "date-or-date-time",
    st.sampled_from(["2090-01-31", "2099-12-31T23:59:59Z", "2091-06-01T00:00:00.000+02:00"]),
)

# Every timestamp that a request holds is an expiry, and an expiry lies in the future.
schemathesis.openapi.format(
    "date-time",
    st.sampled_from(["2090-01-31T00:00:00Z", "2099-12-31T23:59:59.999Z"]),
)


@schemathesis.auth()
class Bearer:
    """Every call carries the admin's token; schemathesis itself checks what happens without."""

    def get(self, case: schemathesis.Case, context: schemathesis.AuthContext) -> str:
        return TOKEN

    def set(self, case: schemathesis.Case, data: str, context: schemathesis.AuthContext) -> None:
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"
