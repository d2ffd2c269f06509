"""What schemathesis cannot know: how to authenticate, what exists, and how to make our own string formats."""

from __future__ import annotations

import itertools
import json
import os
import urllib.request
from typing import Any

import schemathesis
from hypothesis import strategies as st

BASE_URL = os.environ["AGENTIDP_BASE_URL"]
TOKEN = os.environ["AGENTIDP_TOKEN"]
CLIENT_ID = os.environ["AGENTIDP_CLIENT_ID"]
CLIENT_SECRET = os.environ["AGENTIDP_CLIENT_SECRET"]
TOKEN_PATH = "/api/v1/token"

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
        # There a client says who it is in the form, and any header that says it too is refused.
        if case.operation.path == TOKEN_PATH:
            return
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"


numbers = itertools.count()
turns = itertools.cycle((True, False))


def create(path: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{BASE_URL}/api/v1{path}",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request) as answer:
        return dict(json.load(answer))


def agent() -> str:
    body = {
        "email": f"subject-{next(numbers)}@example.com",
        "agentType": "custom",
        "version": "1.0.0",
        "capabilities": [],
        "owner": "contract",
        "deploymentEnv": "development",
    }
    return str(create("/agents", body)["agentId"])


@schemathesis.hook
def before_call(context: schemathesis.HookContext, case: schemathesis.Case, kwargs: dict[str, Any]) -> None:
    """Every second valid case outside of the stateful phase meets what exists.

    Made-up ids end in 404 and made-up clients in 401, which says nothing of what lies behind.
    """
    meta = case.meta
    if meta is None or meta.generation.mode.is_negative or meta.phase.name.value == "stateful":
        return
    if not next(turns):
        return
    ids = case.path_parameters
    if "agentId" in ids:
        ids["agentId"] = agent()
        if "credentialId" in ids:
            credential = create(f"/agents/{ids['agentId']}/credentials", {})
            ids["credentialId"] = credential["credentialId"]
    elif case.operation.path == TOKEN_PATH:
        case.body |= {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
