"""Models are immutable values."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import sentryagent_idp
from fake import AGENT, TOKEN
from sentryagent_idp import (
    Agent,
    AgentRole,
    AgentStatus,
    IssueTokenRequest,
    Model,
    TokenResponse,
)


def agent(**changes: Any) -> Agent:
    return Agent.from_dict({**AGENT, **changes})


def test_fields_have_the_language_s_types() -> None:
    value = agent()
    assert value.agent_id == AGENT["agentId"]
    assert value.created_at == datetime(2026, 3, 28, 9, tzinfo=timezone.utc)
    assert value.updated_at.microsecond == 123_000
    assert value.created_at.tzinfo is timezone.utc
    assert value.capabilities == ["resume:read", "email:send"]
    assert value.is_public is False
    assert value.did is None


def test_wire_json_goes_both_ways() -> None:
    assert agent().to_dict() == AGENT
    assert Agent.from_json(agent().to_json()) == agent()


def test_equality_and_hash_are_by_value() -> None:
    assert agent() == agent()
    assert hash(agent()) == hash(agent())
    assert agent() != agent(owner="someone-else")
    assert agent() != AGENT
    assert len({agent(), agent(), agent(version="2.0.0")}) == 2


def test_hash_ignores_the_order_of_unknown_objects_keys() -> None:
    one, other = agent(new={"a": 1, "b": 2}), agent(new={"b": 2, "a": 1})
    assert one == other
    assert hash(one) == hash(other)


def test_they_cannot_be_changed() -> None:
    value = agent()
    with pytest.raises(AttributeError):
        value.owner = "x"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        value.unknown = "x"  # type: ignore[attr-defined]
    value.capabilities.append("x:y")
    assert value.capabilities == ["resume:read", "email:send"]


def test_replace_makes_another_value() -> None:
    value = agent()
    assert value.replace(owner="x").owner == "x"
    assert value.owner == "talent-acquisition"
    request = IssueTokenRequest(scope="a", resource="https://x")
    assert request.replace(scope=None) == IssueTokenRequest(resource="https://x")
    with pytest.raises(TypeError, match="unexpected keyword argument 'nope'"):
        value.replace(nope=1)


@pytest.mark.parametrize("zone", ["-23:59", "+23:59"])
def test_a_time_that_utc_does_not_have_is_a_value_error(zone: str) -> None:
    time = ("9999-12-31T23:59:59" if zone.startswith("-") else "0001-01-01T00:00:00") + zone
    with pytest.raises(ValueError, match="date-time"):
        sentryagent_idp.Agent.from_dict({**AGENT, "createdAt": time})
    # A request keeps what it was given until it is sent.
    request = sentryagent_idp.GenerateCredentialRequest.from_dict({"expiresAt": time})
    for read in (lambda: request.expires_at, lambda: repr(request)):
        with pytest.raises(ValueError, match=r"UTC|year"):
            read()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_they_pickle(protocol: int) -> None:
    for value in (agent(), TokenResponse.from_dict(TOKEN), IssueTokenRequest(scope="x")):
        assert pickle.loads(pickle.dumps(value, protocol)) == value
        assert type(pickle.loads(pickle.dumps(value, protocol))) is type(value)


def test_copies_are_the_value_itself() -> None:
    value = agent()
    assert copy.copy(value) is value
    assert copy.deepcopy([value])[0] is value


def test_unknown_fields_are_kept() -> None:
    value = agent(somethingNew={"deep": [1, None]})
    assert value.extra == {"somethingNew": {"deep": [1, None]}}
    assert value.to_dict()["somethingNew"] == {"deep": [1, None]}
    assert agent().extra == {}


def test_enums_are_open() -> None:
    assert agent().role is AgentRole.MEMBER
    assert agent().status == "active"
    unknown = agent(status="hibernating").status
    assert isinstance(unknown, AgentStatus)
    assert (unknown, unknown.value, unknown.is_known) == ("hibernating", "hibernating", False)
    assert agent(status="hibernating").to_dict()["status"] == "hibernating"


def test_enums_are_strings_with_names() -> None:
    assert AgentStatus("active") is AgentStatus.ACTIVE
    assert AgentStatus.ACTIVE.name == "ACTIVE"
    assert AgentStatus.ACTIVE.is_known
    assert f"{AgentStatus.ACTIVE}" == "active"
    assert repr(AgentStatus.ACTIVE) == "AgentStatus('active')"
    assert pickle.loads(pickle.dumps(AgentStatus.ACTIVE)) is AgentStatus.ACTIVE
    assert {"active": 1}[AgentStatus.ACTIVE] == 1
    assert AgentStatus.ACTIVE in AgentStatus.values()


def test_secrets_do_not_show() -> None:
    token = TokenResponse.from_dict(TOKEN)
    assert token.access_token == TOKEN["access_token"]
    assert "header.payload" not in repr(token) + str(token)
    request = IssueTokenRequest(client_secret="sk_live_1", scope="agents:read")
    assert repr(request) == "IssueTokenRequest(client_secret='***', scope='agents:read')"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"scope": 1}, "scope must be str, not int"),
        ({"scop": "x"}, "unexpected keyword argument 'scop'"),
    ],
)
def test_wrong_arguments_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        IssueTokenRequest(**wrong)


def test_missing_arguments_are_named() -> None:
    with pytest.raises(TypeError, match="missing required keyword arguments: 'access_token'"):
        TokenResponse(token_type="Bearer")  # type: ignore[call-arg]


def test_a_naive_datetime_is_refused() -> None:
    fields = {name: getattr(agent(), name) for name in ("agent_id", "email", "owner", "version")}
    with pytest.raises(ValueError, match="created_at: the datetime has no time zone"):
        Agent(**fields, created_at=datetime(2026, 1, 1))


def test_datetimes_become_utc() -> None:
    zone = timezone(timedelta(hours=2))
    moved = agent().replace(created_at=datetime(2026, 1, 1, 1, 30, tzinfo=zone))
    assert moved.to_dict()["createdAt"] == "2025-12-31T23:30:00.000Z"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"access_token": 1}', '{"access_token": "x"}'])
def test_json_that_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="TokenResponse"):
        TokenResponse.from_json(text)


def test_a_request_s_unknown_field_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown field"):
        IssueTokenRequest.from_dict({"scoop": "x"})


def test_what_json_does_not_have_is_refused() -> None:
    for value in ({1: "x"}, {"a": {1, 2}}, {"a": b"x"}):
        with pytest.raises(TypeError):
            Agent.from_dict(value)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="finite"):
        Agent.from_dict({"a": float("nan")})


def test_the_package_lists_what_it_exports() -> None:
    found = "import sentryagent_idp as s; print(set(s.__all__) - set(dir(s)))"
    done = subprocess.run([sys.executable, "-c", found], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_model_is_exported_and_described() -> None:
    for name in sentryagent_idp.models.__all__:
        model = getattr(sentryagent_idp, name)
        assert issubclass(model, Model)
        assert model.__doc__
        assert model.__module__ == "sentryagent_idp.models"
