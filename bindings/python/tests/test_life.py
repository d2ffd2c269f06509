"""Life in a process: many loops, uvloop, threads, cancelled calls, and how fast it is."""

from __future__ import annotations

import asyncio
import gc
import os
import re
import statistics
import threading
import time
import weakref
from pathlib import Path

import pytest
from conftest import SECRET, Script
from fake import FakeIdp, Request
from sentryagent_idp import AgentIdPClient, AsyncAgentIdPClient, CallOptions, TokenManager

END_SECONDS = 60.0
CANCEL_SECONDS_MAX = 0.1
CACHED_READ_MICROSECONDS_MAX = 20.0


def test_uvloop_works_and_cancels(idp: FakeIdp, settings: dict[str, str]) -> None:
    import uvloop

    client = AsyncAgentIdPClient(**settings)  # type: ignore[arg-type]

    async def main() -> list[str]:
        calls = [client.agents.get_agent(f"agent-{n}") for n in range(100)]
        found = [agent.agent_id for agent in await asyncio.gather(*calls)]
        idp.agent = lambda request: idp.hang(request)
        task = asyncio.ensure_future(client.agents.get_agent("a"))
        await asyncio.to_thread(idp.arrived.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(idp.aborted.wait, 10)
        return found

    loop = uvloop.new_event_loop()
    try:
        assert loop.run_until_complete(main()) == [f"agent-{n}" for n in range(100)]
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


def test_a_loop_closes_while_another_goes_on(idp: FakeIdp, settings: dict[str, str]) -> None:
    client = AsyncAgentIdPClient(**settings)  # type: ignore[arg-type]
    going, closed = threading.Event(), threading.Event()
    found: list[str] = []

    def route(request: Request) -> object:
        if request.last != "hang":
            return plain(request)
        idp.hang(request)
        return None

    plain = idp.agent
    idp.agent = route  # type: ignore[assignment]

    async def one(name: str) -> None:
        found.append((await client.agents.get_agent(name)).agent_id)

    async def going_on() -> None:
        number = 0
        while not closed.is_set() or number < 50:
            await one(f"agent-{number}")
            number += 1
            going.set()

    other = threading.Thread(target=lambda: asyncio.run(going_on()))
    other.start()
    assert going.wait(END_SECONDS)
    for _ in range(10):
        loop = asyncio.new_event_loop()
        idp.arrived.clear()
        task = loop.create_task(client.agents.get_agent("hang"))
        loop.run_until_complete(asyncio.wait([task], timeout=0.01))
        assert idp.arrived.wait(END_SECONDS)
        loop.close()
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        del loop, task
        gc.collect()
    closed.set()
    other.join(END_SECONDS)
    assert not other.is_alive()
    assert found == [f"agent-{n}" for n in range(len(found))]
    assert len(found) >= 50


def test_asyncio_run_again_and_again_leaves_nothing(settings: dict[str, str]) -> None:
    client = AsyncAgentIdPClient(**settings)  # type: ignore[arg-type]

    async def one(name: str) -> str:
        return (await client.agents.get_agent(name)).agent_id

    asyncio.run(one("warm"))
    gc.collect()
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for number in range(100):
        assert asyncio.run(one(f"agent-{number}")) == f"agent-{number}"
    gc.collect()
    after = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    assert after <= before + 2


def test_a_cancelled_task_closes_its_socket_at_once(
    idp: FakeIdp, settings: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    client = AsyncAgentIdPClient(**settings)  # type: ignore[arg-type]
    closed_at: list[float] = []

    def hang(request: Request) -> None:
        idp.arrived.set()
        if request.wait_for_abort():
            closed_at.append(time.perf_counter())
            idp.aborted.set()

    async def once() -> float:
        idp.arrived.clear()
        idp.aborted.clear()
        task = asyncio.ensure_future(client.agents.get_agent("a"))
        await asyncio.to_thread(idp.arrived.wait, 10)
        since = time.perf_counter()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(idp.aborted.wait, 10)
        return closed_at[-1] - since

    async def main() -> list[float]:
        await client.agents.get_agent("warm")
        idp.agent = hang
        return [await once() for _ in range(9)]

    took = statistics.median(asyncio.run(main()))
    report(capfd, "cancelled_seen_by_the_server_ms", took * 1e3)
    assert took < CANCEL_SECONDS_MAX


def test_a_cached_token_is_read_inline(idp: FakeIdp, capfd: pytest.CaptureFixture[str]) -> None:
    manager = TokenManager(idp.url, "client-1", SECRET)
    manager.get_token()
    took = []
    for _ in range(7):
        since = time.perf_counter()
        for _ in range(2000):
            manager.get_token()
        took.append((time.perf_counter() - since) / 2000 * 1e6)
    assert idp.counts["token"] == 1
    report(capfd, "cached_token_read_us", min(took))
    assert min(took) < CACHED_READ_MICROSECONDS_MAX


def report(capfd: pytest.CaptureFixture[str], name: str, value: float) -> None:
    """Shows a figure in the run's output."""
    with capfd.disabled():
        print(f"\n{name}: {value:.2f}")


def test_threads_come_and_go(idp: FakeIdp, client: AgentIdPClient) -> None:
    """However many threads call, the package has one of its own."""
    for round_ in range(10):
        threads = [
            threading.Thread(target=client.agents.get_agent, args=(f"{round_}-{n}",))
            for n in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(END_SECONDS)
    assert idp.counts["agent"] == 200
    tasks = Path("/proc/self/task")
    if tasks.is_dir():
        names = [(task / "comm").read_text().strip() for task in tasks.iterdir()]
        assert names.count("agentidp") == 1


def test_what_keeps_options_with_its_own_method_is_collected() -> None:
    class Watching:
        def __init__(self) -> None:
            self.options = CallOptions(on_response=self.seen)

        def seen(self, _: object) -> None: ...

    gone = weakref.ref(Watching())
    gc.collect()
    assert gone() is None


def test_a_daemon_thread_s_pending_calls_hold_up_nothing(idp: FakeIdp, script: Script) -> None:
    idp.agent = lambda request: idp.hang(request)
    done = script(
        """
import asyncio, threading
from sentryagent_idp import AgentIdPClient, AsyncAgentIdPClient
client, later = AgentIdPClient(), AsyncAgentIdPClient()
client.token_manager.get_token()

def loop():
    asyncio.run(both())

async def both():
    calls = [asyncio.ensure_future(later.agents.get_agent(str(n))) for n in range(5)]
    await asyncio.sleep(0)
    out.set()
    await asyncio.gather(*calls)

out = threading.Event()
threading.Thread(target=loop, daemon=True).start()
for n in range(5):
    threading.Thread(target=client.agents.get_agent, args=(str(n),), daemon=True).start()
out.wait()
print("end")
"""
    )
    assert (done.returncode, done.stdout) == (0, "end\n"), done.stderr
    assert not re.search("Fatal|panicked|Warning", done.stderr), done.stderr
