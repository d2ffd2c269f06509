"""Every error that a call can raise.

    AgentIdPError
    ├── AuthenticationError     401: credentials or token are not accepted
    ├── PermissionDeniedError   403: known, but not allowed
    ├── NotFoundError           404, 410: no such thing, or another organization's
    ├── ConflictError           409: the state does not allow it
    ├── ValidationError         400, 405, 413, 415, 422, and arguments refused before a request
    ├── RateLimitError          429: too many requests; `retry_after`
    ├── ServerError             5xx
    ├── ApiConnectionError      no answer came
    ├── ApiTimeoutError         408, or the call's own time was over
    ├── ConfigurationError      the client is set up wrongly, or closed
    └── DecodingError           the answer is not what the contract says

A cancelled asyncio call raises `asyncio.CancelledError`, as any other awaitable does.
Errors pickle and copy. No message, attribute or repr holds a secret.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar

__all__ = [
    "AgentIdPError",
    "ApiConnectionError",
    "ApiTimeoutError",
    "AuthenticationError",
    "ConfigurationError",
    "ConflictError",
    "DecodingError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "ServerError",
    "ValidationError",
]


class AgentIdPError(Exception):
    """Base class of all errors; also raised for a kind that this version does not know.

    Attributes:
        message: For people; may change.
        code: For programs: a code of the API's error table, or one of the SDK's own
            (CONNECTION_ERROR, TIMEOUT, CONFIGURATION_ERROR, CLIENT_CLOSED, DECODING_ERROR).
        kind: What can be done about it: not_found, rate_limit, ...
        http_status: The answer's status; None when no answer came.
        request_id: The answer's request id; quote it when you ask for help.
        details: What else the answer said.
        oauth_error: On OAuth endpoints the answer's `error`.
        retryable: Whether the same call may succeed later.
        retry_after: Seconds to wait, when the server said so.
        retry_count: How many tries came after the first.
        cause: What lay beneath, in words.
        headers: The answer's headers, names in lower case, without cookies; None when no answer
            came.
    """

    default_kind: ClassVar[str] = "server"

    def __init__(
        self,
        message: str,
        *,
        code: str = "UNKNOWN",
        kind: str | None = None,
        http_status: int | None = None,
        request_id: str | None = None,
        details: Mapping[str, Any] | None = None,
        oauth_error: str | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        retry_count: int = 0,
        cause: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.kind = kind if kind is not None else self.default_kind
        self.http_status = http_status
        self.request_id = request_id
        self.details = details
        self.oauth_error = oauth_error
        self.retryable = retryable
        self.retry_after = retry_after
        self.retry_count = retry_count
        self.cause = cause
        self.headers = headers

    def __str__(self) -> str:
        status = "" if self.http_status is None else f" ({self.http_status})"
        request = "" if self.request_id is None else f" [request {self.request_id}]"
        # Without an answer the message alone does not say whether it was the name, the port or TLS.
        cause = "" if self.cause is None or self.http_status is not None else f" ({self.cause})"
        return f"{self.code}{status}: {self.message}{cause}{request}"

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.message!r}, code={self.code!r}, "
            f"http_status={self.http_status!r}, request_id={self.request_id!r})"
        )

    def __eq__(self, other: object) -> bool:
        """The same class with the same content, whatever the traceback."""
        if not isinstance(other, AgentIdPError):
            return NotImplemented
        return type(self) is type(other) and self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((type(self), self.code, self.message, self.http_status, self.request_id))

    def __reduce__(self) -> tuple[Any, ...]:
        # The state (`__dict__`, with the fields and any notes) is restored after construction.
        return (type(self), (self.message,), self.__dict__)

    def to_dict(self) -> dict[str, Any]:
        """The error as the record that all languages of the SDK share."""
        return {
            "kind": self.kind,
            "code": self.code,
            "message": self.message,
            "httpStatus": self.http_status,
            "requestId": self.request_id,
            "retryable": self.retryable,
            "retryAfter": self.retry_after,
            "details": self.details,
            "oauthError": self.oauth_error,
            "retryCount": self.retry_count,
            "cause": self.cause,
            "headers": None if self.headers is None else dict(self.headers),
        }


class AuthenticationError(AgentIdPError):
    """401: the client's credentials or its token are not accepted."""

    default_kind = "authentication"


class PermissionDeniedError(AgentIdPError):
    """403: the identity is known but may not do this."""

    default_kind = "permission"


class NotFoundError(AgentIdPError):
    """404, 410: there is no such thing, or it is another organization's."""

    default_kind = "not_found"


class ConflictError(AgentIdPError):
    """409: the state of the thing does not allow it."""

    default_kind = "conflict"


class ValidationError(AgentIdPError):
    """400 and alike: the request is wrong; `errors` says where."""

    default_kind = "validation"

    @property
    def errors(self) -> list[dict[str, str]]:
        """Every refused field, as `{"field": ..., "reason": ...}`."""
        details = self.details or {}
        errors = details.get("errors")
        if isinstance(errors, list):
            return [dict(error) for error in errors if isinstance(error, dict)]
        if "field" in details and "reason" in details:
            return [{"field": details["field"], "reason": details["reason"]}]
        return []


class RateLimitError(AgentIdPError):
    """429: too many requests; `retry_after` says how many seconds to wait."""

    default_kind = "rate_limit"


class ServerError(AgentIdPError):
    """5xx: the server failed."""

    default_kind = "server"


class ApiConnectionError(AgentIdPError):
    """No answer came: the server cannot be reached, or the connection broke."""

    default_kind = "connection"


class ApiTimeoutError(AgentIdPError):
    """The answer did not come in time."""

    default_kind = "timeout"


class ConfigurationError(AgentIdPError):
    """The client is set up wrongly, or closed."""

    default_kind = "configuration"


class DecodingError(AgentIdPError):
    """The answer is not what the contract says."""

    default_kind = "decoding"


_BY_KIND: dict[str, type[AgentIdPError]] = {
    cls.default_kind: cls
    for cls in (
        AuthenticationError,
        PermissionDeniedError,
        NotFoundError,
        ConflictError,
        ValidationError,
        RateLimitError,
        ServerError,
        ApiConnectionError,
        ApiTimeoutError,
        ConfigurationError,
        DecodingError,
    )
}


def _from_record(record: Mapping[str, Any]) -> BaseException:
    """The exception for an error record of the native module."""
    kind = record["kind"]
    if kind == "cancelled":
        from asyncio import CancelledError

        return CancelledError(record["message"])
    return _BY_KIND.get(kind, AgentIdPError)(
        record["message"],
        kind=kind,
        code=record["code"],
        http_status=record["httpStatus"],
        request_id=record["requestId"],
        details=record["details"],
        oauth_error=record["oauthError"],
        retryable=record["retryable"],
        retry_after=record["retryAfter"],
        retry_count=record["retryCount"],
        cause=record["cause"],
        headers=record["headers"],
    )
