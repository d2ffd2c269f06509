"""The quick start against the mock server: how a program that uses the SDK is tested.

`agentidp_mock` is a fixture that comes with the package: a server of the test's own.
"""

import pytest
import quickstart
from sentryagent_idp.testing import MockServer

STEPS = [
    "register",
    "list",
    "credential",
    "token",
    "introspect",
    "rotate",
    "not-found",
    "audit",
    "decommission",
]


@pytest.fixture(autouse=True)
def _configured(agentidp_mock: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in agentidp_mock.environment().items():
        monkeypatch.setenv(name, value)


def test_it_takes_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    quickstart.main()
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == STEPS
    assert lines[-1] == "decommission: now decommissioned"


def test_it_outlives_a_server_that_stumbles(
    agentidp_mock: MockServer, capsys: pytest.CaptureFixture[str]
) -> None:
    agentidp_mock.fail_next(status=503, path="/api/v1/agents")
    quickstart.main()
    assert "register: " in capsys.readouterr().out
    tried = [
        r for r in agentidp_mock.requests() if r.method == "POST" and r.path.endswith("agents")
    ]
    # The same key on each try: the server registers one agent.
    assert len({request.headers["idempotency-key"] for request in tried}) == 1
    assert len(tried) == 2
