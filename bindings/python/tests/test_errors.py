"""Errors are typed by what the caller can do about them."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
import sentryagent_idp.errors as errors
from conftest import SECRET
from fake import FakeIdp, ok
from sentryagent_idp import AgentIdPClient, CallOptions


def refuse(idp: FakeIdp, status: int, code: str, **more: Any) -> None:
    body = {"code": code, "message": "It did not work.", **more}
    idp.agent = lambda _: ok(body, status, X_Request_Id="req-1", Retry_After="7")


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "ValidationError"),
        (401, "AuthenticationError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (408, "ApiTimeoutError"),
        (409, "ConflictError"),
        (410, "NotFoundError"),
        (429, "RateLimitError"),
        (500, "ServerError"),
        (503, "ServerError"),
    ],
)
def test_a_status_decides_the_class(
    idp: FakeIdp, client: AgentIdPClient, status: int, name: str
) -> None:
    refuse(idp, status, "SOME_CODE", details={"hint": "x"})
    with pytest.raises(getattr(errors, name)) as caught:
        client.agents.get_agent("a", options=CallOptions(retries=0))
    error = caught.value
    assert isinstance(error, errors.AgentIdPError)
    assert (error.code, error.http_status, error.request_id) == ("SOME_CODE", status, "req-1")
    assert error.message == "It did not work."
    assert error.details == {"hint": "x"}
    assert str(error) == f"SOME_CODE ({status}): It did not work. [request req-1]"


def test_raw_access_needs_no_second_call_on_errors_either(
    idp: FakeIdp, client: AgentIdPClient
) -> None:
    refuse(idp, 404, "AGENT_NOT_FOUND")
    with pytest.raises(errors.NotFoundError) as caught:
        client.agents.get_agent("a")
    error = caught.value
    assert (error.http_status, error.request_id) == (404, "req-1")
    assert error.headers is not None
    assert error.headers["content-type"] == "application/json"
    assert error.headers["retry-after"] == "7"
    idp.agent = lambda _: None
    with pytest.raises(errors.ApiConnectionError) as unanswered:
        client.agents.get_agent("a", options=CallOptions(retries=0))
    assert unanswered.value.headers is None
    assert idp.counts["agent"] == 2


def test_errors_are_values() -> None:
    one, same = errors.ServerError("x", code="A"), errors.ServerError("x", code="A")
    assert one == same
    assert hash(one) == hash(same)
    assert one != errors.ServerError("x", code="B")
    assert one != errors.ConflictError("x", code="A")
    assert one != "x"


def test_errors_pickle_and_copy(idp: FakeIdp, client: AgentIdPClient) -> None:
    refuse(idp, 404, "AGENT_NOT_FOUND")
    with pytest.raises(errors.NotFoundError) as caught:
        client.agents.get_agent("a")
    error = caught.value
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(other) is type(error)
        assert other == error
        assert other.to_dict() == error.to_dict()
        assert str(other) == str(error)


def test_a_validation_error_lists_the_fields(idp: FakeIdp, client: AgentIdPClient) -> None:
    wrong = [{"field": "email", "reason": "no"}, {"field": "owner", "reason": "empty"}]
    refuse(idp, 400, "VALIDATION_ERROR", details={"errors": wrong})
    with pytest.raises(errors.ValidationError) as caught:
        client.agents.get_agent("a")
    assert caught.value.errors == wrong


def test_a_rate_limit_says_how_long(idp: FakeIdp, client: AgentIdPClient) -> None:
    refuse(idp, 429, "RATE_LIMIT_EXCEEDED")
    with pytest.raises(errors.RateLimitError) as caught:
        client.agents.get_agent("a", options=CallOptions(retries=0))
    assert caught.value.retry_after == 7
    assert caught.value.retryable


def test_an_oauth_error_keeps_its_error(idp: FakeIdp, client: AgentIdPClient) -> None:
    body = {"error": "invalid_client", "error_description": "No.", "code": "invalid_client"}
    idp.token = lambda _: ok(body, 401)
    with pytest.raises(errors.AuthenticationError) as caught:
        client.agents.get_agent("a")
    assert caught.value.oauth_error == "invalid_client"
    assert SECRET not in repr(caught.value) + str(caught.value) + str(caught.value.to_dict())


def test_garbage_is_a_decoding_error(idp: FakeIdp, client: AgentIdPClient) -> None:
    idp.agent = lambda _: ok(b"<html>")
    with pytest.raises(errors.DecodingError):
        client.agents.get_agent("a")


def test_a_closed_connection_is_a_connection_error(idp: FakeIdp, client: AgentIdPClient) -> None:
    idp.agent = lambda _: None
    with pytest.raises(errors.ApiConnectionError) as caught:
        client.agents.get_agent("a", options=CallOptions(retries=0))
    assert caught.value.code == "CONNECTION_ERROR"
    assert caught.value.cause
    assert str(caught.value).endswith(f"({caught.value.cause})")


def test_a_call_s_time_can_be_limited(idp: FakeIdp, client: AgentIdPClient) -> None:
    idp.agent = lambda request: idp.hang(request)
    with pytest.raises(errors.ApiTimeoutError) as caught:
        client.agents.get_agent("a", options=CallOptions(timeout=0.2))
    assert caught.value.code == "TIMEOUT"
    assert idp.aborted.wait(10)


def test_configuration_errors_name_what_is_missing() -> None:
    with pytest.raises(errors.ConfigurationError, match=r"(?i)base.?url"):
        AgentIdPClient()
    with pytest.raises(errors.ConfigurationError, match="https"):
        AgentIdPClient(base_url="http://example.com", client_id="a", client_secret="b")


def test_a_closed_client_says_so(client: AgentIdPClient) -> None:
    client.close()
    with pytest.raises(errors.ConfigurationError) as caught:
        client.agents.get_agent("a")
    assert caught.value.code == "CLIENT_CLOSED"


def test_an_empty_path_id_is_refused_before_a_request(idp: FakeIdp, client: AgentIdPClient) -> None:
    with pytest.raises(errors.ValidationError) as caught:
        client.agents.get_agent("")
    assert caught.value.errors[0]["field"] == "agentId"
    assert idp.counts == {}


def test_an_unknown_kind_is_the_base_class() -> None:
    record = errors.ServerError("x").to_dict()
    made = errors._from_record({**record, "kind": "new_kind"})
    assert type(made) is errors.AgentIdPError
    assert made.kind == "new_kind"
