"""The pytest plugin of the package: the fixture `agentidp_mock`. pytest finds it by itself."""

from __future__ import annotations

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .testing import MockServer


@pytest.fixture
def agentidp_mock() -> Iterator[MockServer]:
    """A `sentryagent_idp.testing.MockServer`, new for each test."""
    # Only tests that ask for it need what it needs.
    from .testing import MockServer

    with MockServer() as server:
        yield server
