"""Blocking calls, and what both clients share: forms of a call, options, raw access."""

from __future__ import annotations

import inspect
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sentryagent_idp
from conftest import SECRET
from fake import TOKEN, FakeIdp, ok
from sentryagent_idp import (
    AgentIdPClient,
    AgentIdPError,
    AsyncAgentIdPClient,
    CallOptions,
    IssueTokenRequest,
    ResponseInfo,
    TokenManager,
)


def test_a_call_answers_a_model(idp: FakeIdp, client: AgentIdPClient) -> None:
    assert client.agents.get_agent("agent-7").agent_id == "agent-7"
    request = idp.requests[-1]
    assert request.headers["authorization"] == f"Bearer {TOKEN['access_token']}"
    assert request.headers["user-agent"].startswith("sentryagent-idp/")
    assert "python CPython" in request.headers["user-agent"]


def test_ids_are_percent_encoded(idp: FakeIdp, client: AgentIdPClient) -> None:
    client.agents.get_agent("a/b ?ü")
    assert idp.requests[-1].path.endswith("/agents/a%2Fb%20%3F%C3%BC")


def test_a_request_is_an_object_or_keywords(idp: FakeIdp, client: AgentIdPClient) -> None:
    for answer in (
        client.tokens.issue_token(IssueTokenRequest(scope="agents:read")),
        client.tokens.issue_token(scope="agents:read"),
    ):
        assert answer.access_token == TOKEN["access_token"]
        form = idp.requests[-1].form
        assert form["scope"] == "agents:read"
        assert (form["client_id"], form["client_secret"]) == ("client-1", SECRET)
        assert form["grant_type"] == "client_credentials"


def test_a_request_may_be_left_out(idp: FakeIdp, client: AgentIdPClient) -> None:
    assert client.tokens.issue_token().expires_in == 3600
    assert client.tokens.issue_token(None).expires_in == 3600
    assert "scope" not in idp.requests[-1].form


def test_wrong_forms_are_type_errors(client: AgentIdPClient) -> None:
    with pytest.raises(TypeError, match="not both"):
        client.tokens.issue_token(IssueTokenRequest(), scope="x")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="not a dict"):
        client.tokens.issue_token({"scope": "x"})  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="agentId as str, not int"):
        client.agents.get_agent(7)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="CallOptions"):
        client.agents.get_agent("a", options={"timeout": 1})  # type: ignore[arg-type]


def test_options_reach_the_wire(idp: FakeIdp, client: AgentIdPClient) -> None:
    options = CallOptions(headers={"x-more": "1"}, request_id="my-id")
    client.agents.get_agent("a", options=options)
    assert idp.requests[-1].headers["x-more"] == "1"
    assert idp.requests[-1].headers["x-request-id"] == "my-id"
    assert "1" not in repr(options)


def test_retries_are_counted(idp: FakeIdp, client: AgentIdPClient) -> None:
    idp.agent = lambda _: ok({"code": "SERVICE_UNAVAILABLE", "message": "x"}, 503)
    with pytest.raises(AgentIdPError) as caught:
        client.agents.get_agent("a", options=CallOptions(retries=1))
    assert caught.value.retry_count == 1
    assert idp.counts["agent"] == 2


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), 1e9])
def test_a_timeout_has_limits(timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout"):
        CallOptions(timeout=timeout)


def test_raw_access_needs_no_second_call(idp: FakeIdp, client: AgentIdPClient) -> None:
    seen: list[ResponseInfo] = []
    idp.agent = lambda request: ok(
        {**sentryagent_idp_agent(), "agentId": request.last}, X_Request_Id="req-9"
    )
    client.agents.get_agent("a", options=CallOptions(on_response=seen.append))
    assert [(info.status, info.request_id, info.retry_count) for info in seen] == [
        (200, "req-9", 0)
    ]
    assert seen[0].headers["content-type"] == "application/json"
    assert idp.counts["agent"] == 1


def sentryagent_idp_agent() -> dict[str, object]:
    from fake import AGENT

    return AGENT


def test_many_threads_share_one_token(idp: FakeIdp, client: AgentIdPClient) -> None:
    gate = threading.Barrier(16)

    def call(index: int) -> str:
        if index < 16:
            gate.wait()
        return client.agents.get_agent(f"agent-{index}").agent_id

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(call, range(200)))
    assert found == [f"agent-{index}" for index in range(200)]
    assert idp.counts == {"token": 1, "agent": 200}


