"""A Python client under the referee's orders: one line in, one turn, one line out.

    worker.py <client> <base url>

A turn is `in_flight` tasks (or threads) that make the same number of calls each. A call that fails
ends the worker: a failure has no rate.
"""

from __future__ import annotations

import asyncio
import json
import platform
import resource
import sys
import threading
import time
from typing import Any

import async_clients
import sync_clients
import verifiers

AGENT = "0192f8c4-7d1e-7c3a-9f5b-2f6f1d0c8000"


def cpu() -> float:
    """User and system time of this process so far, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def look(agent: Any) -> None:
    """Reads what a caller reads, and checks it."""
    right = agent.email.endswith(".com") and agent.status == "active"
    if not right or agent.created_at.year != 2026:
        raise ValueError("an agent is not what the server sent")


def look_at(operation: str, answer: Any) -> None:
    """Looks at every agent of an answer."""
    if operation == "get":
        look(answer)
        return
    agents = answer.data
    if len(agents) != 100:
        raise ValueError("a page is not what the server sent")
    for agent in agents:
        look(agent)


async def take_async(client: Any, turn: dict[str, Any]) -> dict[str, float]:
    """A turn of tasks."""
    operation, each = turn["operation"], turn["calls"] // turn["in_flight"]

    async def task() -> None:
        for _ in range(each):
            look_at(operation, await (client.get(AGENT) if operation == "get" else client.list()))

    began, used = time.perf_counter(), cpu()
    await asyncio.gather(*(task() for _ in range(turn["in_flight"])))
    return {"seconds": time.perf_counter() - began, "cpu": cpu() - used}


def take_sync(client: Any, turn: dict[str, Any]) -> dict[str, float]:
    """A turn of threads; each has made one call before the clock starts."""
    operation, each = turn["operation"], turn["calls"] // turn["in_flight"]
    line = threading.Barrier(turn["in_flight"] + 1)
    finished = []

    def call() -> None:
        look_at(operation, client.get(AGENT) if operation == "get" else client.list())

    def thread() -> None:
        call()
        line.wait()
        for _ in range(each):
            call()
        finished.append(True)

    threads = [threading.Thread(target=thread, daemon=True) for _ in range(turn["in_flight"])]
    for one in threads:
        one.start()
    line.wait(timeout=60)
    began, used = time.perf_counter(), cpu()
    for one in threads:
        one.join()
    taken = {"seconds": time.perf_counter() - began, "cpu": cpu() - used}
    if len(finished) != len(threads):
        raise RuntimeError("a thread failed")
    return taken


def take_verify(verifier: Any, turn: dict[str, Any]) -> dict[str, float]:
    """A turn of one thread."""
    algorithm = turn["operation"]
    verifier.verify(algorithm)
    began, used = time.perf_counter(), cpu()
    for _ in range(turn["calls"]):
        verifier.verify(algorithm)
    return {"seconds": time.perf_counter() - began, "cpu": cpu() - used}


def main(name: str, base_url: str) -> None:
    """Works until standard input ends."""
    runtime = f"{platform.python_implementation()} {platform.python_version()}"
    loop = asyncio.new_event_loop()
    if name in async_clients.ALL:
        client = loop.run_until_complete(async_clients.ALL[name](base_url))

        def take(turn: dict[str, Any]) -> dict[str, float]:
            return loop.run_until_complete(take_async(client, turn))
    elif name in verifiers.ALL:
        client = verifiers.ALL[name](base_url)

        def take(turn: dict[str, Any]) -> dict[str, float]:
            return take_verify(client, turn)
    else:
        client = sync_clients.ALL[name](base_url)

        def take(turn: dict[str, Any]) -> dict[str, float]:
            return take_sync(client, turn)

    print(json.dumps({"client": client.name, "runtime": runtime}), flush=True)
    for line in sys.stdin:
        print(json.dumps(take(json.loads(line))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
