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
    hidden = Hidden([secret] if isinstance(secret, str) else list(secret))
    del secret
    content = payload.encode() if isinstance(payload, str) else bytes(payload)
    pairs = headers.items() if hasattr(headers, "items") else headers
    seconds = None if now is None else now.timestamp()
    _verify_webhook(content, list(pairs), hidden, tolerance, seconds)
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
    from json import dumps

    texts = (e.to_json() if isinstance(e, AuditEvent) else dumps(dict(e)) for e in events)
    found = _verify_audit_events(f"[{','.join(texts)}]")
    return AuditChainVerification.from_json(found.decode())
