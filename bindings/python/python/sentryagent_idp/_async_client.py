"""`AsyncAgentIdPClient` and `AsyncTokenManager`: calls for asyncio."""

from __future__ import annotations

from ._aio import LoopTransport
from ._base import ClientBase, TokenManagerBase
from ._native import _reveal
from .services import AsyncServices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


class AsyncAgentIdPClient(ClientBase, AsyncServices):
    """A client of SentryAgent AgentIdP for asyncio; usable from several event loops at once.

    Never blocks the loop. Cancelling a task aborts its request on the wire. A context manager
    (`async with`) closes it at the end.

    Example:
        async with AsyncAgentIdPClient(base_url="https://idp.example.com") as client:
            print(client.explain_configuration())
    """

    def _ready(self) -> None:
        self._attach(LoopTransport(self._native).call)

    @property
    def token_manager(self) -> AsyncTokenManager:
        """The client's own access tokens, from its cache."""
        return AsyncTokenManager._over(self._native)

    async def close(self) -> None:
        """Closes the client's connections; later calls raise ConfigurationError."""
        self._native.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


class AsyncTokenManager(TokenManagerBase):
    """Access tokens of one client for asyncio, cached and renewed before they expire.

    Example:
        token = await AsyncTokenManager("https://idp.example.com", client_id, secret).get_token()
    """

    async def get_token(self) -> str:
        """A token that is valid now: the cached one at once, or a new one.

        Raises:
            AgentIdPError: When the token endpoint answers with an error or not at all.
        """
        cached = self._native.cached_token()
        if cached is not None:
            return cached
        return _reveal(await LoopTransport(self._native).token())  # type: ignore[no-any-return]

    async def close(self) -> None:
        """Closes the connections; later calls raise ConfigurationError."""
        self._native.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
