"""The Python conformance runner: reads commands from stdin, answers on stdout, a JSON line each.

It decodes arguments into the SDK's public types, calls public methods, and encodes what comes
back with the public conversions. `--mode sync` runs each call on a thread of its own with the
blocking client, `--mode async` as a task with the asyncio client. It judges nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import platform
import queue
import signal
import sys
import threading
from typing import Any

from public import Line, Tally, failure, plain, prepare, raw
from sentryagent_idp import (
    AgentIdPClient,
    AsyncAgentIdPClient,
    AsyncTokenVerifier,
    ResponseInfo,
    TokenVerifier,
)
from verbs import Verbs

THREADS_MAX = 256
LINE_BYTES_MAX = 64 * 1024 * 1024
# Carried out before the next line is read: later lines name what they make.
IN_ORDER = ("client", "verifier", "clock")
_output = threading.Lock()


def say(line: Line) -> None:
    """Writes one answer."""
    text = json.dumps(line)
    with _output:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


class SyncRunner(Verbs):
    """Calls with the blocking client, each on a thread.

    Only the main thread can be interrupted, as by Ctrl-C: a call that will be cancelled runs there,
    one after the other, and `cancel` interrupts it.
    """

    client_class = AgentIdPClient
    verifier_class = TokenVerifier

    def __init__(self) -> None:
        super().__init__()
        self.main_queue: queue.SimpleQueue[Line | None] = queue.SimpleQueue()
        self.main_call: int | None = None
        self.threads: list[threading.Thread] = []

    def run(self) -> None:
        """Serves until `exit` or the end of the input."""
        reader = threading.Thread(target=self.read)
        reader.start()
        # What runs in the background inherits an ignored SIGINT.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        while (line := self.main_queue.get()) is not None:
            self.main_call = line["id"]
            self.answer(line)
            self.main_call = None
        reader.join()
        for thread in self.threads:
            thread.join()

    def read(self) -> None:
        """Hands commands out to threads."""
        for text in sys.stdin:
            line = json.loads(text)
            if line["do"] == "exit":
                break
            if line["do"] in (*IN_ORDER, "cancel"):
                self.answer(line)
            elif line.get("cancellable"):
                self.main_queue.put(line)
            else:
                thread = threading.Thread(target=self.answer, args=(line,))
                thread.start()
                self.threads = [t for t in self.threads if t.is_alive()] + [thread]
        self.main_queue.put(None)

    def answer(self, line: Line) -> None:
        """Carries out one command."""
        try:
            say({"id": line["id"], "ok": self.verb(line)(line)})
        except BaseException as error:
            self.error = error
            say({"id": line["id"], "error": failure(error)})

    def do_cancel(self, line: Line) -> None:
        """Interrupts the call on the main thread."""
        if self.main_call != line["call"]:
            raise RuntimeError("only the main thread's call can be interrupted")
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def do_call(self, line: Line) -> Any:
        """Makes one call."""
        return plain(self.keep(prepare(self.clients[line["client"]], line)))

    def do_raw(self, line: Line) -> Line:
        """Makes one call and tells what came around its value."""
        seen: list[ResponseInfo] = []
        value = prepare(self.clients[line["client"]], line, on_response=seen.append)
        return raw(seen[0], value)

    def do_burst(self, line: Line) -> Line:
        """Makes many calls, so many at once."""
        client, count = self.clients[line["client"]], line["count"]
        workers = min(line.get("concurrency") or count, count, THREADS_MAX)
        numbers, tally, lock = itertools.count(), Tally(), threading.Lock()
        gate = threading.Barrier(workers)

        def work() -> None:
            gate.wait()
            while next(numbers) < count:
                outcome: BaseException | None = None
                try:
                    prepare(client, line)
                except BaseException as error:
                    outcome = error.with_traceback(None)
                with lock:
                    tally.add(outcome)

        threads = [threading.Thread(target=work) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return tally.result()

    def do_pages(self, line: Line) -> list[Any]:
        """Reads a list through its iterator."""
        out: list[Any] = []
        for item in prepare(self.clients[line["client"]], line, iterate=True):
            if len(out) == line["limit"]:
                break
            out.append(plain(item))
        return out

    def do_token(self, line: Line) -> str:
        """Reads the client's access token."""
        token: str = self.clients[line["client"]].token_manager.get_token()
        return token

    def do_verify(self, line: Line) -> Line:
        """Verifies a token."""
        verifier = self.verifiers[line["verifier"]]
        return plain(verifier.verify(line["token"], line.get("requiredScopes")))  # type: ignore[no-any-return]

    def do_close(self, line: Line) -> None:
        """Closes a client."""
        self.clients[line["client"]].close()

    def do_sleeping(self, line: Line) -> float:
        """Waits until somebody sleeps on a clock."""
        return self.wait_for_sleep(line)


