"""Starlette (and any ASGI application): a middleware that lets requests with a good token through.

    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.routing import Route
    from sentryagent_idp import AsyncTokenVerifier
    from sentryagent_idp.starlette import BearerTokenMiddleware

    verifier = AsyncTokenVerifier("https://idp.example.com", "https://api.example.com")
    guard = Middleware(BearerTokenMiddleware, verifier=verifier, required_scopes=["agents:read"])
    app = Starlette(routes=[Route("/reports", reports, middleware=[guard])])

The endpoint finds the `VerifiedToken` in `request.state.token`. Around a whole application it does
the same; `public_paths` are let through without a token. Needs `sentryagent-idp[starlette]`.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

from ._bearer import NO_TOKEN, Refusal, bearer_token, refusal
from ._config import texts
from .errors import AgentIdPError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

    from ._verify import AsyncTokenVerifier

__all__ = ["BearerTokenMiddleware"]

_POLICY_VIOLATION = 1008


class BearerTokenMiddleware:
    """Answers requests without a good bearer token; the others go on, with `state.token`.

    Args:
        app: What it guards.
        verifier: Checks the tokens.
        required_scopes: What a token must allow beside the verifier's own `required_scopes`; a
            list or one text with spaces.
        public_paths: Paths, to the letter, that need no token.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        verifier: AsyncTokenVerifier,
        required_scopes: Sequence[str] | str = (),
        public_paths: Collection[str] = (),
    ) -> None:
        self.app = app
        self._verifier = verifier
        self._required_scopes = texts("required_scopes", required_scopes)
        self._public_paths = frozenset(public_paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection."""
        if scope["type"] not in ("http", "websocket") or scope["path"] in self._public_paths:
            await self.app(scope, receive, send)
            return
        refused = await self._judge(scope)
        if refused is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            # Before it is accepted, a server turns this into status 403.
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        else:
            answer = JSONResponse(refused.body, refused.status, refused.headers)
            await answer(scope, receive, send)

    async def _judge(self, scope: Scope) -> Refusal | None:
        token = bearer_token(Headers(scope=scope).get("authorization"))
        if token is None:
            return NO_TOKEN
        try:
            found = await self._verifier.verify(token, self._required_scopes)
        except AgentIdPError as error:
            return refusal(error)
        finally:
            del token  # a traceback's locals do not show it
        scope.setdefault("state", {})["token"] = found
        return None
