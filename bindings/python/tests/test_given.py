"""What a caller gives wrongly: the message says which argument, and no value is shown."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from sentryagent_idp import (
    AgentIdPClient,
    CallOptions,
    ConfigurationError,
    TokenVerifier,
    verify_audit_events,
    verify_webhook,
)
from sentryagent_idp.testing import ManualClock, MockServer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HEADERS = {"webhook-id": "1", "webhook-timestamp": "1", "webhook-signature": "v1,AA=="}
ISSUER = "https://idp.example.com"
HUGE = 10**400


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"timeout": "5"}, TypeError, "timeout must be a number of seconds, not str"),
        ({"timeout": HUGE}, ValueError, "timeout must be above 0 and at most 86400"),
        ({"connect_timeout": []}, TypeError, "connect_timeout must be a number of seconds"),
        ({"retries": -1}, ValueError, "retries must be a whole number from 0"),
        ({"retries": HUGE}, ValueError, "retries must be a whole number from 0"),
        ({"retries": 1.5}, TypeError, "retries must be a whole number, not float"),
        ({"headers": [("a", "b")]}, TypeError, "headers must map str to str"),
        ({"headers": {"a": 1}}, TypeError, "headers must map str to str"),
        ({"headers": {"x-a": "\ud800"}}, ValueError, r"headers\.x-a: holds half of a surrogate"),
    ],
)
def test_options_of_a_call(given: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        CallOptions(**given)


def test_clients_and_clocks_that_are_none(settings: dict[str, str]) -> None:
    made: Any = AgentIdPClient
    verifier: Any = TokenVerifier
    with pytest.raises(TypeError, match="clock must be a ManualClock, not int"):
        made(**settings, clock=5)
    with pytest.raises(TypeError, match="clock must be a ManualClock, not str"):
        verifier(ISSUER, "a", clock="now")
    with pytest.raises(TypeError, match="client must be an AgentIdPClient"):
        verifier(ISSUER, "a", client=5)
    with pytest.raises(TypeError, match="audience must be a list of str, not int"):
        verifier(ISSUER, 5)
    with pytest.raises(ConfigurationError, match=r"issuer is missing.*audience is missing"):
        verifier(None, None)
    for leeway in (1e300, HUGE):
        with pytest.raises(ConfigurationError, match="leeway must be at most an hour"):
            verifier(ISSUER, "a", leeway=leeway)


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"headers": None}, TypeError, "headers must be a mapping or pairs"),
        ({"headers": [1]}, TypeError, "headers must be a mapping or pairs"),
        ({"secret": None}, TypeError, "secret must be a str or a list of str, not NoneType"),
        ({"secret": SECRET.encode()}, TypeError, "secret must be .*, not bytes"),
        ({"secret": [SECRET.encode()]}, TypeError, "secret must be .*, not one with bytes"),
        ({"tolerance": "x"}, TypeError, "tolerance must be a number of seconds, not str"),
        ({"tolerance": -1}, ValueError, "tolerance must be seconds, not negative"),
        ({"now": 5}, TypeError, "now must be a datetime, not int"),
        ({"now": datetime(1960, 1, 1, tzinfo=timezone.utc)}, ValueError, "now must lie after 1970"),
        ({"now": datetime.min}, ValueError, "now must lie after 1970"),
    ],
)
def test_a_webhook(given: dict[str, Any], error: type[Exception], says: str) -> None:
    call: Any = verify_webhook
    with pytest.raises(error, match=says) as caught:
        call(**{"payload": b"{}", "headers": HEADERS, "secret": SECRET, **given})
    assert "MfKQ9r8" not in str(caught.value)


@pytest.mark.parametrize("events", [None, 5, "text", b"text"])
def test_audit_events_that_are_none(events: Any) -> None:
    with pytest.raises(TypeError, match="events must be audit events, not"):
        verify_audit_events(events)


@pytest.mark.parametrize("event", [None, 5, "x", {"a": object()}])
def test_an_audit_event_that_is_none(event: Any) -> None:
    with pytest.raises(TypeError, match=r"events\[0\] must be an AuditEvent or its dict"):
        verify_audit_events([event])


def test_a_clock_refuses_what_would_do_nothing() -> None:
    clock = ManualClock()
    began = clock.time()
    for seconds in (-1, float("nan"), float("inf"), HUGE):
        with pytest.raises(ValueError, match="seconds must"):
            clock.advance(seconds)
        with pytest.raises(ValueError, match="value must"):
            clock.set_random(seconds)
        with pytest.raises(ValueError, match="at_most must"):
            clock.sleeping(seconds)
    for seconds in (float("nan"), float("-inf")):
        with pytest.raises(ValueError, match="seconds must be a finite number"):
            clock.jump_wall(seconds)
    with pytest.raises(TypeError, match="seconds must be a number, not NoneType"):
        clock.advance(None)  # type: ignore[arg-type]
    assert clock.time() == began


def test_a_program_that_is_no_mock_server_is_named() -> None:
    with pytest.raises(RuntimeError, match=r"/bin/echo is not `agentidp`"):
        MockServer("/bin/echo")