def test_a_waiting_call_holds_no_gil(idp: FakeIdp, client: AgentIdPClient) -> None:
    idp.agent = idp.hold
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.agents.get_agent, "a")
        # This thread goes on while the other waits: it sees the request and lets it go.
        assert idp.arrived.wait(10)
        idp.release.set()
        assert waiting.result(10).agent_id == "a"


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C as a terminal has it: what runs in the background inherits an ignored SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_aborts_a_call(idp: FakeIdp, client: AgentIdPClient) -> None:
    idp.agent = lambda request: idp.hang(request)
    main = threading.main_thread().ident
    assert main is not None

    def interrupt() -> None:
        idp.arrived.wait(10)
        signal.pthread_kill(main, signal.SIGINT)

    helper = threading.Thread(target=interrupt)
    helper.start()
    with pytest.raises(KeyboardInterrupt):
        client.agents.get_agent("a")
    helper.join()
    assert idp.aborted.wait(10)
    idp.agent = lambda request: ok({**sentryagent_idp_agent(), "agentId": request.last})
    assert client.agents.get_agent("b").agent_id == "b"


def test_a_signal_handler_may_make_a_call_of_its_own(idp: FakeIdp, client: AgentIdPClient) -> None:
    inner: list[str] = []

    def route(request: object) -> object:
        return idp.hold(request) if request.last == "outer" else plain(request)  # type: ignore

    plain = idp.agent
    idp.agent = route  # type: ignore[assignment]
    main = threading.main_thread().ident
    assert main is not None

    def handler(_signal: int, _frame: object) -> None:
        inner.append(client.agents.get_agent("inner").agent_id)
        idp.release.set()

    before = signal.signal(signal.SIGUSR1, handler)
    try:

        def send() -> None:
            idp.arrived.wait(10)
            signal.pthread_kill(main, signal.SIGUSR1)

        threading.Thread(target=send).start()
        assert client.agents.get_agent("outer").agent_id == "outer"
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert inner == ["inner"]


def test_the_token_manager_asks_once(idp: FakeIdp, settings: dict[str, str]) -> None:
    with TokenManager(idp.url, "client-1", SECRET, "agents:read") as manager:
        assert manager.get_token() == TOKEN["access_token"]
        assert manager.get_token() == TOKEN["access_token"]
        assert idp.counts["token"] == 1
        manager.clear_token_cache()
        manager.get_token()
        assert idp.counts["token"] == 2


def test_the_environment_configures(
    idp: FakeIdp, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"AGENTIDP_{name.upper()}", value)
    with AgentIdPClient(timeout=3) as client:
        assert client.agents.get_agent("a").agent_id == "a"
        explained = client.explain_configuration()
    assert explained["timeoutMs"]["value"] == 3000
    assert SECRET not in str(explained)


def test_both_clients_have_the_same_operations() -> None:
    sync, asynchronous = sentryagent_idp.services.Services, sentryagent_idp.services.AsyncServices
    assert sync.__annotations__.keys() == asynchronous.__annotations__.keys()
    for name, twin in sync.__annotations__.items():
        one = getattr(sentryagent_idp.services, twin)
        other = getattr(sentryagent_idp.services, f"Async{twin}")
        assert asynchronous.__annotations__[name] == other.__name__
        methods = {n for n, f in vars(one).items() if inspect.isfunction(f)}
        assert methods == {n for n, f in vars(other).items() if inspect.isfunction(f)}
        for method in methods:
            one_method, other_method = getattr(one, method), getattr(other, method)
            assert one_method.__doc__ == other_method.__doc__
            assert one_method.__doc__
            lazy = method.endswith("_iter")
            assert inspect.iscoroutinefunction(other_method) is not lazy


def test_the_clients_have_the_same_members() -> None:
    def members(cls: type) -> set[str]:
        return {name for name in dir(cls) if not name.startswith("_")}

    assert members(AgentIdPClient) == members(AsyncAgentIdPClient)


def test_what_cannot_be_sent_is_refused_by_its_name(
    idp: FakeIdp, client: AgentIdPClient, settings: dict[str, str]
) -> None:
    made: Any = AgentIdPClient
    call: Any = client.agents
    for setting, value, error in (
        ("timeout", "5", TypeError),
        ("scopes", 5, TypeError),
        ("retries", "2", AgentIdPError),
        ("base_url", "http://\ud800", ValueError),
        ("headers", {"x-team": "\ud800"}, ValueError),
    ):
        name = "baseUrl" if setting == "base_url" else setting
        with pytest.raises(error, match=name):
            made(**{**settings, setting: value})
    with pytest.raises(ValueError, match="agentId: holds half of a surrogate pair"):
        call.get_agent("\ud800")
    with pytest.raises(ValueError, match="owner: holds half of a surrogate pair"):
        call.update_agent("x", owner="a\ud800")
    with pytest.raises(AgentIdPError, match="agentId: is too long"):
        call.get_agent("x" * 100_000)
    assert not idp.requests


def test_what_is_known_of_an_answer_is_shown_as_python_has_it(client: AgentIdPClient) -> None:
    seen: list[ResponseInfo] = []
    client.agents.get_agent("x", options=CallOptions(request_id="r-1", on_response=seen.append))
    assert repr(seen[0]) in (
        "ResponseInfo(status=200, request_id=None, retry_count=0)",
        f"ResponseInfo(status=200, request_id={seen[0].request_id!r}, retry_count=0)",
    )
