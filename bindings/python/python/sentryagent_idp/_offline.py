"""Checks that need no server: webhooks' signatures and the audit log's chain."""

from __future__ import annotations

from ._native import Hidden, _verify_audit_events, _verify_webhook
from .models import AuditChainVerification, AuditEvent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from typing import Any

WEBHOOK_TOLERANCE_DEFAULT = 300.0


def verify_webhook(
    payload: bytes | str,
    headers: Mapping[str, str] | Iterable[tuple[str, str]],
    secret: str | Sequence[str],
    *,
    tolerance: float = WEBHOOK_TOLERANCE_DEFAULT,
    now: datetime | None = None,
) -> Any:
    """The payload of a webhook as JSON, when its signature and time hold (Standard Webhooks v1).

    Args:
        payload: The request's body as it came, not parsed and written again.
        headers: The request's headers; the case of names does not matter.
        secret: `whsec_...`; several while it is being rotated.
        tolerance: How many seconds its time may lie in the past or the future. Default 300.
        now: The present, for tests.

    Raises:
        AuthenticationError: INVALID_WEBHOOK; `details["reason"]` is header, timestamp or
            signature.
        ConfigurationError: The secret is none.
        ValueError: It is signed, but no JSON.

    Example:
        event = verify_webhook(request.get_data(), request.headers, secret)
    """
    hidden, wrong = _secrets(secret)
    del secret
    if wrong:
        raise TypeError(f"secret must be a str or a list of str, not {wrong}")
    if not isinstance(payload, (str, bytes, bytearray, memoryview)):
        kind = type(payload).__name__
        raise TypeError(f"payload must be the body as it came, bytes or str, not a parsed {kind}")
    content = payload.encode() if isinstance(payload, str) else bytes(payload)
    if not isinstance(tolerance, (int, float)):
        kind = type(tolerance).__name__
        raise TypeError(f"tolerance must be a number of seconds, not {kind}")
    _verify_webhook(content, _pairs(headers), hidden, tolerance, _seconds(now))
    from json import loads

    return loads(content)


def verify_audit_events(
    events: Iterable[AuditEvent | Mapping[str, Any]],
) -> AuditChainVerification:
    """Whether a run of audit events is whole and unchanged: each holds the hash of the one before.

    Args:
        events: Events of one organization without gaps, in any order: models, or their dicts.

    Returns:
        `verified`, `checked_count`, and `broken_at_event_id` where it is not whole.

    Raises:
        ValidationError: That is no list of events.

    Example:
        verify_audit_events(client.audit.query_audit_log_iter()).verified
    """
    texts = [_event(index, event) for index, event in enumerate(_events(events))]
    found = _verify_audit_events(f"[{','.join(texts)}]")
    return AuditChainVerification.from_json(found.decode())


def _secrets(secret: Any) -> tuple[Hidden, str]:
    """The secrets, out of sight; else the type that is wrong."""
    if isinstance(secret, str):
        return Hidden([secret]), ""
    if isinstance(secret, (list, tuple, set, frozenset)):
        kinds = [type(each).__name__ for each in secret if not isinstance(each, str)]
        return Hidden(list(secret)), f"one with {kinds[0]}" if kinds else ""
    return Hidden([]), type(secret).__name__


def _pairs(headers: Any) -> list[Any]:
    """Names and values."""
    pairs = headers.items() if hasattr(headers, "items") else headers
    try:
        return [(name, value) for name, value in pairs]
    except (TypeError, ValueError):
        # The values of headers may be secrets of somebody's: only the type is told.
        kind = type(headers).__name__
    raise TypeError(f"headers must be a mapping or pairs of names and values, not {kind}")


def _seconds(now: Any) -> float | None:
    """Since 1970."""
    if now is None:
        return None
    try:
        return float(now.timestamp())
    except AttributeError:
        raise TypeError(f"now must be a datetime, not {type(now).__name__}") from None
    except (ValueError, OverflowError, OSError):
        raise ValueError("now must lie after 1970") from None


def _events(events: Any) -> Any:
    """What can be iterated."""
    if isinstance(events, (str, bytes)) or not hasattr(events, "__iter__"):
        raise TypeError(f"events must be audit events, not {type(events).__name__}")
    return events


def _event(index: int, event: Any) -> str:
    """An event as JSON."""
    if isinstance(event, AuditEvent):
        return event.to_json()
    from json import dumps

    try:
        return dumps(dict(event))
    except (TypeError, ValueError):
        kind = type(event).__name__
    raise TypeError(f"events[{index}] must be an AuditEvent or its dict, not this {kind}")
