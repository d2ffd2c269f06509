"""Calls from asyncio."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from conftest import SECRET
from fake import AGENT, TOKEN, FakeIdp, Request, ok
from sentryagent_idp import (
    AsyncAgentIdPClient,
    AsyncTokenManager,
    CallOptions,
    IssueTokenRequest,
    NotFoundError,
)

BRIDGE = "_sentryagent_idp_bridge"


@pytest.fixture
def client(settings: dict[str, str]) -> AsyncAgentIdPClient:
    return AsyncAgentIdPClient(
        base_url=settings["base_url"],
        client_id=settings["client_id"],
        client_secret=settings["client_secret"],
    )


async def arrived(idp: FakeIdp) -> None:
    await asyncio.to_thread(idp.arrived.wait, 10)


def test_a_call_answers_a_model(client: AsyncAgentIdPClient) -> None:
    async def main() -> None:
        async with client:
            assert (await client.agents.get_agent("a")).agent_id == "a"
            token = await client.tokens.issue_token(IssueTokenRequest(scope="agents:read"))
            assert token == await client.tokens.issue_token(scope="agents:read")

    asyncio.run(main())


def test_a_thousand_calls_on_a_cold_client_make_one_token_request(
    idp: FakeIdp, client: AsyncAgentIdPClient
) -> None:
    async def main() -> list[str]:
        calls = [client.agents.get_agent(f"agent-{n}") for n in range(1000)]
        return [agent.agent_id for agent in await asyncio.gather(*calls)]

    assert asyncio.run(main()) == [f"agent-{n}" for n in range(1000)]
    assert idp.counts == {"token": 1, "agent": 1000}


def test_errors_are_raised_where_the_caller_awaits(
    idp: FakeIdp, client: AsyncAgentIdPClient
) -> None:
    idp.agent = lambda _: ok({"code": "AGENT_NOT_FOUND", "message": "x"}, 404)

    async def main() -> None:
        with pytest.raises(NotFoundError) as caught:
            await client.agents.get_agent("a")
        assert any(frame.name == "main" for frame in caught.traceback)

    asyncio.run(main())


def test_cancelling_a_task_aborts_the_request(idp: FakeIdp, client: AsyncAgentIdPClient) -> None:
    idp.agent = lambda request: idp.hang(request)

    async def main() -> None:
        task = asyncio.create_task(client.agents.get_agent("a"))
        await arrived(idp)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(idp.aborted.wait, 10)
        assert getattr(asyncio.get_running_loop(), BRIDGE).pending() == 0

    asyncio.run(main())


def test_a_timeout_of_asyncio_aborts_the_request(idp: FakeIdp, client: AsyncAgentIdPClient) -> None:
    idp.agent = lambda request: idp.hang(request)

    async def main() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.agents.get_agent("a"), 0.2)
        assert await asyncio.to_thread(idp.aborted.wait, 10)

    asyncio.run(main())


def test_a_cancelled_caller_does_not_stop_the_others_token(
    idp: FakeIdp, client: AsyncAgentIdPClient
) -> None:
    def slow(_: Request) -> Any:
        idp.arrived.set()
        idp.release.wait(10)
        return ok(TOKEN)

    idp.token = slow

    async def main() -> None:
        first = asyncio.create_task(client.agents.get_agent("a"))
        second = asyncio.create_task(client.agents.get_agent("b"))
        await arrived(idp)
        first.cancel()
        await asyncio.wait([first])
        idp.release.set()
        assert (await second).agent_id == "b"

    asyncio.run(main())
    assert idp.counts["token"] == 1


def test_the_loop_is_not_blocked(idp: FakeIdp, client: AsyncAgentIdPClient) -> None:
    idp.agent = idp.hold

    async def main() -> None:
        call = asyncio.create_task(client.agents.get_agent("a"))
        await arrived(idp)
        for _ in range(100):
            await asyncio.sleep(0)
        assert not call.done()
        idp.release.set()
        await call

    asyncio.run(main())


def test_one_client_serves_many_loops(idp: FakeIdp, client: AsyncAgentIdPClient) -> None:
    gate = threading.Barrier(4)
    found: list[str] = []

    async def main(name: str) -> None:
        gate.wait()
        calls = [client.agents.get_agent(f"{name}-{n}") for n in range(25)]
        found.extend(agent.agent_id for agent in await asyncio.gather(*calls))

    threads = [threading.Thread(target=lambda n=n: asyncio.run(main(n))) for n in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(f"{name}-{n}" for name in "abcd" for n in range(25))


def test_loops_may_follow_each_other(client: AsyncAgentIdPClient) -> None:
    for n in range(20):
        agent = asyncio.run(one(client, f"agent-{n}"))
        assert agent == f"agent-{n}"


async def one(client: AsyncAgentIdPClient, name: str) -> str:
    return (await client.agents.get_agent(name)).agent_id


def test_a_loop_that_is_closed_with_calls_out_aborts_them(
    idp: FakeIdp, client: AsyncAgentIdPClient
) -> None:
    idp.agent = lambda request: idp.hang(request)
    loop = asyncio.new_event_loop()
    task = loop.create_task(one(client, "a"))
    loop.run_until_complete(arrived(idp))
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    del loop, task
    import gc

    gc.collect()
    assert idp.aborted.wait(10)
    idp.agent = lambda request: ok({**AGENT, "agentId": request.last})
    assert asyncio.run(one(client, "b")) == "b"


class NoReaders(asyncio.SelectorEventLoop):
    """A loop that cannot watch descriptors, as on Windows."""

    def add_reader(self, *_: Any) -> Any:  # type: ignore[override]
        raise NotImplementedError


def test_a_loop_that_cannot_watch_descriptors_is_woken_by_a_thread(
    client: AsyncAgentIdPClient,
) -> None:
    loop = NoReaders()
    # The loop's own self-pipe needs a reader; it was added before the refusal applies.
    try:
        calls = [one(client, f"agent-{n}") for n in range(50)]

        async def main() -> list[str]:
            return list(await asyncio.gather(*calls))

        assert loop.run_until_complete(main()) == [f"agent-{n}" for n in range(50)]
    finally:
        loop.close()


def test_on_response_is_told_on_the_loop_s_thread(client: AsyncAgentIdPClient) -> None:
    threads: list[int] = []
    options = CallOptions(on_response=lambda _: threads.append(threading.get_ident()))

    async def main() -> None:
        await client.agents.get_agent("a", options=options)

    asyncio.run(main())
    assert threads == [threading.get_ident()]


def test_an_error_in_on_response_is_the_call_s(client: AsyncAgentIdPClient) -> None:
    def fail(_: object) -> None:
        raise LookupError("mine")

    async def main() -> None:
        with pytest.raises(LookupError, match="mine"):
            await client.agents.get_agent("a", options=CallOptions(on_response=fail))
        assert (await client.agents.get_agent("b")).agent_id == "b"

    asyncio.run(main())


def test_one_call_s_on_response_ends_nobody_else_s(client: AsyncAgentIdPClient) -> None:
    def stop(_: object) -> None:
        raise StopIteration

    async def stopped() -> None:
        # A future takes no StopIteration; which error stands for it is asyncio's to say.
        with pytest.raises((TypeError, RuntimeError), match="StopIteration"):
            await client.agents.get_agent("a", options=CallOptions(on_response=stop))

    async def cancelled() -> None:
        task = asyncio.current_task()
        assert task is not None
        options = CallOptions(on_response=lambda _: task.cancel())
        with pytest.raises(asyncio.CancelledError):
            await client.agents.get_agent("a", options=options)

    async def main() -> None:
        await client.agents.get_agent("a")
        calls = [asyncio.ensure_future(client.agents.get_agent(f"{n}")) for n in range(20)]
        odd = [asyncio.ensure_future(call()) for call in (stopped, cancelled)]
        calls += [asyncio.ensure_future(client.agents.get_agent(f"{n}")) for n in range(20)]
        both = asyncio.gather(asyncio.gather(*calls), asyncio.gather(*odd))
        answers, _ = await asyncio.wait_for(both, 30)
        assert [agent.agent_id for agent in answers] == [f"{n}" for n in range(20)] * 2

    asyncio.run(main())


def test_the_token_manager_shares_one_request(idp: FakeIdp) -> None:
    async def main() -> None:
        async with AsyncTokenManager(idp.url, "client-1", SECRET) as manager:
            tokens = await asyncio.gather(*[manager.get_token() for _ in range(100)])
            assert set(tokens) == {TOKEN["access_token"]}
            await nothing_is_awaited(manager.get_token)

    asyncio.run(main())
    assert idp.counts["token"] == 1


async def nothing_is_awaited(call: Callable[[], Awaitable[object]]) -> None:
    """A cached answer comes without a turn of the loop."""
    with pytest.raises(StopIteration):
        call().__await__().send(None)


def test_calls_outside_a_loop_say_so(client: AsyncAgentIdPClient) -> None:
    call = client.agents.get_agent("a")
    with pytest.raises(RuntimeError, match="no running event loop"):
        call.send(None)
