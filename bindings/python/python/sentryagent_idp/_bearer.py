"""What the web adapters share: the token of a request, and the answer to one that is refused.

Owns: RFC 6750's `WWW-Authenticate` and the error bodies. Refuses: any web framework.
"""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .errors import AgentIdPError

RETRY_AFTER_DEFAULT = 1


class Refusal(NamedTuple):
    """An answer."""

    status: int
    headers: dict[str, str]
    body: dict[str, str]


NO_TOKEN = Refusal(
    401,
    {"WWW-Authenticate": "Bearer"},
    {"code": "UNAUTHORIZED", "message": "A bearer token is needed."},
)


def bearer_token(authorization: str | None) -> str | None:
    """The token of an `Authorization` header; None where it is none of this scheme."""
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and token else None


def refusal(error: AgentIdPError) -> Refusal:
    """The answer to a token that was not accepted, or could not be judged."""
    if error.code == "INVALID_TOKEN":
        challenge = f'Bearer error="invalid_token", error_description="{_quoted(error.message)}"'
        body = {"code": "UNAUTHORIZED", "message": error.message}
        return Refusal(401, {"WWW-Authenticate": challenge}, body)
    if error.code == "INSUFFICIENT_SCOPE":
        scopes: Sequence[str] = (error.details or {}).get("requiredScopes", ())
        challenge = f'Bearer error="insufficient_scope", scope="{" ".join(scopes)}"'
        body = {"code": "INSUFFICIENT_SCOPE", "message": error.message}
        return Refusal(403, {"WWW-Authenticate": challenge}, body)
    # No key to check with, or the introspection failed: the token may be as good as any.
    wait = RETRY_AFTER_DEFAULT if error.retry_after is None else ceil(error.retry_after)
    body = {"code": "SERVICE_UNAVAILABLE", "message": "Tokens cannot be checked at the moment."}
    return Refusal(503, {"Retry-After": str(wait)}, body)


def _quoted(text: str) -> str:
    """Text for a quoted parameter of a header (RFC 6750 allows neither quotes nor backslashes)."""
    plain = "".join(c if " " <= c <= "~" else "?" for c in text)
    return plain.replace("\\", "/").replace('"', "'")
