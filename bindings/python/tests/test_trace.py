"""The caller's trace is passed on."""

from __future__ import annotations

import asyncio
import contextvars

import pytest
from conftest import Script
from fake import FakeIdp
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from sentryagent_idp import AgentIdPClient, AsyncAgentIdPClient, CallOptions

TRACE = "00-0af7651916cd43dd8448eb211c80319c-{:016x}-01"


def last(idp: FakeIdp) -> str | None:
    return idp.requests[-1].headers.get("traceparent")


def test_the_hook_is_asked_for_each_call(idp: FakeIdp, settings: dict[str, str]) -> None:
    answers = [TRACE.format(1), None, TRACE.format(2), "nonsense"]
    client = AgentIdPClient(**settings, traceparent=lambda: answers.pop(0))  # type: ignore[arg-type]
    for expected in (TRACE.format(1), None, TRACE.format(2), None):
        client.agents.get_agent("a")
        assert last(idp) == expected


def test_a_call_s_own_header_wins(idp: FakeIdp, settings: dict[str, str]) -> None:
    client = AgentIdPClient(**settings, traceparent=lambda: TRACE.format(1))  # type: ignore[arg-type]
    options = CallOptions(headers={"Traceparent": TRACE.format(9), "x-more": "1"}, retries=0)
    client.agents.get_agent("a", options=options)
    assert last(idp) == TRACE.format(9)
    assert idp.requests[-1].headers["x-more"] == "1"


def test_an_error_in_the_hook_is_the_caller_s(settings: dict[str, str]) -> None:
    def fail() -> str:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        AgentIdPClient(**settings, traceparent=fail).agents.get_agent("a")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="callable"):
        AgentIdPClient(**settings, traceparent="x")  # type: ignore[arg-type]


def test_the_hook_sees_each_task_s_context(idp: FakeIdp, settings: dict[str, str]) -> None:
    current: contextvars.ContextVar[str] = contextvars.ContextVar("current")
    client = AsyncAgentIdPClient(**settings, traceparent=current.get)  # type: ignore[arg-type]

    async def one(number: int) -> None:
        current.set(TRACE.format(number))
        await client.agents.get_agent(str(number))

    async def main() -> None:
        await asyncio.gather(*[one(number) for number in range(1, 20)])

    asyncio.run(main())
    seen = {r.last: r.headers["traceparent"] for r in idp.requests if "agents" in r.path}
    assert seen == {str(number): TRACE.format(number) for number in range(1, 20)}


def test_opentelemetry_s_span_is_passed_on(idp: FakeIdp, settings: dict[str, str]) -> None:
    tracer = TracerProvider().get_tracer("test")
    client, later = AgentIdPClient(**settings), AsyncAgentIdPClient(**settings)  # type: ignore[arg-type]
    client.agents.get_agent("a")
    assert last(idp) is None  # no span, no header

    async def main() -> None:
        await later.agents.get_agent("a")

    for call in (lambda: client.agents.get_agent("a"), lambda: asyncio.run(main())):
        with tracer.start_as_current_span("work") as span:
            call()
        context = span.get_span_context()
        assert (
            last(idp)
            == f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
        )
    assert not trace.get_current_span().get_span_context().is_valid


def test_opentelemetry_is_not_imported_by_us(script: Script) -> None:
    done = script(
        """
import sys
from sentryagent_idp import AgentIdPClient
AgentIdPClient().agents.get_agent("a")
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    )
    assert done.stdout == "[]\n", done.stderr
