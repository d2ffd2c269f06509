"""The Python conformance runner: reads commands from stdin, answers on stdout, a JSON line each.

It decodes arguments into the SDK's public types, calls public methods, and encodes what comes
back with the public conversions. `--mode sync` runs each call on a thread of its own with the
blocking client, `--mode async` as a task with the asyncio client. It judges nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import queue
import signal
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dispatch import OPERATIONS
from sentryagent_idp import (
    AgentIdPClient,
    AgentIdPError,
    AsyncAgentIdPClient,
    CallOptions,
)

Line = dict[str, Any]
_output = threading.Lock()


def say(line: Line) -> None:
    """Writes one answer."""
    text = json.dumps(line)
    with _output:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def settings(config: Line) -> Line:
    """The clients' keyword arguments for a `config` of the protocol."""
    names = {
        "baseUrl": "base_url",
        "clientId": "client_id",
        "clientSecret": "client_secret",
        "scopes": "scopes",
        "retries": "retries",
        "headers": "headers",
        "allowInsecureHttp": "allow_insecure_http",
        "caBundle": "ca_bundle",
    }
    out = {names[key]: value for key, value in config.items() if key in names}
    for key, name in (("timeoutMs", "timeout"), ("connectTimeoutMs", "connect_timeout")):
        if key in config:
            out[name] = config[key] / 1000
    return out


def call_options(options: Line | None) -> CallOptions | None:
    """The public options for those of the protocol."""
    if not options:
        return None
    timeout = options.get("timeoutMs")
    return CallOptions(
        timeout=None if timeout is None else timeout / 1000,
        retries=options.get("retries"),
        headers=options.get("headers"),
        idempotency_key=options.get("idempotencyKey"),
        request_id=options.get("requestId"),
    )


def prepare(client: Any, line: Line, *, iterate: bool = False) -> Any:
    """Makes the call that the line asks for; a coroutine with the asyncio client."""
    operation = OPERATIONS[line["operation"]]
    arguments = line.get("args") or {}
    path = arguments.get("path") or {}
    given: list[Any] = [path[name] for name in operation.path]
    for model, part in ((operation.body, "body"), (operation.query, "query")):
        if model is not None and arguments.get(part) is not None:
            given.append(model.from_dict(arguments[part]))
    name = operation.iterator if iterate else operation.method
    assert name is not None
    method = getattr(getattr(client, operation.service), name)
    return method(*given, options=call_options(arguments.get("options")))


def plain(value: Any) -> Any:
    """Wire JSON of a result."""
    return None if value is None else value.to_dict()


def failure(error: BaseException) -> Line:
    """The error record of an exception."""
    if isinstance(error, AgentIdPError):
        return {**error.to_dict(), "class": type(error).__name__}
    if isinstance(error, (asyncio.CancelledError, KeyboardInterrupt)):
        record = {"kind": "cancelled", "code": "CANCELLED"}
    else:
        record = {"kind": "runner", "code": type(error).__name__}
    return {**record, "message": str(error), "class": type(error).__name__}


def tally(errors: list[BaseException | None]) -> Line:
    """What a burst came to."""
    codes = Counter(failure(error)["code"] for error in errors if error is not None)
    failed = sum(codes.values())
    return {"succeeded": len(errors) - failed, "failed": failed, "errors": dict(codes)}


