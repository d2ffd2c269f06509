"""The web adapters beyond what the judge of all languages asks (tests/adapters)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from sentryagent_idp import AsyncTokenVerifier, VerifiedToken
from sentryagent_idp._bearer import bearer_token, refusal
from sentryagent_idp.errors import AuthenticationError, RateLimitError
from sentryagent_idp.fastapi import BearerToken, install
from sentryagent_idp.starlette import BearerTokenMiddleware
from sentryagent_idp.testing import MockServer

Message = dict[str, Any]


def exchange(app: Any, scope: Message) -> tuple[list[Message], Message]:
    """What an ASGI application sends for one connection, and the scope that it saw."""
    base = {"path": "/", "raw_path": b"/", "query_string": b"", "headers": [], "method": "GET"}
    scope = {"asgi": {"version": "3.0"}, "http_version": "1.1", "root_path": "", **base, **scope}
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    asyncio.run(app(scope, receive, send))
    return sent, scope


async def inner(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "reached", "state": dict(scope.get("state", {}))})


@pytest.fixture
def verifier(agentidp_mock: MockServer) -> AsyncTokenVerifier:
    issuer = agentidp_mock.client().oidc.get_open_id_configuration().issuer
    return AsyncTokenVerifier(issuer, issuer, clock=agentidp_mock.clock.clients)


@pytest.fixture
def token(agentidp_mock: MockServer) -> str:
    return agentidp_mock.client().token_manager.get_token()


def authorization(token: str) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", f"Bearer {token}".encode())]


def test_public_paths_and_other_protocols_go_through(verifier: AsyncTokenVerifier) -> None:
    app = BearerTokenMiddleware(inner, verifier=verifier, public_paths=["/open"])
    assert exchange(app, {"type": "http", "path": "/open"})[0][0]["type"] == "reached"
    assert exchange(app, {"type": "lifespan"})[0][0]["type"] == "reached"
    for path in ("/open/", "/Open", "/open/../reports"):
        assert exchange(app, {"type": "http", "path": path})[0][0]["status"] == 401


def test_the_application_finds_the_token(verifier: AsyncTokenVerifier, token: str) -> None:
    app = BearerTokenMiddleware(inner, verifier=verifier)
    sent, _ = exchange(app, {"type": "http", "headers": authorization(token)})
    assert sent[0]["state"]["token"].has_scopes("agents:read")


def test_a_websocket_without_a_token_is_closed(verifier: AsyncTokenVerifier, token: str) -> None:
    app = BearerTokenMiddleware(inner, verifier=verifier)
    assert exchange(app, {"type": "websocket"})[0] == [{"type": "websocket.close", "code": 1008}]
    sent, _ = exchange(app, {"type": "websocket", "headers": authorization(token)})
    assert sent[0]["type"] == "reached"


@pytest.mark.parametrize("installed", [True, False])
def test_a_dependency_refuses_with_or_without_install(
    verifier: AsyncTokenVerifier, token: str, installed: bool
) -> None:
    app = FastAPI()
    if installed:
        install(app)
    may_write = BearerToken(verifier, required_scopes=["no:such"])
    app.get("/", dependencies=[Depends(may_write)])(lambda: None)
    sent, _ = exchange(app, {"type": "http", "headers": authorization(token)})
    headers = dict(sent[0]["headers"])
    assert sent[0]["status"] == 403
    assert b'scope="no:such"' in headers[b"www-authenticate"]
    assert (b"INSUFFICIENT_SCOPE" in sent[1]["body"]) is installed
    scheme = app.openapi()["components"]["securitySchemes"]["BearerToken"]
    assert (scheme["scheme"], scheme["bearerFormat"]) == ("bearer", "JWT")


def test_scopes_may_be_one_text(verifier: AsyncTokenVerifier, token: str) -> None:
    request = {"type": "http", "headers": authorization(token)}
    app = FastAPI()
    may = BearerToken(verifier, required_scopes="agents:read agents:write")
    app.get("/", dependencies=[Depends(may)])(lambda: None)
    assert exchange(app, request)[0][0]["status"] == 200
    guarded = BearerTokenMiddleware(inner, verifier=verifier, required_scopes="agents:read no:such")
    refused = dict(exchange(guarded, request)[0][0]["headers"])
    assert b'scope="agents:read no:such"' in refused[b"www-authenticate"]


def test_an_endpoint_may_answer_the_token(verifier: AsyncTokenVerifier, token: str) -> None:
    app = FastAPI()
    app.get("/", response_model=VerifiedToken)(BearerToken(verifier).__call__)
    sent, _ = exchange(app, {"type": "http", "headers": authorization(token)})
    assert json.loads(sent[1]["body"])["scopes"][0] == "agents:read"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("Basic abc", None),
        ("bearer abc", "abc"),
        ("BEARER  abc ", "abc"),
    ],
)
def test_the_token_of_a_header(header: str | None, expected: str | None) -> None:
    assert bearer_token(header) == expected


def test_challenges_cannot_be_broken_out_of() -> None:
    error = AuthenticationError('no "good"\r\nX: 1 \\ ü', code="INVALID_TOKEN")
    challenge = refusal(error).headers["WWW-Authenticate"]
    assert challenge == 'Bearer error="invalid_token", error_description="no \'good\'??X: 1 / ?"'
    assert refusal(RateLimitError("x", retry_after=1.2)).headers["Retry-After"] == "2"
    # Our own client's credentials were refused: the caller's token may be good.
    assert refusal(AuthenticationError("x", code="invalid_client")).status == 503
