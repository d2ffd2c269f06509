"""`AgentIdPClient` and `TokenManager`: calls that wait."""

from __future__ import annotations

from ._base import ClientBase, TokenManagerBase
from .services import Services

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


class AgentIdPClient(ClientBase, Services):
    """A client of SentryAgent AgentIdP; safe for all threads, usable after a fork.

    Calls wait with the GIL released; Ctrl-C aborts them. A context manager closes it at the end.

    Example:
        with AgentIdPClient(base_url="https://idp.example.com") as client:
            print(client.explain_configuration())
    """

    def _ready(self) -> None:
        self._attach(self._native.call)

    @property
    def token_manager(self) -> TokenManager:
        """The client's own access tokens, from its cache."""
        return TokenManager._over(self._native)

    def close(self) -> None:
        """Closes the client's connections; later calls raise ConfigurationError."""
        self._native.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class TokenManager(TokenManagerBase):
    """Access tokens of one client, cached and renewed before they expire; safe for all threads.

    Example:
        token = TokenManager("https://idp.example.com", client_id, client_secret).get_token()
    """

    def get_token(self) -> str:
        """A token that is valid now: the cached one, or a new one.

        Raises:
            AgentIdPError: When the token endpoint answers with an error or not at all.
        """
        return self._native.cached_token() or self._native.token()

    def close(self) -> None:
        """Closes the connections; later calls raise ConfigurationError."""
        self._native.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
