"""Local verification of tokens, webhooks and audit events."""

from __future__ import annotations

import asyncio
import base64
import copy
import hashlib
import hmac
import json
import pickle
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sentryagent_idp import (
    AsyncTokenVerifier,
    AuthenticationError,
    ConfigurationError,
    PermissionDeniedError,
    TokenVerifier,
    VerifiedToken,
    verify_audit_events,
    verify_webhook,
)
from sentryagent_idp.testing import MockServer

HOUR = 3600


def issuer(server: MockServer) -> str:
    found = server.client().oidc.get_open_id_configuration().issuer
    assert isinstance(found, str)
    return found


def verifier(server: MockServer, **more: Any) -> TokenVerifier:
    settings = {"issuer": issuer(server), "audience": issuer(server), **more}
    return TokenVerifier(clock=server.clock.clients, **settings)


def refusal(checks: TokenVerifier, token: str, **more: Any) -> str:
    with pytest.raises(AuthenticationError) as caught:
        checks.verify(token, **more)
    error = caught.value
    assert (error.code, error.oauth_error) == ("INVALID_TOKEN", "invalid_token")
    assert token not in repr(error) + str(error) + str(error.to_dict())
    return str((error.details or {})["reason"])


def test_a_good_token_says_who_it_is(agentidp_mock: MockServer) -> None:
    token = agentidp_mock.client().token_manager.get_token()
    found = verifier(agentidp_mock).verify(token, required_scopes="agents:read audit:read")
    assert found.subject == agentidp_mock.client_id
    assert found.organization_id == agentidp_mock.organization_id
    assert found.has_scopes("agents:read", "tokens:read")
    assert found.issued_at is not None
    assert found.expires_at - found.issued_at == timedelta(hours=1)
    assert found.claims["sub"] == found.subject
    assert found.algorithm in ("RS256", "ES256", "EdDSA")


def test_the_next_token_needs_no_request(agentidp_mock: MockServer) -> None:
    checks, manager = verifier(agentidp_mock), agentidp_mock.client().token_manager
    checks.verify(manager.get_token())
    agentidp_mock.reset()
    checks.verify(manager.get_token())
    assert agentidp_mock.requests() == []


def test_bad_tokens_are_refused_with_a_reason(agentidp_mock: MockServer) -> None:
    token = agentidp_mock.client().token_manager.get_token()
    head, body, signature = token.split(".")
    checks = verifier(agentidp_mock)
    assert refusal(checks, "nonsense") == "malformed"
    other = "A" if signature[10] != "A" else "B"
    assert refusal(checks, f"{head}.{body}.{signature[:10]}{other}{signature[11:]}") == "signature"
    assert refusal(verifier(agentidp_mock, audience="https://other"), token) == "audience"
    assert refusal(checks, f"{token}\ud800") in ("malformed", "signature")


def test_a_missing_scope_is_a_permission(agentidp_mock: MockServer) -> None:
    token = agentidp_mock.client().token_manager.get_token()
    with pytest.raises(PermissionDeniedError) as caught:
        verifier(agentidp_mock, required_scopes=["no:such"]).verify(token)
    assert caught.value.code == "INSUFFICIENT_SCOPE"
    assert (caught.value.details or {})["requiredScopes"] == ["no:such"]


def test_time_ends_a_token(agentidp_mock: MockServer) -> None:
    token = agentidp_mock.client().token_manager.get_token()
    checks, strict = verifier(agentidp_mock), verifier(agentidp_mock, leeway=0)
    agentidp_mock.clock.advance(HOUR + 30)
    assert checks.verify(token).subject  # within the leeway
    assert refusal(strict, token) == "expired"
    agentidp_mock.clock.advance(60)
    assert refusal(checks, token) == "expired"


def test_a_revoked_token_is_refused_when_a_client_asks(agentidp_mock: MockServer) -> None:
    client = agentidp_mock.client()
    token = agentidp_mock.client().token_manager.get_token()
    checks = verifier(agentidp_mock, client=client)
    assert checks.verify(token).subject == agentidp_mock.client_id
    client.tokens.revoke_token(token)
    assert refusal(checks, token) == "revoked"
    assert verifier(agentidp_mock).verify(token)  # nobody asked


def test_asyncio_verifies_too(agentidp_mock: MockServer) -> None:
    where = issuer(agentidp_mock)
    checks = AsyncTokenVerifier(where, [where, "other"], clock=agentidp_mock.clock.clients)

    async def main() -> VerifiedToken:
        token = await agentidp_mock.async_client().token_manager.get_token()
        found = await asyncio.gather(*[checks.verify(token) for _ in range(50)])
        assert len(set(found)) == 1
        # Now the key is there: not one turn of the loop.
        with pytest.raises(StopIteration) as done:
            checks.verify(token).__await__().send(None)
        with pytest.raises(AuthenticationError):
            await checks.verify("x" + token)
        result: VerifiedToken = done.value.value
        return result

    assert asyncio.run(main()).subject == agentidp_mock.client_id
    fetched = [r for r in agentidp_mock.requests() if "jwks" in r.path]
    assert len(fetched) == 1


