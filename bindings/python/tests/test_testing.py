"""The mock server and the manual clock."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from fake import TOKEN, FakeIdp, Request, ok
from sentryagent_idp import AgentIdPClient, ApiConnectionError, CallOptions, ServerError
from sentryagent_idp.testing import ManualClock, MockServer

NO_RETRY = CallOptions(retries=0)


def test_a_mock_server_is_a_real_one(agentidp_mock: MockServer) -> None:
    with agentidp_mock.client() as client:
        agent = client.agents.get_agent(agentidp_mock.client_id)
        assert agent.organization_id == agentidp_mock.organization_id

    async def main() -> str:
        async with agentidp_mock.async_client() as later:
            return (await later.agents.get_agent(agentidp_mock.client_id)).email

    assert asyncio.run(main()) == agent.email
    assert agentidp_mock.client_secret not in repr(agentidp_mock)


def test_faults_and_requests(agentidp_mock: MockServer) -> None:
    client, me = agentidp_mock.client(), agentidp_mock.client_id
    agentidp_mock.fail_next(status=503, code="NEW_CODE", retry_after=3, path="/api/v1/agents")
    with pytest.raises(ServerError) as caught:
        client.agents.get_agent(me, options=NO_RETRY)
    assert (caught.value.code, caught.value.retry_after) == ("NEW_CODE", 3)
    agentidp_mock.fail_next(cut=True)
    with pytest.raises(ApiConnectionError):
        client.agents.get_agent(me, options=NO_RETRY)
    client.agents.get_agent(me)
    request = agentidp_mock.requests()[-1]
    assert (request.method, request.path) == ("GET", f"/api/v1/agents/{me}")
    assert request.headers["authorization"] == "Bearer ***"
    agentidp_mock.reset()
    assert agentidp_mock.requests() == []
    with pytest.raises(ValueError, match=r"unknown field|count"):
        agentidp_mock.fail_next(count=-1)


def test_time_passes_for_server_and_clients(agentidp_mock: MockServer) -> None:
    client = agentidp_mock.client()
    first = client.token_manager.get_token()
    agentidp_mock.clock.advance(3590)  # under the minute in which callers wait for the new one
    second = client.token_manager.get_token()
    assert first != second
    agentidp_mock.clock.advance(11)
    admin = agentidp_mock.client()
    assert not admin.tokens.introspect_token(first).active
    assert admin.tokens.introspect_token(second).active


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"no program.*AGENTIDP_BIN"):
        MockServer(tmp_path / "nothing")
    monkeypatch.delenv("AGENTIDP_BIN", raising=False)
    with pytest.raises(FileNotFoundError, match="not on PATH"):
        MockServer()


def test_a_program_that_ends_is_an_error(tmp_path: Path) -> None:
    program = tmp_path / "agentidp"
    program.write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(RuntimeError, match="broken"):
        MockServer(program)


def test_a_clock_decides_when_a_retry_comes(idp: FakeIdp, settings: dict[str, str]) -> None:
    """Two retries, without waiting in real time."""
    clock = ManualClock()
    clock.set_random(1.0)
    client = AgentIdPClient(**settings, clock=clock)  # type: ignore[arg-type]
    client.agents.get_agent("a")
    idp.agent = lambda _: ok({"code": "SERVICE_UNAVAILABLE", "message": "x"}, 503)
    import threading

    caught: list[ServerError] = []

    def call() -> None:
        try:
            client.agents.get_agent("a")
        except ServerError as error:
            caught.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    for _ in range(2):
        pause = clock.sleeping(8)
        assert pause is not None
        clock.advance(pause)
    thread.join(20)
    assert [error.retry_count for error in caught] == [2]
    assert idp.counts["agent"] == 4


def test_clearing_a_clock_s_wall_jump(idp: FakeIdp, settings: dict[str, str]) -> None:
    """A wall clock that jumps ahead ends a token that the monotonic clock thinks alive."""
    clock = ManualClock()
    client = AgentIdPClient(**settings, clock=clock)  # type: ignore[arg-type]
    client.agents.get_agent("a")
    before = clock.time()
    clock.jump_wall(2 * 3600)
    assert clock.time() - before == pytest.approx(7200)
    client.agents.get_agent("a")
    assert idp.counts["token"] == 2


def test_nobody_sleeps_on_a_new_clock() -> None:
    assert ManualClock().sleeping(1, patience=0.01) is None
    assert repr(ManualClock()).startswith("ManualClock(")


def test_a_stale_token_serves_while_the_endpoint_is_down(
    idp: FakeIdp, settings: dict[str, str]
) -> None:
    clock = ManualClock()
    client = AgentIdPClient(**settings, clock=clock, retries=0)  # type: ignore[arg-type]
    client.agents.get_agent("a")

    def down(_: Request) -> None:
        return None

    idp.token = down
    clock.advance(TOKEN["expires_in"] - 90)  # type: ignore[operator]
    for _ in range(20):
        client.agents.get_agent("a")
    clock.advance(91)
    with pytest.raises(ApiConnectionError):
        client.agents.get_agent("a")


def test_delays_may_be_parts_of_a_second(agentidp_mock: MockServer) -> None:
    agentidp_mock.fail_next(delay=0.0015)
    assert agentidp_mock.client().agents.list_agents().total == 1
    for delay in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="delay must"):
            agentidp_mock.fail_next(delay=delay)


def test_a_method_of_one_client_can_be_replaced(
    client: AgentIdPClient, agentidp_mock: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    services: list[Any] = [client.agents, agentidp_mock.async_client().agents]
    for service in services:
        monkeypatch.setattr(service, "get_agent", lambda _: "mine")
        assert service.get_agent("a") == "mine"
