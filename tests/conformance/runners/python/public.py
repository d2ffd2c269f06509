"""The protocol's JSON to the SDK's public types, and back."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from dispatch import OPERATIONS
from sentryagent_idp import AgentIdPError, CallOptions, ResponseInfo

Line = dict[str, Any]

_NAMES = {
    "baseUrl": "base_url",
    "clientId": "client_id",
    "clientSecret": "client_secret",
    "scopes": "scopes",
    "retries": "retries",
    "headers": "headers",
    "allowInsecureHttp": "allow_insecure_http",
    "caBundle": "ca_bundle",
    "clientCertificate": "client_certificate",
    "clientKey": "client_key",
    "proxy": "proxy",
    "issuer": "issuer",
    "audience": "audience",
    "requiredScopes": "required_scopes",
    "jwksUri": "jwks_uri",
}
_SECONDS = {
    "timeoutMs": "timeout",
    "connectTimeoutMs": "connect_timeout",
    "leewayMs": "leeway",
}


class UnknownVerbError(Exception):
    """The runner does not know what it is asked to do."""


def settings(config: Line) -> Line:
    """A constructor's keyword arguments for a `config` of the protocol."""
    out = {_NAMES[key]: value for key, value in config.items() if key in _NAMES}
    out |= {_SECONDS[key]: value / 1000 for key, value in config.items() if key in _SECONDS}
    return out


def call_options(options: Line, on_response: Any = None) -> CallOptions | None:
    """The public options for those of the protocol."""
    if not options and on_response is None:
        return None
    return CallOptions(
        timeout=seconds(options.get("timeoutMs")),
        connect_timeout=seconds(options.get("connectTimeoutMs")),
        retries=options.get("retries"),
        headers=options.get("headers"),
        idempotency_key=options.get("idempotencyKey"),
        request_id=options.get("requestId"),
        on_response=on_response,
    )


def seconds(ms: float | None) -> float | None:
    """Milliseconds as seconds."""
    return None if ms is None else ms / 1000


def prepare(client: Any, line: Line, *, iterate: bool = False, on_response: Any = None) -> Any:
    """Makes the call that the line asks for; a coroutine with the asyncio client."""
    operation = OPERATIONS[line["operation"]]
    arguments = line.get("args") or {}
    path = arguments.get("path") or {}
    given: list[Any] = [path[name] for name in operation.path]
    for model, part in ((operation.body, "body"), (operation.query, "query")):
        if model is not None and arguments.get(part) is not None:
            given.append(model.from_dict(arguments[part]))
    name = operation.iterator if iterate else operation.method
    assert name is not None
    method = getattr(getattr(client, operation.service), name)
    return method(*given, options=call_options(arguments.get("options") or {}, on_response))


def plain(value: Any) -> Any:
    """Wire JSON of a result."""
    return None if value is None else value.to_dict()


def raw(info: ResponseInfo, value: Any) -> Line:
    """An answer with what came around its value."""
    return {
        "status": info.status,
        "headers": info.headers,
        "requestId": info.request_id,
        "value": plain(value),
    }


def failure(error: BaseException) -> Line:
    """The error record of an exception."""
    if isinstance(error, AgentIdPError):
        return {**error.to_dict(), "class": type(error).__name__}
    if isinstance(error, (asyncio.CancelledError, KeyboardInterrupt)):
        record = {"kind": "cancelled", "code": "CANCELLED"}
    elif isinstance(error, UnknownVerbError):
        record = {"kind": "configuration", "code": "UNKNOWN_VERB"}
    else:
        record = {"kind": "runner", "code": type(error).__name__}
    return {**record, "message": str(error), "class": type(error).__name__}


class Tally:
    """What a burst came to, in little memory."""

    def __init__(self) -> None:
        self.succeeded = 0
        self.errors: Counter[str] = Counter()

    def add(self, error: BaseException | None) -> None:
        """Counts one call."""
        if error is None:
            self.succeeded += 1
        else:
            self.errors[failure(error)["code"]] += 1

    def result(self) -> Line:
        """As the protocol has it."""
        failed = sum(self.errors.values())
        return {"succeeded": self.succeeded, "failed": failed, "errors": dict(self.errors)}
