"""What a client and its asyncio twin have in common, and what their token managers have."""

from __future__ import annotations

from ._config import hide, native_client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike
    from typing import Any

    from typing_extensions import Self

    from ._native import NativeClient
    from .testing import ManualClock


class Shared:
    """Something over a native client: it can be shared, but not sent to another process."""

    _native: NativeClient

    def clear_token_cache(self) -> None:
        """Forgets the access token, for all that share it; the next call asks for a new one."""
        self._native.clear_token_cache()

    def __repr__(self) -> str:
        native = getattr(self, "_native", None)
        if native is None:  # a traceback shows it before it is made
            return f"{type(self).__name__}()"
        known = native.explain_configuration()
        base_url, client_id = known["baseUrl"]["value"], known["clientId"]["value"]
        return f"{type(self).__name__}(base_url={base_url!r}, client_id={client_id!r})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> str:
        raise TypeError(
            f"{type(self).__name__} cannot be pickled: it holds a secret and connections; "
            "make one in the other process"
        )


class ClientBase(Shared):
    """Settings of a client."""

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
        client_certificate: str | PathLike[str] | None = None,
        client_key: str | PathLike[str] | None = None,
        proxy: str | None = None,
        traceparent: Callable[[], str | None] | None = None,
        clock: ManualClock | None = None,
    ) -> None:
        """A client; what is left out comes from the environment, else it is the default.

        Args:
            base_url: `https://idp.example.com`. `AGENTIDP_BASE_URL`. https only, except to
                loopback.
            client_id: The agent's id. `AGENTIDP_CLIENT_ID`.
            client_secret: The credential's secret. `AGENTIDP_CLIENT_SECRET`.
            scopes: Scopes of the token, a list or one text with spaces. `AGENTIDP_SCOPES`.
                Default agents:read agents:write tokens:read audit:read.
            timeout: Seconds for a whole call, tries and waits included, at most 86400. Default 30.
            connect_timeout: Seconds for making a connection, at most 86400. Default 5.
            retries: How often a failed try is repeated, 0 to 10. Default 2.
            headers: Sent with every request.
            allow_insecure_http: Allow `http` to other hosts than loopback. Default False.
            ca_bundle: Path of a PEM file with more certificate authorities.
                `AGENTIDP_CA_BUNDLE`.
            client_certificate: Path of a PEM file with the certificate (and its chain) that the
                client shows; needs `client_key`.
            client_key: Path of a PEM file with that certificate's private key.
            proxy: URL of a proxy; wins over `HTTPS_PROXY` and `HTTP_PROXY`. `NO_PROXY` counts.
                This machine (loopback, `localhost`) is reached directly, unless the proxy is on
                it too; that holds for proxies of the environment as well.
            traceparent: Called for each call, in the caller's thread and context: the W3C trace
                context to pass on, or None. Without it OpenTelemetry's current span is passed
                on, where the program uses OpenTelemetry.
            clock: A clock that tests move (`sentryagent_idp.testing`).

        Raises:
            ConfigurationError: When something is missing or wrong; the message names it.
        """
        # No frame of ours may hold a secret when an error passes through it.
        hidden = hide(clientSecret=client_secret, headers=headers, proxy=proxy)
        del client_secret, headers, proxy
        self._native = native_client(
            hidden,
            base_url=base_url,
            client_id=client_id,
            scopes=scopes,
            timeout=timeout,
            connect_timeout=connect_timeout,
            retries=retries,
            allow_insecure_http=allow_insecure_http,
            ca_bundle=ca_bundle,
            client_certificate=client_certificate,
            client_key=client_key,
            traceparent=traceparent,
            clock=clock,
        )
        self._ready()

    def _ready(self) -> None:
        raise NotImplementedError

    def explain_configuration(self) -> dict[str, Any]:
        """Every setting's value and where it came from; secrets are masked."""
        return self._native.explain_configuration()


class TokenManagerBase(Shared):
    """Settings of a token manager."""

    def __init__(
        self,
        base_url: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        scope: str | None = None,
        *,
        timeout: float | None = None,
        connect_timeout: float | None = None,
        retries: int | None = None,
        allow_insecure_http: bool | None = None,
        ca_bundle: str | PathLike[str] | None = None,
        client_certificate: str | PathLike[str] | None = None,
        client_key: str | PathLike[str] | None = None,
        proxy: str | None = None,
        clock: ManualClock | None = None,
    ) -> None:
        """A token manager that needs no client. Managers and clients of the same server, client
        and scopes share one token.

        Args:
            base_url: `https://idp.example.com`. `AGENTIDP_BASE_URL`.
            client_id: The agent's id. `AGENTIDP_CLIENT_ID`.
            client_secret: The credential's secret. `AGENTIDP_CLIENT_SECRET`.
            scope: Scopes with spaces between. `AGENTIDP_SCOPES`.
            timeout: Seconds for getting a token, tries and waits included, at most 86400.
                Default 30.
            connect_timeout: Seconds for making a connection, at most 86400. Default 5.
            retries: How often a failed try is repeated, 0 to 10. Default 2.
            allow_insecure_http: Allow `http` to other hosts than loopback. Default False.
            ca_bundle: Path of a PEM file with more certificate authorities.
                `AGENTIDP_CA_BUNDLE`.
            client_certificate: Path of a PEM file with the client's certificate.
            client_key: Path of a PEM file with that certificate's private key.
            proxy: URL of a proxy; wins over `HTTPS_PROXY` and `HTTP_PROXY`. `NO_PROXY` counts.
                This machine (loopback, `localhost`) is reached directly, unless the proxy is on
                it too; that holds for proxies of the environment as well.
            clock: A clock that tests move (`sentryagent_idp.testing`).

        Raises:
            ConfigurationError: When something is missing or wrong; the message names it.
        """
        hidden = hide(clientSecret=client_secret, proxy=proxy)
        del client_secret, proxy
        self._native = native_client(
            hidden,
            base_url=base_url,
            client_id=client_id,
            scopes=scope,
            timeout=timeout,
            connect_timeout=connect_timeout,
            retries=retries,
            allow_insecure_http=allow_insecure_http,
            ca_bundle=ca_bundle,
            client_certificate=client_certificate,
            client_key=client_key,
            traceparent=None,
            clock=clock,
        )

    @classmethod
    def _over(cls, native: NativeClient) -> Self:
        """The token manager of a client: its cache, its connections."""
        made = cls.__new__(cls)
        made._native = native
        return made
