"""Life in real hosts: gunicorn, process pools, forks of all kinds."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from conftest import SECRET, Script
from fake import FakeIdp

FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
END_SECONDS = 60.0
REQUESTS_MAX = 400

APPLICATION = """
import os
from sentryagent_idp import AgentIdPClient

client = AgentIdPClient()
client.agents.get_agent("before-the-fork")

def app(environ, start_response):
    agent = client.agents.get_agent(environ["PATH_INFO"].strip("/"))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{agent.agent_id} {os.getpid()}".encode()]
"""


@contextmanager
def gunicorn(idp: FakeIdp, folder: Path, *arguments: str) -> Iterator[tuple[int, int]]:
    """The server with the client made before the fork; gives its port and its own process id."""
    (folder / "application.py").write_text(APPLICATION)
    environment = {
        **os.environ,
        "AGENTIDP_BASE_URL": idp.url,
        "AGENTIDP_CLIENT_ID": "client-1",
        "AGENTIDP_CLIENT_SECRET": SECRET,
    }
    command = [sys.executable, "-m", "gunicorn", "--preload", "--bind", "127.0.0.1:0"]
    process = subprocess.Popen(
        [
            *command,
            "--workers",
            "2",
            "--worker-tmp-dir",
            str(folder),
            *arguments,
            "application:app",
        ],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process.stderr as log:
        try:
            lines: list[str] = []
            for line in log:
                lines.append(line)
                if found := re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", line):
                    break
            else:
                pytest.fail("".join(lines))
            drain = threading.Thread(target=lambda: lines.extend(log))
            drain.start()
            yield int(found[1]), process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            status = process.wait(END_SECONDS)
        drain.join(END_SECONDS)
    assert status == 0, "".join(lines)
    assert not re.search("Traceback|Fatal|panicked", "".join(lines)), "".join(lines)


@FORKS
@pytest.mark.parametrize(
    "worker", [("sync",), ("gthread", "--threads", "4")], ids=["sync", "gthread"]
)
def test_gunicorn_forks_with_a_used_client(
    idp: FakeIdp, tmp_path: Path, worker: tuple[str, ...]
) -> None:
    with gunicorn(idp, tmp_path, "--worker-class", *worker) as (port, master):

        def get(number: int) -> int:
            connection = HTTPConnection("127.0.0.1", port, timeout=END_SECONDS)
            try:
                connection.request("GET", f"/agent-{number}")
                answer = connection.getresponse()
                body = answer.read().decode()
            finally:
                connection.close()
            assert answer.status == 200, body
            name, process = body.split()
            assert name == f"agent-{number}"
            return int(process)

        seen: set[int] = set()
        with ThreadPoolExecutor(8) as pool:
            for start in range(0, REQUESTS_MAX, 40):
                seen.update(pool.map(get, range(start, start + 40)))
                if len(seen) >= 2:
                    break
    assert len(seen) >= 2
    assert master not in seen


@FORKS
def test_a_pool_forks_with_a_used_client(script: Script) -> None:
    """As celery's prefork pool: the client is a global of the parent, used before the fork."""
    done = script(
        """
import multiprocessing, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads, Python 3.12
from sentryagent_idp import AgentIdPClient
client = AgentIdPClient()
client.agents.get_agent("before")

def work(number):
    return client.agents.get_agent(f"agent-{number}")

if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(4) as pool:
        found = pool.map(work, range(100), chunksize=1)
    assert [agent.agent_id for agent in found] == [f"agent-{n}" for n in range(100)]
    print(client.agents.get_agent("after").agent_id)
"""
    )
    assert (done.stdout, done.stderr) == ("after\n", "")


# A host that forks in C and goes on in Python owes it this call, as uWSGI makes it: else CPython's
# own lock may be held by a thread that the child does not have, or wait for one.
FORK_IN_C = """
libc = ctypes.CDLL(None)
at_fork = getattr(libc, "__register_atfork", None) or libc.pthread_atfork
child_goes_on = ctypes.cast(ctypes.pythonapi.PyOS_AfterFork_Child, ctypes.c_void_p)
assert at_fork(None, None, child_goes_on, None) == 0
fork = ctypes.PyDLL(None).fork
"""


@FORKS
@pytest.mark.parametrize("how", ["fork = os.fork", FORK_IN_C], ids=["python", "c"])
def test_forks_while_other_threads_are_busy(script: Script, how: str) -> None:
    done = script(
        f"""
import asyncio, ctypes, os, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)
{how}
from sentryagent_idp import AgentIdPClient, AsyncAgentIdPClient
client, later = AgentIdPClient(), AsyncAgentIdPClient()
stop, failures, made = threading.Event(), [], []

def busy(name):
    while not stop.is_set():
        try:
            assert client.agents.get_agent(name).agent_id == name
            made.append(1)
        except BaseException as error:
            failures.append(repr(error))
            return

async def main():
    return (await later.agents.get_agent("async")).agent_id

threads = [threading.Thread(target=busy, args=(f"busy-{{n}}",)) for n in range(4)]
for thread in threads:
    thread.start()
statuses = []
for number in range(25):
    child = fork()
    if child == 0:
        ok = all(client.agents.get_agent(f"c{{n}}").agent_id == f"c{{n}}" for n in range(3))
        if number % 5 == 0:
            ok = ok and asyncio.run(main()) == "async"
        os._exit(0 if ok else 1)
    statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
stop.set()
for thread in threads:
    thread.join()
assert failures == [], failures
assert statuses == [0] * 25, statuses
print("fine", len(made) > 4)
"""
    )
    assert (done.stdout, done.stderr) == ("fine True\n", "")


@FORKS
def test_an_asyncio_server_may_fork_workers(script: Script) -> None:
    done = script(
        """
import asyncio, os, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from sentryagent_idp import AsyncAgentIdPClient, AsyncTokenVerifier
client = AsyncAgentIdPClient()

async def main(name):
    return (await client.agents.get_agent(name)).agent_id

async def parent():
    assert await main("p") == "p"
    child = os.fork()
    if child == 0:
        try:
            await main("c")
        except RuntimeError as error:  # the loop is the parent's
            assert "asyncio.run" in str(error)
        else:
            os._exit(2)
        asyncio._set_running_loop(None)
        loop = asyncio.new_event_loop()
        os._exit(0 if loop.run_until_complete(main("c")) == "c" else 1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, await main("p2")

print(asyncio.run(parent()))
"""
    )
    assert done.stdout == "(0, 'p2')\n", done.stderr
