"""What all the peers need to speak to the server."""

from __future__ import annotations

import json
from urllib.request import Request, urlopen

AGENTS = "/api/v1/agents"
PAGE = f"{AGENTS}?limit=100"


def headers(base_url: str) -> dict[str, str]:
    """The headers of every request, with a token that outlives the run."""
    request = Request(f"{base_url}/api/v1/token", data=b"", method="POST")
    with urlopen(request) as answer:
        token = json.load(answer)["access_token"]
    return {"Authorization": f"Bearer {token}", "Accept": "application/json"}
