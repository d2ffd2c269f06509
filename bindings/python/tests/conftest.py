"""What every test may ask for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake import FakeIdp
from sentryagent_idp import AgentIdPClient

SECRET = "sk_live_" + "5" * 64
SCRIPT_SECONDS = 60.0


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        settings = name.startswith("AGENTIDP_") and name != "AGENTIDP_BIN"
        if settings or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def idp() -> Iterator[FakeIdp]:
    """A server."""
    server = FakeIdp()
    yield server
    server.close()


@pytest.fixture
def settings(idp: FakeIdp) -> dict[str, str]:
    """What a client of that server needs."""
    return {"base_url": idp.url, "client_id": "client-1", "client_secret": SECRET}


@pytest.fixture
def client(settings: dict[str, str]) -> Iterator[AgentIdPClient]:
    """A client of that server."""
    with AgentIdPClient(
        base_url=settings["base_url"],
        client_id=settings["client_id"],
        client_secret=settings["client_secret"],
    ) as made:
        yield made


Script = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def script(idp: FakeIdp, tmp_path: Path) -> Script:
    """Runs a program in an interpreter of its own, with the server's address in its environment."""

    def run(source: str) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "script.py"
        file.write_text(source)
        environment = {
            **os.environ,
            "AGENTIDP_BASE_URL": idp.url,
            "AGENTIDP_CLIENT_ID": "client-1",
            "AGENTIDP_CLIENT_SECRET": SECRET,
        }
        return subprocess.run(
            [sys.executable, "-X", "dev", str(file)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=SCRIPT_SECONDS,
            check=False,
        )

    return run
