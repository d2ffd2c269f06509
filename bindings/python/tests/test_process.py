"""The life of a process: import, threads, fork, exit, sub-interpreters."""

from __future__ import annotations

import sys

import pytest
from conftest import Script
from fake import FakeIdp


def test_importing_starts_no_thread_and_loads_little(script: Script) -> None:
    done = script(
        """
import sys, threading, os
before = set(sys.modules)
import sentryagent_idp
sentryagent_idp.AgentIdPClient()
slow = {"asyncio", "typing", "dataclasses", "inspect", "json", "enum", "re"}
print(sorted(slow & (set(sys.modules) - before)))
tasks = "/proc/self/task"
print(len(os.listdir(tasks)) if os.path.isdir(tasks) else threading.active_count())
"""
    )
    assert done.stdout.split("\n")[:2] == ["[]", "1"], done.stderr


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="needs fork")
def test_clients_work_after_a_fork(script: Script) -> None:
    done = script(
        """
import asyncio, os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # forking with threads, Python 3.12
from sentryagent_idp import AgentIdPClient, AsyncAgentIdPClient
client, later = AgentIdPClient(), AsyncAgentIdPClient()

async def main(name):
    return (await later.agents.get_agent(name)).agent_id

def both():
    return client.agents.get_agent("s").agent_id + asyncio.run(main("a"))

assert both() == "sa"
for _ in range(5):
    child = os.fork()
    if child == 0:
        grandchild = os.fork()
        if grandchild == 0:
            os._exit(0 if both() == "sa" else 1)
        inner = os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1])
        os._exit(inner if both() == "sa" else 1)
    assert both() == "sa"
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print("fine")
"""
    )
    assert done.stdout == "fine\n", done.stderr


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="needs fork")
def test_an_inherited_loop_says_so(script: Script) -> None:
    done = script(
        """
import asyncio, os, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from sentryagent_idp import AsyncAgentIdPClient
client = AsyncAgentIdPClient()

async def main():
    return (await client.agents.get_agent("a")).agent_id

loop = asyncio.new_event_loop()
loop.run_until_complete(main())
child = os.fork()
if child == 0:
    try:
        asyncio._set_running_loop(loop)
        main().send(None)
    except RuntimeError as error:
        os._exit(0 if "forked" in str(error) else 2)
    os._exit(1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(loop.run_until_complete(main()))
"""
    )
    assert done.stdout == "0\na\n", done.stderr


def test_multiprocessing_works(script: Script) -> None:
    done = script(
        """
import multiprocessing
from sentryagent_idp import AgentIdPClient, NotFoundError

def work(name):
    return AgentIdPClient().agents.get_agent(name)  # the answer is pickled back

if __name__ == "__main__":
    AgentIdPClient().agents.get_agent("first")
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        print([agent.agent_id for agent in pool.map(work, ["a", "b", "c"])])
"""
    )
    assert done.stdout == "['a', 'b', 'c']\n", done.stderr


@pytest.mark.parametrize("how", ["", "import sys; sys.exit(3)", "raise ValueError('x')"])
def test_a_process_ends_with_calls_out(idp: FakeIdp, script: Script, how: str) -> None:
    idp.agent = lambda request: idp.hang(request)
    done = script(
        f"""
import threading, time
from sentryagent_idp import AgentIdPClient, CallOptions
client = AgentIdPClient()
started = threading.Event()

def call():
    started.set()
    client.agents.get_agent("a")

threading.Thread(target=call, daemon=True).start()
started.wait()
{how}
"""
    )
    assert done.returncode == {"": 0, "import sys; sys.exit(3)": 3}.get(how, 1), done.stderr
    assert "Fatal" not in done.stderr
    assert "panicked" not in done.stderr


def test_a_loop_that_is_left_with_calls_out_ends(idp: FakeIdp, script: Script) -> None:
    idp.agent = lambda request: idp.hang(request)
    done = script(
        """
import asyncio
from sentryagent_idp import AsyncAgentIdPClient

async def main():
    client = AsyncAgentIdPClient()
    task = asyncio.create_task(client.agents.get_agent("a"))
    await asyncio.sleep(0)

asyncio.run(main())
print("end")
"""
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")


def test_calls_at_exit_are_runtime_errors(script: Script) -> None:
    done = script(
        """
import atexit

def late():
    try:
        client.agents.get_agent("a")
    except RuntimeError as error:
        print(error)

atexit.register(late)  # runs after what is registered later: the package's own hook
from sentryagent_idp import AgentIdPClient
client = AgentIdPClient()
client.agents.get_agent("a")
atexit.register(lambda: print(client.agents.get_agent("b").agent_id))
"""
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("b\nthe interpreter is shutting down")


def test_sub_interpreters_are_refused(script: Script) -> None:
    if sys.version_info >= (3, 13):
        source = "import _interpreters as i; i.exec(i.create('legacy'), CODE)"
    else:
        source = "import _xxsubinterpreters as i; i.run_string(i.create(isolated=False), CODE)"
    done = script(
        f"""
CODE = '''
try:
    import sentryagent_idp
except ImportError as error:
    print(error, flush=True)
'''
{source}
"""
    )
    assert "sub-interpreter" in done.stdout, done.stderr
