"""The SDK's records in `logging`: logger `sentryagent_idp`, at the level that it has.

A record's message names its fields; they are also its attribute `agentidp_fields` (a dict), beside
`agentidp_event` (the message without them) and `agentidp_client` (a number, the same for all
records of one client; None where none is concerned). No record holds a secret.
"""

from __future__ import annotations

import logging

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NAME = "sentryagent_idp"

_logger = logging.getLogger(NAME)
# A library stays quiet until the program configures logging.
_logger.addHandler(logging.NullHandler())

level = _logger.getEffectiveLevel


def emit(number: int, event: str, fields: dict[str, Any], client: int | None, time: float) -> None:
    """Hands one record on."""
    if not _logger.isEnabledFor(number):
        return
    shown = " ".join(f"{name}={value}" for name, value in fields.items())
    extra = {"agentidp_event": event, "agentidp_fields": fields, "agentidp_client": client}
    message = f"{event} ({shown})" if shown else event
    record = _logger.makeRecord(NAME, number, "sentryagent_idp", 0, message, (), None, None, extra)
    # It may have waited: its time is when it happened.
    record.relativeCreated += (time - record.created) * 1000
    record.created = time
    record.msecs = time % 1 * 1000
    _logger.handle(record)
