"""FastAPI: a dependency that answers a request's verified token, or refuses the request.

    from typing import Annotated
    from fastapi import Depends, FastAPI
    from sentryagent_idp import AsyncTokenVerifier, VerifiedToken
    from sentryagent_idp.fastapi import BearerToken, install

    app = FastAPI()
    install(app)
    verifier = AsyncTokenVerifier("https://idp.example.com", "https://api.example.com")
    may_read = BearerToken(verifier, required_scopes=["agents:read"])

    @app.get("/reports")
    async def reports(token: Annotated[VerifiedToken, Depends(may_read)]) -> dict[str, str]:
        return {"subject": token.subject}

`install` gives refusals the body `{"code", "message"}`; without it they have the same status and
headers and FastAPI's own body. Needs `sentryagent-idp[fastapi]`.
"""

# No postponed annotations: FastAPI reads those of `BearerToken.__call__`.

from collections.abc import Sequence

from fastapi import FastAPI, HTTPException, Request
from fastapi.openapi.models import HTTPBearer
from fastapi.responses import JSONResponse
from fastapi.security.base import SecurityBase

from ._bearer import NO_TOKEN, Refusal, bearer_token, refusal
from ._config import texts
from ._verify import AsyncTokenVerifier, VerifiedToken
from .errors import AgentIdPError

__all__ = ["BearerToken", "TokenRefused", "install"]


class TokenRefused(HTTPException):
    """A request had no token, or not a good one, or none could be checked."""

    def __init__(self, refused: Refusal) -> None:
        super().__init__(refused.status, refused.body["message"], refused.headers)
        self.code = refused.body["code"]


class BearerToken(SecurityBase):
    """A dependency: the request's `VerifiedToken`; raises `TokenRefused` without a good one.

    Args:
        verifier: Checks the tokens.
        required_scopes: What a token must allow beside the verifier's own `required_scopes`; a
            list or one text with spaces.
        scheme_name: How the API's description calls it. Default `BearerToken`.
    """

    def __init__(
        self,
        verifier: AsyncTokenVerifier,
        required_scopes: Sequence[str] | str = (),
        scheme_name: str = "BearerToken",
    ) -> None:
        self.model = HTTPBearer(bearerFormat="JWT")
        self.scheme_name = scheme_name
        self._verifier = verifier
        self._required_scopes = texts("required_scopes", required_scopes)

    async def __call__(self, request: Request) -> VerifiedToken:
        """The token of this request."""
        token = bearer_token(request.headers.get("authorization"))
        if token is None:
            raise TokenRefused(NO_TOKEN)
        try:
            return await self._verifier.verify(token, self._required_scopes)
        except AgentIdPError as error:
            refused = refusal(error)
        finally:
            del token  # a traceback's locals do not show it
        raise TokenRefused(refused)


def install(app: FastAPI) -> None:
    """Gives refusals the body `{"code", "message"}` that all of the SDK's adapters answer."""
    app.add_exception_handler(TokenRefused, _answer)


async def _answer(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, TokenRefused)
    body = {"code": error.code, "message": error.detail}
    return JSONResponse(body, error.status_code, headers=error.headers)