class AsyncRunner(Verbs):
    """Calls with the asyncio client, each as a task."""

    client_class = AsyncAgentIdPClient
    verifier_class = AsyncTokenVerifier

    def __init__(self) -> None:
        super().__init__()
        self.tasks: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Serves until `exit` or the end of the input."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=LINE_BYTES_MAX)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while text := await reader.readline():
            line = json.loads(text)
            if line["do"] == "exit":
                break
            if line["do"] in IN_ORDER:
                await self.answer(line)
                continue
            self.tasks[line["id"]] = loop.create_task(self.track(line))
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)

    async def track(self, line: Line) -> None:
        """Carries out one command that others may cancel."""
        try:
            await self.answer(line)
        finally:
            del self.tasks[line["id"]]

    async def answer(self, line: Line) -> None:
        """Carries out one command."""
        try:
            outcome = self.verb(line)(line)
            if asyncio.iscoroutine(outcome):
                outcome = await outcome
            say({"id": line["id"], "ok": outcome})
        except BaseException as error:
            self.error = error
            say({"id": line["id"], "error": failure(error)})

    def do_cancel(self, line: Line) -> None:
        """Cancels the task of a running call."""
        task = self.tasks.get(line["call"])
        if task is not None:
            task.cancel()

    async def do_call(self, line: Line) -> Any:
        """Makes one call."""
        return plain(self.keep(await prepare(self.clients[line["client"]], line)))

    async def do_raw(self, line: Line) -> Line:
        """Makes one call and tells what came around its value."""
        seen: list[ResponseInfo] = []
        value = await prepare(self.clients[line["client"]], line, on_response=seen.append)
        return raw(seen[0], value)

    async def do_burst(self, line: Line) -> Line:
        """Makes many calls, so many at once."""
        client, count = self.clients[line["client"]], line["count"]
        numbers, tally = itertools.count(), Tally()

        async def work() -> None:
            while next(numbers) < count:
                outcome: BaseException | None = None
                try:
                    await prepare(client, line)
                except BaseException as error:
                    outcome = error.with_traceback(None)
                tally.add(outcome)

        workers = min(line.get("concurrency") or count, count)
        await asyncio.gather(*[work() for _ in range(workers)])
        return tally.result()

    async def do_pages(self, line: Line) -> list[Any]:
        """Reads a list through its iterator."""
        out: list[Any] = []
        async for item in prepare(self.clients[line["client"]], line, iterate=True):
            if len(out) == line["limit"]:
                break
            out.append(plain(item))
        return out

    async def do_token(self, line: Line) -> str:
        """Reads the client's access token."""
        token: str = await self.clients[line["client"]].token_manager.get_token()
        return token

    async def do_verify(self, line: Line) -> Line:
        """Verifies a token."""
        verifier = self.verifiers[line["verifier"]]
        return plain(await verifier.verify(line["token"], line.get("requiredScopes")))  # type: ignore[no-any-return]

    async def do_close(self, line: Line) -> None:
        """Closes a client."""
        await self.clients[line["client"]].close()

    async def do_sleeping(self, line: Line) -> float:
        """Waits until somebody sleeps on a clock; other commands go on."""
        return await asyncio.to_thread(self.wait_for_sleep, line)


def main() -> None:
    """Says who is there, then serves."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=("sync", "async"), default="async")
    mode = parser.parse_args().mode
    ready = {"language": "python", "mode": mode, "version": platform.python_version()}
    say({"ready": ready})
    if mode == "sync":
        SyncRunner().run()
    else:
        asyncio.run(AsyncRunner().run())


if __name__ == "__main__":
    main()
