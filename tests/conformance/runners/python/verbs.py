"""The verbs that are the same for the blocking and the asyncio runner."""

from __future__ import annotations

import logging
import pickle
import pprint
import traceback
from collections import deque
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from public import Line, UnknownVerbError, plain, settings
from sentryagent_idp import AuditEvent, verify_audit_events, verify_webhook
from sentryagent_idp.testing import ManualClock

PACKAGE = "sentryagent_idp"
PATIENCE_SECONDS = 30.0
LOWEST_LEVEL = 1
RECORDS_MAX = 10_000
_LEVELS = {5: "trace", 10: "debug", 20: "info", 30: "warn", 40: "error"}


class Collected(logging.Handler):
    """A host's handler that keeps the latest records: a long run must not grow by its log."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[Line] = deque(maxlen=RECORDS_MAX)

    def emit(self, record: logging.LogRecord) -> None:
        known = vars(record)
        line = {
            "level": _LEVELS[record.levelno],
            "message": known["agentidp_event"],
            "fields": known["agentidp_fields"],
        }
        self.lines.append(line)


class Verbs:
    """What both runners keep: clients, verifiers, clocks, and what was last received."""

    client_class: Callable[..., Any]
    verifier_class: Callable[..., Any]

    def __init__(self) -> None:
        self.clients: dict[str, Any] = {}
        self.verifiers: dict[str, Any] = {}
        self.clocks: dict[str, ManualClock] = {}
        self.received: dict[str, Any] = {}
        self.error: BaseException | None = None
        self.collected = Collected()
        logger = logging.getLogger(PACKAGE)
        logger.setLevel(LOWEST_LEVEL)
        logger.addHandler(self.collected)

    def verb(self, line: Line) -> Callable[[Line], Any]:
        """The method that carries out a line."""
        found = getattr(self, f"do_{line['do']}", None)
        if found is None:
            raise UnknownVerbError(f"unknown verb {line['do']!r}")
        return found  # type: ignore[no-any-return]

    def keep(self, value: Any) -> Any:
        """Remembers a result for `show`."""
        self.received[type(value).__name__] = value
        return value

    def do_client(self, line: Line) -> None:
        """Makes a client."""
        more: Line = {}
        if "clock" in line:
            more["clock"] = self.manual_clock(line["clock"])
        if "traceparent" in line:
            more["traceparent"] = lambda: line["traceparent"]
        made = self.client_class(**settings(line.get("config") or {}), **more)
        self.clients[line["client"]] = made

    def do_verifier(self, line: Line) -> None:
        """Makes a verifier."""
        more: Line = {}
        if "clock" in line:
            more["clock"] = self.manual_clock(line["clock"])
        if "client" in line:
            more["client"] = self.clients[line["client"]]
        config = {"issuer": "", "audience": "", **settings(line["config"])}
        self.verifiers[line["verifier"]] = self.verifier_class(**config, **more)

    def manual_clock(self, name: str) -> ManualClock:
        """The clock of that name, made at its first mention."""
        return self.clocks.setdefault(name, ManualClock())

    def do_clock(self, line: Line) -> None:
        """Moves a clock."""
        clock = self.manual_clock(line["clock"])
        if "advanceMs" in line:
            clock.advance(line["advanceMs"] / 1000)
        if "jumpWallMs" in line:
            clock.jump_wall(line["jumpWallMs"] / 1000)
        if "random" in line:
            clock.set_random(line["random"])

    def wait_for_sleep(self, line: Line) -> float:
        """Waits until somebody sleeps on a clock."""
        clock = self.manual_clock(line["clock"])
        found = clock.sleeping(line["atMostMs"] / 1000, PATIENCE_SECONDS)
        if found is None:
            raise TimeoutError(f"nobody slept for at most {line['atMostMs']} ms")
        return found * 1000

    def do_webhook(self, line: Line) -> Any:
        """Checks a webhook."""
        more: Line = {}
        if "toleranceMs" in line:
            more["tolerance"] = line["toleranceMs"] / 1000
        if "nowMs" in line:
            more["now"] = datetime.fromtimestamp(line["nowMs"] / 1000, timezone.utc)
        return verify_webhook(line["payload"], line["headers"], line["secret"], **more)

    def do_auditChain(self, line: Line) -> Any:  # noqa: N802 - the protocol's name
        """Checks a run of audit events."""
        return plain(verify_audit_events([_event(event) for event in line["events"]]))

    def do_explain(self, line: Line) -> Any:
        """Tells where each setting came from."""
        return self.clients[line["client"]].explain_configuration()

    def do_clearTokenCache(self, line: Line) -> None:  # noqa: N802 - the protocol's name
        """Forgets the cached token."""
        self.clients[line["client"]].clear_token_cache()

    def do_logs(self, _line: Line) -> list[Line]:
        """The latest log records."""
        for client in self.clients.values():
            client.explain_configuration()  # records come with the next use of the package
        return list(self.collected.lines)

    def do_show(self, line: Line) -> list[str]:
        """Every way in which the package's objects show themselves."""
        objects = list(self.received.values())
        names = [line["client"]] if "client" in line else list(self.clients)
        for client in (self.clients[name] for name in names):
            objects += [client, client.token_manager, client.explain_configuration(), vars(client)]
        objects += [*self.verifiers.values(), *map(vars, self.verifiers.values())]
        out = [show(thing) for thing in objects for show in (repr, str, pprint.pformat)]
        if self.error is not None:
            out += [repr(self.error), str(self.error), repr(vars(self.error))]
            out += [pickle.dumps(self.error).decode("latin-1"), *_traceback(self.error)]
        return out


def _event(event: Line) -> AuditEvent | Line:
    """As a user has it, from the API; what is no event stays what it is."""
    try:
        return AuditEvent.from_dict(event)
    except ValueError:
        return event


def _traceback(error: BaseException) -> list[str]:
    """The traceback with the locals of the package's own frames; a caller's are a caller's."""
    found = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = [frame for frame in found.stack if PACKAGE in frame.filename]
    return [*traceback.StackSummary.from_list(frames).format(), *found.format_exception_only()]
