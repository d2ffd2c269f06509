"""The SDK's records in `logging`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest
from conftest import Script
from fake import AGENT, TOKEN, FakeIdp, ok
from sentryagent_idp import AgentIdPClient, AsyncAgentIdPClient, TokenManager
from sentryagent_idp.testing import ManualClock

LOGGER = logging.getLogger("sentryagent_idp")
NOT_RENEWED = "the access token could not be renewed; the present one still serves"
POLLS_MAX = 2000
POLL_SECONDS = 0.01
UNAVAILABLE = ok({"code": "SERVICE_UNAVAILABLE", "message": "x"}, 503)


@pytest.fixture(autouse=True)
def _level() -> Iterator[None]:
    before = LOGGER.level
    yield
    LOGGER.setLevel(before)


def events(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    return [(record.levelno, record.agentidp_event) for record in caplog.records]  # type: ignore[attr-defined]


def test_the_level_is_the_logger_s(
    client: AgentIdPClient, caplog: pytest.LogCaptureFixture
) -> None:
    LOGGER.setLevel(logging.WARNING)
    client.agents.get_agent("a")
    assert caplog.records == []
    LOGGER.setLevel(logging.DEBUG)
    client.clear_token_cache()
    client.agents.get_agent("a")
    assert (logging.DEBUG, "an access token was fetched") in events(caplog)
    assert all(record.levelno >= logging.DEBUG for record in caplog.records)
    caplog.clear()
    LOGGER.setLevel(1)
    client.agents.get_agent("a")
    assert (5, "answered") in events(caplog)


def test_a_record_has_its_fields_and_its_client(
    idp: FakeIdp, client: AgentIdPClient, caplog: pytest.LogCaptureFixture
) -> None:
    LOGGER.setLevel(1)
    client.agents.get_agent("a")
    record = next(r for r in caplog.records if "answered" in r.getMessage())
    fields = record.agentidp_fields  # type: ignore[attr-defined]
    assert fields["status"] == 200
    assert "status=200" in record.getMessage()
    assert record.agentidp_client == client._native.id  # type: ignore[attr-defined]
    assert record.name == "sentryagent_idp"


def test_a_filter_and_a_disabled_logger_are_heeded(
    client: AgentIdPClient, caplog: pytest.LogCaptureFixture
) -> None:
    LOGGER.setLevel(1)
    logging.disable(logging.CRITICAL)
    try:
        client.agents.get_agent("a")
    finally:
        logging.disable(logging.NOTSET)
    assert caplog.records == []


class Calling(logging.Handler):
    """A handler that makes a call of its own for each record."""

    def __init__(self, client: AgentIdPClient) -> None:
        super().__init__()
        self.client = client
        self.made = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.made += 1
        if self.made < 100:
            self.client.agents.get_agent("inner")


def test_a_handler_may_make_a_call(client: AgentIdPClient) -> None:
    LOGGER.setLevel(logging.DEBUG)
    handler = Calling(client)
    LOGGER.addHandler(handler)
    try:
        assert client.agents.get_agent("a").agent_id == "a"
    finally:
        LOGGER.removeHandler(handler)
    assert 0 < handler.made < 100


def test_a_failed_renewal_is_no_caller_s_error_but_a_record(
    idp: FakeIdp, settings: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    LOGGER.setLevel(logging.WARNING)
    clock = ManualClock()
    with AgentIdPClient(**settings, clock=clock, retries=0) as client:  # type: ignore[arg-type]
        client.agents.get_agent("a")
        idp.token = lambda _: UNAVAILABLE
        clock.advance(TOKEN["expires_in"] - 61)  # type: ignore[operator]
        token = client.token_manager.get_token()  # starts the renewal, hands out the old one
        assert token == TOKEN["access_token"]
        # The renewal fails in the background; the record comes with the next use.
        for _ in range(POLLS_MAX):
            assert client.token_manager.get_token() == token
            if caplog.records:
                break
            idp.release.wait(POLL_SECONDS)
    assert (logging.WARNING, NOT_RENEWED) in events(caplog)


def test_a_background_record_wakes_the_loop(
    idp: FakeIdp, settings: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    LOGGER.setLevel(logging.WARNING)
    clock = ManualClock()

    class Note(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.set()

    async def main() -> None:
        client = AsyncAgentIdPClient(**settings, clock=clock, retries=0)  # type: ignore[arg-type]
        await client.agents.get_agent("a")
        idp.token = lambda _: UNAVAILABLE
        clock.advance(TOKEN["expires_in"] - 61)  # type: ignore[operator]
        assert await client.token_manager.get_token()
        await asyncio.wait_for(told.wait(), 20)  # nothing else happens on this loop

    told = asyncio.Event()
    note = Note()
    LOGGER.addHandler(note)
    try:
        asyncio.run(main())
    finally:
        LOGGER.removeHandler(note)
    assert (logging.WARNING, NOT_RENEWED) in events(caplog)


def test_a_token_manager_logs_too(idp: FakeIdp, caplog: pytest.LogCaptureFixture) -> None:
    LOGGER.setLevel(logging.DEBUG)
    TokenManager(idp.url, "client-1", "x").get_token()
    assert (logging.DEBUG, "an access token was fetched") in events(caplog)


def test_without_configuration_nothing_is_printed(idp: FakeIdp, script: Script) -> None:
    idp.agent = lambda _: ok(AGENT)
    done = script(
        """
import logging
from sentryagent_idp import AgentIdPClient
AgentIdPClient().agents.get_agent("a")
"""
    )
    assert (done.stdout, done.stderr) == ("", "")


def test_the_last_records_come_at_exit_and_after_a_fork(script: Script) -> None:
    done = script(
        """
import logging, os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads, Python 3.12
logging.basicConfig(level=logging.DEBUG, format="%(process)d %(message)s", stream=sys.stdout)
from sentryagent_idp import AgentIdPClient
client = AgentIdPClient()
client.agents.get_agent("a")
child = os.fork()
if child == 0:
    client.agents.get_agent("b")
    sys.stdout.flush()
    os._exit(0)
os.waitpid(child, 0)
client.close()
print(child)
"""
    )
    lines = done.stdout.splitlines()
    assert done.stderr == ""
    child = lines.pop()
    tokens = [line for line in lines if "token was fetched" in line]
    assert len(tokens) == 2
    assert tokens[1].startswith(child)
    assert any("closed" in line for line in lines)
