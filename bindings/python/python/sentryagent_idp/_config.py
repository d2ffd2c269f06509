"""The clients' and verifiers' settings as the native module wants them.

What may not show in a traceback's locals is given as a `Hidden`: secrets, a proxy's URL (it may
hold a password) and headers (a gateway's key, perhaps).
"""

from __future__ import annotations

from ._native import Hidden, NativeClient
from .errors import ConfigurationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike
    from typing import Any

    from .testing import ManualClock

SECONDS_MAX = 86_400


def hide(**settings: Any) -> Hidden:
    """Those that are given, out of sight."""
    return Hidden({key: value for key, value in settings.items() if value is not None})


def native_client(
    hidden: Hidden,
    *,
    base_url: str | None,
    client_id: str | None,
    scopes: Sequence[str] | str | None,
    timeout: float | None,
    connect_timeout: float | None,
    retries: int | None,
    allow_insecure_http: bool | None,
    ca_bundle: str | PathLike[str] | None,
    client_certificate: str | PathLike[str] | None,
    client_key: str | PathLike[str] | None,
    traceparent: Callable[[], str | None] | None,
    clock: ManualClock | None,
) -> NativeClient:
    """A native client; what is None comes from the environment or is the default."""
    config = given(
        baseUrl=base_url,
        clientId=client_id,
        scopes=texts("scopes", scopes),
        timeoutMs=milliseconds("timeout", timeout),
        connectTimeoutMs=milliseconds("connect_timeout", connect_timeout),
        retries=retries,
        allowInsecureHttp=allow_insecure_http,
        caBundle=path(ca_bundle),
        clientCertificate=path(client_certificate),
        clientKey=path(client_key),
    )
    return NativeClient(config, hidden, traceparent, inside("clock", clock, "a ManualClock"))


def inside(name: str, value: Any, kind: str) -> Any:
    """The native half of a client or a clock that may have been given."""
    if value is None:
        return None
    native = getattr(value, "_native", None)
    if native is None:
        raise TypeError(f"{name} must be {kind}, not {type(value).__name__}")
    return native


def given(**settings: Any) -> dict[str, Any]:
    """Those that are not None."""
    return {key: value for key, value in settings.items() if value is not None}


def texts(name: str, values: Sequence[str] | str | None) -> list[str] | None:
    """A list, of a list or of one text with spaces."""
    if values is None:
        return None
    if isinstance(values, str):
        return values.split()
    try:
        return list(values)
    except TypeError:
        raise TypeError(f"{name} must be a list of str, not {type(values).__name__}") from None


def path(path: str | PathLike[str] | None) -> str | None:
    """A path as text."""
    if path is None:
        return None
    from os import fspath

    return fspath(path)


def milliseconds(name: str, seconds: float | None) -> int | None:
    """A duration above 0."""
    if seconds is None:
        return None
    if not isinstance(seconds, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, not {type(seconds).__name__}")
    if not 0 < seconds <= SECONDS_MAX:
        message = f"{name} must be above 0 and at most {SECONDS_MAX} seconds"
        raise ConfigurationError(message, code="CONFIGURATION_ERROR")
    return max(1, round(seconds * 1000))