class SyncRunner:
    """Calls with the blocking client, each on a thread.

    Only the main thread can be interrupted, as by Ctrl-C: a call that will be cancelled runs there,
    one after the other, and `cancel` interrupts it.
    """

    def __init__(self) -> None:
        self.clients: dict[str, AgentIdPClient] = {}
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
            if line["do"] in ("client", "cancel"):
                self.answer(line)  # before whatever comes behind it
            elif line.get("cancellable"):
                self.main_queue.put(line)
            else:
                thread = threading.Thread(target=self.answer, args=(line,))
                thread.start()
                self.threads.append(thread)
        self.main_queue.put(None)

    def answer(self, line: Line) -> None:
        """Carries out one command."""
        try:
            say({"id": line["id"], "ok": getattr(self, line["do"])(line)})
        except BaseException as error:
            say({"id": line["id"], "error": failure(error)})

    def cancel(self, line: Line) -> None:
        """Interrupts the call on the main thread."""
        if self.main_call != line["call"]:
            raise RuntimeError("only the main thread's call can be interrupted")
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def client(self, line: Line) -> None:
        """Makes a client."""
        self.clients[line["client"]] = AgentIdPClient(**settings(line.get("config") or {}))

    def call(self, line: Line) -> Any:
        """Makes one call."""
        return plain(prepare(self.clients[line["client"]], line))

    def burst(self, line: Line) -> Line:
        """Makes many calls at once."""
        client = self.clients[line["client"]]
        gate = threading.Barrier(min(line["count"], 256))

        def one(index: int) -> BaseException | None:
            if index < gate.parties:
                gate.wait()
            try:
                prepare(client, line)
            except BaseException as error:
                return error
            return None

        with ThreadPoolExecutor(gate.parties) as pool:
            return tally(list(pool.map(one, range(line["count"]))))

    def pages(self, line: Line) -> list[Any]:
        """Reads a list through its iterator."""
        out: list[Any] = []
        for item in prepare(self.clients[line["client"]], line, iterate=True):
            if len(out) == line["limit"]:
                break
            out.append(plain(item))
        return out

    def clearTokenCache(self, line: Line) -> None:  # noqa: N802 - the protocol's name
        """Forgets the cached token."""
        self.clients[line["client"]].clear_token_cache()

    def close(self, line: Line) -> None:
        """Closes a client."""
        self.clients[line["client"]].close()


class AsyncRunner:
    """Calls with the asyncio client, each as a task."""

    def __init__(self) -> None:
        self.clients: dict[str, AsyncAgentIdPClient] = {}
        self.tasks: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Serves until `exit` or the end of the input."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=16 * 1024 * 1024)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while text := await reader.readline():
            line = json.loads(text)
            if line["do"] == "exit":
                break
            if line["do"] == "client":
                await self.answer(line)  # before any call that names it
                continue
            self.tasks[line["id"]] = loop.create_task(self.answer(line))
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)

    async def answer(self, line: Line) -> None:
        """Carries out one command."""
        try:
            say({"id": line["id"], "ok": await getattr(self, line["do"])(line)})
        except BaseException as error:
            say({"id": line["id"], "error": failure(error)})

    async def client(self, line: Line) -> None:
        """Makes a client."""
        self.clients[line["client"]] = AsyncAgentIdPClient(**settings(line.get("config") or {}))

    async def call(self, line: Line) -> Any:
        """Makes one call."""
        return plain(await prepare(self.clients[line["client"]], line))

    async def cancel(self, line: Line) -> None:
        """Cancels the task of a running call."""
        self.tasks[line["call"]].cancel()

    async def burst(self, line: Line) -> Line:
        """Makes many calls at once."""
        client = self.clients[line["client"]]
        calls = [prepare(client, line) for _ in range(line["count"])]
        results = await asyncio.gather(*calls, return_exceptions=True)
        return tally([r if isinstance(r, BaseException) else None for r in results])

    async def pages(self, line: Line) -> list[Any]:
        """Reads a list through its iterator."""
        out: list[Any] = []
        async for item in prepare(self.clients[line["client"]], line, iterate=True):
            if len(out) == line["limit"]:
                break
            out.append(plain(item))
        return out

    async def clearTokenCache(self, line: Line) -> None:  # noqa: N802 - the protocol's name
        """Forgets the cached token."""
        self.clients[line["client"]].clear_token_cache()

    async def close(self, line: Line) -> None:
        """Closes a client."""
        await self.clients[line["client"]].close()


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
