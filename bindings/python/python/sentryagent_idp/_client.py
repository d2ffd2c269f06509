"""`AgentIdPClient` and `TokenManager`: calls that wait."""

from __future__ import annotations

from ._config import native_client
from .services import Services

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self


class AgentIdPClient(Services):
    """A client of SentryAgent AgentIdP; safe for all threads, usable after a fork.

    Calls wait with the GIL released; Ctrl-C aborts them. A context manager closes it at the end.
    What is left out comes from the environment, else it is the default.

    Args:
        base_url: `https://idp.example.com`. `AGENTIDP_BASE_URL`. https only, except to loopback.
        client_id: The agent's id. `AGENTIDP_CLIENT_ID`.
        client_secret: The credential's secret. `AGENTIDP_CLIENT_SECRET`.
        scopes: Scopes of the token, a list or one text with spaces. `AGENTIDP_SCOPES`.
            Default agents:read agents:write tokens:read audit:read.
        timeout: Seconds for a whole call, tries and waits included. Default 30.
        connect_timeout: Seconds for making a connection. Default 5.
        retries: How often a failed try is repeated. Default 2.
        headers: Sent with every request.
        allow_insecure_http: Allow `http` to other hosts than loopback. Default False.
        ca_bundle: Path of a PEM file with more certificate authorities. `AGENTIDP_CA_BUNDLE`.

    Raises:
        ConfigurationError: When something is missing or wrong; the message names it.

    Example:
        with AgentIdPClient(base_url="https://idp.example.com") as client:
            print(client.explain_configuration())
    """

    def __init__(
        self,
        *,
        base_url: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        scopes: Sequence[str] | str | None = None,
        timeout: float | None = None,
        connect_timeout: float | None = None,
        retries: int | None = None,
        headers: Mapping[str, str] | None = None,
        allow_insecure_http: bool | None = None,
        ca_bundle: str | PathLike[str] | None = None,
    ) -> None:
        self._native = native_client(
            base_url=base_url,
            client_id=client_id,
            client_secret=client_secret,
            scopes=scopes,
            timeout=timeout,
            connect_timeout=connect_timeout,
            retries=retries,
            headers=headers,
            allow_insecure_http=allow_insecure_http,
            ca_bundle=ca_bundle,
        )
        self._attach(self._native.call)

    def clear_token_cache(self) -> None:
        """Forgets the cached access token; the next call asks for a new one."""
        self._native.clear_token_cache()

    def explain_configuration(self) -> dict[str, Any]:
        """Every setting's value and where it came from; secrets are masked."""
        return self._native.explain_configuration()

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


class TokenManager:
    """Access tokens of one client, cached and renewed before they expire; safe for all threads.

    Args:
        base_url: `https://idp.example.com`. `AGENTIDP_BASE_URL`.
        client_id: The agent's id. `AGENTIDP_CLIENT_ID`.
        client_secret: The credential's secret. `AGENTIDP_CLIENT_SECRET`.
        scope: Scopes with spaces between. `AGENTIDP_SCOPES`.

    Raises:
        ConfigurationError: When something is missing or wrong; the message names it.

    Example:
        token = TokenManager("https://idp.example.com", client_id, client_secret).get_token()
    """

    def __init__(
        self,
        base_url: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        scope: str | None = None,
        *,
        ca_bundle: str | PathLike[str] | None = None,
        allow_insecure_http: bool | None = None,
    ) -> None:
        self._native = native_client(
            base_url=base_url,
            client_id=client_id,
            client_secret=client_secret,
            scopes=scope,
            ca_bundle=ca_bundle,
            allow_insecure_http=allow_insecure_http,
        )

    def get_token(self) -> str:
        """A token that is valid now: the cached one, or a new one.

        Raises:
            AgentIdPError: When the token endpoint answers with an error or not at all.
        """
        return self._native.cached_token() or self._native.token()

    def clear_token_cache(self) -> None:
        """Forgets the cached access token; the next call asks for a new one."""
        self._native.clear_token_cache()

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
