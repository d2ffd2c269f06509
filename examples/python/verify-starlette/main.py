"""Starlette: who calls is known by a bearer token, checked here without a call to the issuer.

Configured by ISSUER, AUDIENCE and PORT. Needs `sentryagent-idp[starlette]` and uvicorn.
"""

import os
import socket

import uvicorn
from sentryagent_idp import AsyncTokenVerifier
from sentryagent_idp.starlette import BearerTokenMiddleware
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

verifier = AsyncTokenVerifier(os.environ["ISSUER"], os.environ["AUDIENCE"])
may_read = Middleware(BearerTokenMiddleware, verifier=verifier, required_scopes=["agents:read"])


async def reports(request: Request) -> JSONResponse:
    """Only for tokens with the scope agents:read."""
    return JSONResponse({"subject": request.state.token.subject})


async def open_to_all(request: Request) -> JSONResponse:
    """For everybody."""
    return JSONResponse({"status": "open"})


app = Starlette(
    routes=[
        Route("/reports", reports, middleware=[may_read]),
        Route("/open", open_to_all),
    ]
)

if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", int(os.environ.get("PORT", "0"))))
    print(f"listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
