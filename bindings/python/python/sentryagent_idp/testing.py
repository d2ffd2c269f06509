"""For the tests of programs that use this package: a real server, and a clock that stands.

    from sentryagent_idp.testing import MockServer

    with MockServer() as server:
        client = server.client()
        client.agents.list_agents()
        server.clock.advance(3600)  # an hour passes for the server and for the client
        server.fail_next(status=503, retry_after=2)

With pytest the fixture `agentidp_mock` is such a server, new for each test. The server is the
program `agentidp` (`agentidp mock`): its path is given as `binary`, in the variable AGENTIDP_BIN,
or found on PATH.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from http.client import HTTPConnection
from math import isfinite
from typing import Any
from urllib.parse import urlsplit

from ._native import NativeClock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from typing_extensions import Self

    from ._async_client import AsyncAgentIdPClient
    from ._client import AgentIdPClient

__all__ = ["ManualClock", "MockClock", "MockServer", "RecordedRequest"]

_CONTROL_SECONDS = 30.0
_END_SECONDS = 10.0
_LOG_BYTES_SHOWN = 2000


class ManualClock:
    """A clock that stands still at the present until it is moved; give it to clients as `clock`.

    Waits, deadlines and tokens' lives follow it.

    Example:
        clock = ManualClock()
        client = AgentIdPClient(clock=clock)
        clock.advance(3600)
    """

    def __init__(self) -> None:
        self._native = NativeClock()

    def advance(self, seconds: float) -> None:
        """Time passes; who slept until then wakes up.

        Raises:
            ValueError: It is negative, or no finite number.
        """
        self._native.advance(_span("seconds", seconds))

    def jump_wall(self, seconds: float) -> None:
        """Only the wall clock jumps, forward or (negative) back, as when somebody sets it."""
        self._native.jump_wall(_finite("seconds", seconds))

    def set_random(self, value: float) -> None:
        """What every random draw (jitter) gives from now on: 0 to 1. Default 0.

        Raises:
            ValueError: It is another.
        """
        if not 0 <= _finite("value", value) <= 1:
            raise ValueError("value must be from 0 to 1")
        self._native.set_random(value)

    def time(self) -> float:
        """The wall clock, in seconds since 1970."""
        return self._native.time()

    def sleeping(self, at_most: float, patience: float = 30.0) -> float | None:
        """Waits until the SDK sleeps for at most that many seconds and answers for how many.

        Args:
            at_most: Longer sleeps (a call's whole deadline) do not count.
            patience: For how many real seconds to wait; then the answer is None.
        """
        return self._native.sleeping(_span("at_most", at_most), _span("patience", patience))

    def __repr__(self) -> str:
        return f"ManualClock({self.time()})"


@dataclass(frozen=True)
class RecordedRequest:
    """A request that the mock server received; secrets are masked."""

    method: str
    """`GET`"""
    path: str
    """With its query."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Any
    """As JSON or as the form's fields; None without one."""


class MockClock:
    """The clock of a mock server and of the clients that it made."""

    def __init__(self, server: MockServer, clients: ManualClock) -> None:
        self._server = server
        self.clients = clients
        """The clients' clock alone; for a client that is made in another way."""

    def advance(self, seconds: float) -> None:
        """Time passes, first for the server, then for its clients.

        Raises:
            ValueError: It is negative, or more than a hundred years.
        """
        _span("seconds", seconds)
        self._server._control("POST", "/mock/clock", {"advanceMs": seconds * 1000})
        self.clients.advance(seconds)


class MockServer:
    """A server of its own: empty but for one organization and its admin, no rate limits.

    Args:
        binary: The program `agentidp`. Default: AGENTIDP_BIN, else what PATH has.

    Raises:
        FileNotFoundError: There is no such program; the message says how to get it.
        RuntimeError: It does not start.
    """

    def __init__(self, binary: str | os.PathLike[str] | None = None) -> None:
        program = _program(binary)
        with tempfile.TemporaryFile() as log:
            self._process = subprocess.Popen(
                [program, "mock", "--json", "--port", "0"],
                stdin=subprocess.PIPE,  # the server ends when this is closed, with us or before
                stdout=subprocess.PIPE,
                stderr=log,
            )
            assert self._process.stdout is not None
            line = self._process.stdout.readline()
            if not line:
                self.close()
                log.seek(0)
                tail = log.read()[-_LOG_BYTES_SHOWN:].decode(errors="replace")
                raise RuntimeError(f"{program} did not start:\n{tail}")
        try:
            ready = json.loads(line)
        except ValueError:
            self.close()
            raise RuntimeError(f"{program} is not `agentidp`: it answers something else") from None
        self.base_url: str = ready["baseUrl"]
        """Where it listens."""
        self.client_id: str = ready["clientId"]
        """The admin's id."""
        self.client_secret: str = ready["clientSecret"]
        """The admin's secret."""
        self.organization_id: str = ready["organizationId"]
        """The organization."""
        self.clock = MockClock(self, ManualClock())
        """Moves the time of the server and of its clients."""

    def client(self, **settings: Any) -> AgentIdPClient:
        """A client with the admin's credentials and the mock's clock; settings win."""
        from ._client import AgentIdPClient

        return AgentIdPClient(**(self._settings() | settings))

    def async_client(self, **settings: Any) -> AsyncAgentIdPClient:
        """As `client`, for asyncio."""
        from ._async_client import AsyncAgentIdPClient

        return AsyncAgentIdPClient(**(self._settings() | settings))

    def environment(self) -> dict[str, str]:
        """The variables that a program of its own needs to use the server."""
        return {
            "AGENTIDP_BASE_URL": self.base_url,
            "AGENTIDP_CLIENT_ID": self.client_id,
            "AGENTIDP_CLIENT_SECRET": self.client_secret,
        }

    def fail_next(
        self,
        count: int = 1,
        *,
        status: int | None = None,
        code: str | None = None,
        retry_after: float | str | None = None,
        cut: bool = False,
        delay: float | None = None,
        path: str | None = None,
    ) -> None:
        """Lets requests fail that come from now on.

        Args:
            count: How many. Default 1.
            status: The answer's status. Default 503, unless `code` says another.
            code: The answer's error code.
            retry_after: Seconds, or the text of the header.
            cut: The connection is closed without an answer.
            delay: Seconds (real ones) before the answer; alone, the real answer follows.
            path: Only requests whose path begins so.

        Raises:
            ValueError: One of them is none that the server can do.
        """
        fault = {
            "count": count,
            "status": status,
            "code": code,
            "retryAfter": retry_after,
            "cut": cut or None,
            "delayMs": None if delay is None else round(_span("delay", delay) * 1000),
            "path": path,
        }
        given = {name: value for name, value in fault.items() if value is not None}
        self._control("POST", "/mock/faults", given)

    def requests(self) -> list[RecordedRequest]:
        """Every request since the start or the last `reset`, oldest first."""
        found = self._control("GET", "/mock/requests", None)["requests"]
        names = ("method", "path", "headers", "body")
        return [RecordedRequest(*[request.get(name) for name in names]) for request in found]

    def reset(self) -> None:
        """Forgets faults and recorded requests; what is stored stays."""
        self._control("POST", "/mock/reset", {})

    def close(self) -> None:
        """Stops the server; its store is removed."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"MockServer({self.base_url!r})"

    def _settings(self) -> dict[str, Any]:
        return {
            "base_url": self.base_url,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "clock": self.clock.clients,
        }

    def _control(self, method: str, path: str, order: dict[str, Any] | None) -> Any:
        split = urlsplit(self.base_url)
        connection = HTTPConnection(split.hostname or "", split.port, timeout=_CONTROL_SECONDS)
        try:
            body = None if order is None else json.dumps(order)
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != 200:
            raise ValueError(content.get("message", f"status {answer.status}"))
        return content


def _finite(name: str, value: Any) -> float:
    if not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    try:
        if isfinite(value):
            return float(value)
    except OverflowError:
        pass
    raise ValueError(f"{name} must be a finite number")


def _span(name: str, value: Any) -> float:
    span = _finite(name, value)
    if span < 0:
        raise ValueError(f"{name} must not be negative")
    return span


def _program(binary: str | os.PathLike[str] | None) -> str:
    named = binary or os.environ.get("AGENTIDP_BIN")
    found = shutil.which(os.fspath(named)) if named else shutil.which("agentidp")
    if found:
        return found
    where = f"`{os.fspath(named)}` is no program" if named else "`agentidp` is not on PATH"
    raise FileNotFoundError(
        f"the mock server is the program `agentidp`, and {where}: build it with "
        "`cargo build -p agentidp-server` (or take a release's), then put it on PATH or name it "
        "in AGENTIDP_BIN"
    )
