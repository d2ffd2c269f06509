"""The native module: the way from a Python call to the Rust core and back."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

from typing_extensions import Self

__version__: str

def shutdown() -> None: ...
def _restore(class_: type[Any], text: str, /) -> Any: ...
def _forks() -> int: ...
def _reveal(hidden: Hidden, /) -> Any: ...
def _verify_webhook(
    payload: bytes,
    headers: Sequence[tuple[str, str]],
    secrets: Hidden,
    tolerance: float,
    now: float | None,
    /,
) -> None: ...
def _verify_audit_events(events: str, /) -> bytes: ...

@final
class CallOptions:
    """Settings of one call; what is left out is the client's.

    Args:
        timeout: Seconds for the whole call, tries and waits included; above 0. Default 30.
        connect_timeout: Seconds for making a connection, if one is needed. Default 5.
        retries: How often a failed try is repeated, 0 to 10. Default 2.
        headers: More request headers. `Authorization` is sent instead of the client's token; the
            others that the SDK sets itself cannot be replaced.
        idempotency_key: 1-255 visible ASCII characters, in place of the SDK's own key.
        request_id: 1-128 characters `A-Za-z0-9._-`; comes back on the answer and on errors.
        on_response: Called with the `ResponseInfo` of an answer before the call returns.

    Raises:
        TypeError, ValueError: When an argument is not as described. What only the core judges
            (ids, header names, `retries`) is a ValidationError or ConfigurationError of the call.
    """

    def __new__(
        cls,
        *,
        timeout: float | None = None,
        connect_timeout: float | None = None,
        retries: int | None = None,
        headers: dict[str, str] | None = None,
        idempotency_key: str | None = None,
        request_id: str | None = None,
        on_response: Callable[[ResponseInfo], object] | None = None,
    ) -> Self: ...

@final
class ResponseInfo:
    """Status, headers and request id of an answer; see `CallOptions(on_response=...)`."""

    @property
    def status(self) -> int:
        """HTTP status."""
    @property
    def request_id(self) -> str | None:
        """The request's id; quote it when you ask for help."""
    @property
    def retry_count(self) -> int:
        """How many tries came before this answer."""
    @property
    def headers(self) -> dict[str, str]:
        """The answer's headers, names in lower case; a repeated one is joined with ", "."""

class Model:
    """Base class of all models: immutable values with equality, a readable repr (secrets
    masked), and conversion from and to dicts and JSON with the wire's names.
    """

    @property
    def extra(self) -> dict[str, Any]:
        """Fields of the answer that this version of the SDK does not know, as they came."""
    def to_dict(self) -> dict[str, Any]:
        """The wire's JSON as a dict: camelCase names, timestamps as text, secrets included."""
    def to_json(self) -> str:
        """The wire's JSON as text, secrets included."""
    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """An instance of what `to_dict` gives. Raises ValueError when it does not fit."""
    @classmethod
    def from_json(cls, text: str) -> Self:
        """An instance of what `to_json` gives. Raises ValueError when it does not fit."""
    def replace(self, **changes: Any) -> Self:
        """The same value with these fields changed."""
    def __replace__(self, **changes: Any) -> Self: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: Any, /) -> Self: ...

@final
class Hidden:
    def __new__(cls, value: object) -> Self: ...

@final
class NativeClock:
    def __new__(cls) -> Self: ...
    def advance(self, seconds: float) -> None: ...
    def jump_wall(self, seconds: float) -> None: ...
    def set_random(self, value: float) -> None: ...
    def time(self) -> float: ...
    def sleeping(self, at_most: float, patience: float) -> float | None: ...

@final
class NativeVerifier:
    def __new__(
        cls,
        config: dict[str, Any],
        hidden: Hidden,
        client: NativeClient | None,
        clock: NativeClock | None,
    ) -> Self: ...
    def verify_now(self, token: Hidden, scopes: list[str]) -> dict[str, Any] | None: ...
    def verify(self, token: Hidden, scopes: list[str]) -> dict[str, Any]: ...

@final
class NativeClient:
    def __new__(
        cls,
        config: dict[str, Any],
        hidden: Hidden,
        traceparent: Callable[[], str | None] | None,
        clock: NativeClock | None,
    ) -> Self: ...
    @property
    def id(self) -> int: ...
    def call(
        self,
        operation: int,
        path: tuple[str, ...],
        query: Model | None = None,
        body: Model | None = None,
        options: CallOptions | None = None,
    ) -> Any: ...
    def token(self) -> str: ...
    def cached_token(self) -> str | None: ...
    def clear_token_cache(self) -> None: ...
    def explain_configuration(self) -> dict[str, Any]: ...
    def close(self) -> None: ...

@final
class LoopBridge:
    def __new__(cls) -> Self: ...
    def fileno(self) -> int: ...
    def start(
        self,
        client: NativeClient,
        future: Any,
        operation: int,
        path: tuple[str, ...],
        query: Model | None = None,
        body: Model | None = None,
        options: CallOptions | None = None,
    ) -> int: ...
    def start_token(self, client: NativeClient, future: Any) -> int: ...
    def start_verify(
        self, verifier: NativeVerifier, future: Any, token: Hidden, scopes: list[str]
    ) -> int: ...
    def cancel(self, id: int) -> None: ...
    def drain(self) -> None: ...
    def wait(self, seconds: float) -> bool: ...
    def pending(self) -> int: ...
