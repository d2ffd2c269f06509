"""The clients' settings as the native module wants them."""

from __future__ import annotations

from ._native import NativeClient

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike
    from typing import Any


def native_client(
    *,
    base_url: str | None = None,
    client_id: str | None = None,
    client_secret: str | None = None,
    scopes: Sequence[str] | str | None = None,
    timeout: float | None = None,
    connect_timeout: float | None = None,
    retries: int | None = None,
    headers: Mapping[str, str] | None = None,
    allow_insecure_http: bool | None = None,
    ca_bundle: str | PathLike[str] | None = None,
) -> NativeClient:
    """A native client; what is None comes from the environment or is the default."""
    config: dict[str, Any] = {
        "baseUrl": base_url,
        "clientId": client_id,
        "clientSecret": client_secret,
        "scopes": scopes.split() if isinstance(scopes, str) else _list(scopes),
        "timeoutMs": _milliseconds("timeout", timeout),
        "connectTimeoutMs": _milliseconds("connect_timeout", connect_timeout),
        "retries": retries,
        "headers": None if headers is None else dict(headers),
        "allowInsecureHttp": allow_insecure_http,
        "caBundle": None if ca_bundle is None else _path(ca_bundle),
    }
    return NativeClient({key: value for key, value in config.items() if value is not None})


def _list(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else list(values)


def _path(path: str | PathLike[str]) -> str:
    from os import fspath

    return fspath(path)


def _milliseconds(name: str, seconds: float | None) -> int | None:
    if seconds is None:
        return None
    if not 0 < seconds <= 86_400:
        raise ValueError(f"{name} must be above 0 and at most 86400 seconds")
    return max(1, round(seconds * 1000))