def test_a_verified_token_is_a_value(agentidp_mock: MockServer) -> None:
    found = verifier(agentidp_mock).verify(agentidp_mock.client().token_manager.get_token())
    for other in (
        copy.copy(found),
        copy.deepcopy(found),
        pickle.loads(pickle.dumps(found)),
        VerifiedToken.from_dict(json.loads(json.dumps(found.to_dict()))),
    ):
        assert other == found
        assert hash(other) == hash(found)
    with pytest.raises(AttributeError):
        found.subject = "x"  # type: ignore[misc]
    assert agentidp_mock.client_id in repr(found)


def test_a_verifier_says_what_is_wrong_with_its_settings() -> None:
    with pytest.raises(ConfigurationError, match="https"):
        TokenVerifier("http://idp.example.com", "me")
    with pytest.raises(ConfigurationError, match="leeway"):
        TokenVerifier("https://idp.example.com", "me", leeway=-1)
    assert "idp.example.com" in repr(TokenVerifier("https://idp.example.com", "me"))


KEY = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
SECRET = f"whsec_{KEY}"
NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)


def signed(payload: bytes, at: datetime = NOW, key: str = KEY) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    content = b".".join([b"msg_1", stamp.encode(), payload])
    digest = hmac.new(base64.b64decode(key), content, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"Webhook-Id": "msg_1", "webhook-timestamp": stamp, "WEBHOOK-SIGNATURE": signature}


def test_a_webhook_is_its_payload() -> None:
    payload = b'{"type": "agent.registered", "n": 1}'
    for form in (payload, payload.decode()):
        assert verify_webhook(form, signed(payload), SECRET, now=NOW)["n"] == 1
    rotated = [f"whsec_{base64.b64encode(b'x' * 32).decode()}", SECRET]
    assert verify_webhook(payload, list(signed(payload).items()), rotated, now=NOW)["n"] == 1


def test_the_present_is_now() -> None:
    payload = b"{}"
    assert verify_webhook(payload, signed(payload, datetime.now(timezone.utc)), SECRET) == {}


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "header"),
        (signed(b"{}", NOW - timedelta(seconds=301)), "timestamp"),
        (signed(b"{}", NOW + timedelta(seconds=301)), "timestamp"),
        (signed(b"[]"), "signature"),
        (signed(b"{}", key=base64.b64encode(b"y" * 32).decode()), "signature"),
    ],
)
def test_a_bad_webhook_is_refused_with_a_reason(headers: dict[str, str], reason: str) -> None:
    with pytest.raises(AuthenticationError) as caught:
        verify_webhook(b"{}", headers, SECRET, now=NOW)
    assert caught.value.code == "INVALID_WEBHOOK"
    assert caught.value.details is not None
    assert caught.value.details["reason"] == reason


def test_a_webhook_s_window_can_be_set() -> None:
    old = signed(b"{}", NOW - timedelta(hours=1))
    assert verify_webhook(b"{}", old, SECRET, now=NOW, tolerance=7200) == {}


def test_a_wrong_webhook_secret_is_a_configuration() -> None:
    with pytest.raises(ConfigurationError):
        verify_webhook(b"{}", signed(b"{}"), "no secret", now=NOW)


def test_the_audit_chain_holds_and_breaks(agentidp_mock: MockServer) -> None:
    client = agentidp_mock.client()
    client.agents.list_agents()
    for _ in range(3):
        client.credentials.generate_credential(agentidp_mock.client_id)
    events = list(client.audit.query_audit_log_iter())
    outcome = verify_audit_events(events)
    assert outcome.verified
    assert outcome.checked_count == len(events) >= 3
    assert verify_audit_events([event.to_dict() for event in events]) == outcome
    broken = [*events[:1], events[1].replace(outcome="failure"), *events[2:]]
    outcome = verify_audit_events(broken)
    assert not outcome.verified
    assert outcome.broken_at_event_id == events[1].event_id


def test_what_is_of_the_wrong_type_is_named() -> None:
    made: Any = TokenVerifier
    known = {"issuer": "https://idp.example.com", "audience": "x"}
    for leeway, error in (
        ("5", TypeError),
        (float("nan"), ConfigurationError),
        (-1, ConfigurationError),
    ):
        with pytest.raises(error, match="leeway"):
            made(**known, leeway=leeway)
    for token in (None, 5, b"x"):
        with pytest.raises(TypeError, match="token must be str"):
            made(**known).verify(token)
    webhook: Any = verify_webhook
    with pytest.raises(TypeError, match="payload must be the body as it came"):
        webhook({"parsed": 1}, {}, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
