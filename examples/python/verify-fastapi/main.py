"""FastAPI: who calls is known by a bearer token, checked here without a call to the issuer.

Configured by ISSUER, AUDIENCE and PORT. Needs `sentryagent-idp[fastapi]` and uvicorn.
"""

import os
import socket
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI
from sentryagent_idp import AsyncTokenVerifier, VerifiedToken
from sentryagent_idp.fastapi import BearerToken, install

app = FastAPI()
install(app)
verifier = AsyncTokenVerifier(os.environ["ISSUER"], os.environ["AUDIENCE"])
may_read = BearerToken(verifier, required_scopes=["agents:read"])


@app.get("/reports")
async def reports(token: Annotated[VerifiedToken, Depends(may_read)]) -> dict[str, str]:
    """Only for tokens with the scope agents:read."""
    return {"subject": token.subject}


@app.get("/open")
async def open_to_all() -> dict[str, str]:
    """For everybody."""
    return {"status": "open"}


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", int(os.environ.get("PORT", "0"))))
    print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
