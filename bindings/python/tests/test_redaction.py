"""No secret shows: in no repr, text, error, traceback with locals, log record or pickle."""

from __future__ import annotations

import asyncio
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sentryagent_idp
from conftest import SECRET
from fake import FakeIdp, Request, ok
from sentryagent_idp import (
    AgentIdPClient,
    AgentIdPError,
    AsyncAgentIdPClient,
    AsyncTokenManager,
    AsyncTokenVerifier,
    CallOptions,
    IssueTokenRequest,
    TokenManager,
    TokenResponse,
    TokenVerifier,
    verify_webhook,
)

PACKAGE = "sentryagent_idp"
TOKEN = "eyJhbGciOiJSUzI1NiJ9.secret-access-token.signature"
OTHER = "sk_live_other_" + "7" * 50
GATEWAY = "gateway-key-value"
PROXY = "proxy-password"
WEBHOOK = "whsec_c2VjcmV0LXdlYmhvb2sta2V5LXRoYXQtaXMtbG9uZw=="
SECRETS = (SECRET, TOKEN, OTHER, GATEWAY, PROXY, WEBHOOK)
# A secret of its own in each place where an error passes it.
Fault = Callable[[AgentIdPClient], object]


class Everything(logging.Handler):
    """Whatever a handler could print of a record."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += [self.format(record), repr(vars(record))]


@pytest.fixture
def logged() -> Iterator[Everything]:
    """All records, from the lowest level on."""
    logger, handler = logging.getLogger(PACKAGE), Everything()
    before = logger.level
    logger.setLevel(1)
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(before)


@pytest.fixture(autouse=True)
def _tokens(idp: FakeIdp) -> None:
    answer = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600, "scope": "a"}
    idp.token = lambda _: ok(answer)


def clean(*texts: str) -> None:
    for text in texts:
        for secret in SECRETS:
            assert secret not in text


def shown(thing: object) -> list[str]:
    """Every usual way in which an object shows itself."""
    out = [repr(thing), str(thing), f"{thing}", pprint.pformat(thing)]
    if hasattr(thing, "__dict__"):
        out.append(pprint.pformat(vars(thing)))
    return out


def frames_of_ours(error: BaseException) -> str:
    """The traceback with the locals of the package's frames: the caller's hold what he gave."""
    found = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [frame for frame in found.stack if PACKAGE in frame.filename]
    assert ours
    text = "".join(traceback.StackSummary.from_list(ours).format())
    return text + "".join(found.format_exception_only())


def test_clients_and_managers(idp: FakeIdp, logged: Everything) -> None:
    settings: dict[str, Any] = {"base_url": idp.url, "client_id": "me", "client_secret": SECRET}
    more = {**settings, "headers": {"x-key": GATEWAY}, "proxy": f"http://u:{PROXY}@127.0.0.1:1"}
    client, asynchronous = AgentIdPClient(**settings), AsyncAgentIdPClient(**more)
    client.agents.get_agent("a", options=CallOptions(headers={"x-key": GATEWAY}))
    verifier = TokenVerifier(idp.url, "me", client=client, proxy=f"http://u:{PROXY}@127.0.0.1:1")
    options = CallOptions(headers={"x-key": GATEWAY}, idempotency_key=OTHER)
    things: list[object] = [client, asynchronous, verifier, options]
    things += [client.token_manager, asynchronous.token_manager]
    things += [AsyncTokenManager(idp.url, "me", SECRET), AsyncTokenVerifier(idp.url, "me")]
    things += [client.explain_configuration(), asynchronous.explain_configuration()]
    for thing in things:
        clean(*shown(thing))
    for client_or_manager in (client, client.token_manager):
        with pytest.raises(TypeError, match="cannot be pickled") as caught:
            pickle.dumps(client_or_manager)
        clean(str(caught.value))
    assert logged.lines
    clean(*logged.lines)


def test_models() -> None:
    token = TokenResponse(access_token=TOKEN, token_type="Bearer", expires_in=1, scope="a")
    request = IssueTokenRequest(client_secret=OTHER)
    clean(*shown(token), *shown(request), *shown([token, {"x": request}]))
    assert TOKEN in token.to_json()  # what is asked for by name is given


def call_with_secret(client: AgentIdPClient) -> object:
    return client.tokens.issue_token(client_secret=OTHER)


def introspect(client: AgentIdPClient) -> object:
    return client.tokens.introspect_token(TOKEN)


def revoke(client: AgentIdPClient) -> object:
    return client.tokens.revoke_token(TOKEN)


def wrong_argument(client: AgentIdPClient) -> object:
    return client.tokens.issue_token(client_secret=OTHER, scope=1)  # type: ignore[call-overload]


def one_too_many(client: AgentIdPClient) -> object:
    return client.tokens.introspect_token(TOKEN, OTHER)  # type: ignore[call-overload]


def get_agent(client: AgentIdPClient) -> object:
    return client.agents.get_agent("a", options=CallOptions(headers={"x-key": GATEWAY}))


def new_client(_: AgentIdPClient) -> object:
    return AgentIdPClient(
        base_url="http://example.com",
        client_id="me",
        client_secret=SECRET,
        headers={"x-key": GATEWAY},
        proxy=f"http://u:{PROXY}@x:1",
    )


def new_client_of_wrong_types(_: AgentIdPClient) -> object:
    return AgentIdPClient(base_url="https://x", client_id="me", client_secret=[SECRET])  # type: ignore[arg-type]


def bad_proxy(_: AgentIdPClient) -> object:
    proxy = f"socks9://u:{PROXY}@x:1"
    return AgentIdPClient(base_url="https://x", client_id="me", client_secret=SECRET, proxy=proxy)


def new_manager(_: AgentIdPClient) -> object:
    return TokenManager("http://example.com", "me", SECRET)


def verify(_: AgentIdPClient) -> object:
    return TokenVerifier("https://127.0.0.1:1", "me").verify(TOKEN)


def webhook(_: AgentIdPClient) -> object:
    return verify_webhook(b"{}", {}, WEBHOOK)


def bad_webhook_secret(_: AgentIdPClient) -> object:
    return verify_webhook(b"{}", {}, WEBHOOK[6:])


FAULTS: list[Fault] = [
    call_with_secret,
    introspect,
    revoke,
    wrong_argument,
    one_too_many,
    get_agent,
    new_client,
    new_client_of_wrong_types,
    bad_proxy,
    new_manager,
    verify,
    webhook,
    bad_webhook_secret,
]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("how", ["status", "garbage", "cut", "timeout"])
def test_errors_and_their_tracebacks(
    idp: FakeIdp, settings: dict[str, str], logged: Everything, fault: Fault, how: str
) -> None:
    client = AgentIdPClient(**settings, retries=1, timeout=0.5)  # type: ignore[arg-type]
    client.token_manager.get_token()

    def fail(request: Request) -> Any:
        echo = f"{request.body.decode()} {request.headers.get('authorization')}"
        if how == "timeout":
            idp.hang(request)
        answers = {
            "status": ok({"code": "BAD", "message": "It is bad."}, 500),
            "garbage": ok(f"<{echo}>".encode()),  # a proxy that repeats what it was sent
        }
        return answers.get(how)

    idp.agent = idp.token = fail
    if (fault, how) == (revoke, "garbage"):
        how = "status"  # an answer without a model: whatever its body says is not read
    with pytest.raises((AgentIdPError, TypeError, ValueError)) as caught:
        fault(client)
    error = caught.value
    clean(*shown(error), frames_of_ours(error), pickle.dumps(error).decode("latin-1"))
    if isinstance(error, AgentIdPError):
        clean(str(error.to_dict()))
    clean(*logged.lines)


def test_asynchronous_tracebacks(idp: FakeIdp, settings: dict[str, str]) -> None:
    client = AsyncAgentIdPClient(**settings, retries=0)  # type: ignore[arg-type]

    async def main() -> None:
        manager = client.token_manager
        await manager.get_token()
        idp.agent = idp.token = lambda _: ok({"code": "BAD", "message": "x"}, 500)
        client.clear_token_cache()
        calls = [
            client.tokens.introspect_token(TOKEN),
            client.tokens.issue_token(client_secret=OTHER),
            client.agents.get_agent("a"),
            manager.get_token(),
            AsyncTokenVerifier("https://127.0.0.1:1", "me").verify(TOKEN),
        ]
        for call in calls:
            with pytest.raises(AgentIdPError) as caught:
                await call
            clean(*shown(caught.value), frames_of_ours(caught.value))

    asyncio.run(main())


def test_a_cancelled_call_s_traceback(idp: FakeIdp, settings: dict[str, str]) -> None:
    client = AsyncAgentIdPClient(**settings)  # type: ignore[arg-type]
    idp.token = lambda request: idp.hang(request)

    async def main() -> None:
        for call in (client.token_manager.get_token(), client.tokens.introspect_token(TOKEN)):
            idp.arrived.clear()
            task = asyncio.ensure_future(call)
            await asyncio.to_thread(idp.arrived.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            clean(frames_of_ours(caught.value))

    asyncio.run(main())


def test_every_name_of_the_package_is_clean_at_rest() -> None:
    for name in sentryagent_idp.__all__:
        clean(repr(getattr(sentryagent_idp, name)))
