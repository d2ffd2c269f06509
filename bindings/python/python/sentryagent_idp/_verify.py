"""`TokenVerifier` and its asyncio twin: access tokens checked without a call.

Signature (RS256, ES256, EdDSA), issuer, audience, times and scopes are checked against the issuer's
keys, which are cached; they are fetched when a token names a key that is not there, once a minute
at most, and kept while the issuer is away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ._config import SECONDS_MAX, given, hide, inside, milliseconds, path, texts
from ._native import Hidden, NativeVerifier
from .errors import ConfigurationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from typing_extensions import Self

    from ._async_client import AsyncAgentIdPClient
    from ._client import AgentIdPClient
    from .testing import ManualClock

LEEWAY_DEFAULT = 60.0


@dataclass(frozen=True)
class VerifiedToken:
    """What a token that holds says. An immutable value: it compares, hashes, pickles."""

    subject: str
    """Whom the token is about: `sub`, the agent's id."""
    client_id: str | None
    """The OAuth client that got it: `client_id`."""
    organization_id: str | None
    """The agent's organization."""
    scopes: tuple[str, ...]
    """What it allows."""
    token_id: str | None
    """Its own id: `jti`."""
    issuer: str
    """Who issued it: `iss`."""
    audience: tuple[str, ...]
    """For whom it is: `aud`."""
    issued_at: datetime | None
    """Since when it is: `iat`."""
    expires_at: datetime
    """Until when it holds: `exp`."""
    key_id: str
    """Which of the issuer's keys signed it: `kid`."""
    algorithm: str
    """How: `RS256`, `ES256` or `EdDSA`."""
    claims: Mapping[str, Any] = field(hash=False, repr=False)
    """Everything that the token says, as it came."""

    def has_scopes(self, *scopes: str) -> bool:
        """Whether it allows all of these."""
        return set(scopes) <= set(self.scopes)

    def to_dict(self) -> dict[str, Any]:
        """The form that all languages of the SDK share: camelCase names, Unix seconds."""
        return {
            "subject": self.subject,
            "clientId": self.client_id,
            "organizationId": self.organization_id,
            "scopes": list(self.scopes),
            "tokenId": self.token_id,
            "issuer": self.issuer,
            "audience": list(self.audience),
            "issuedAt": None if self.issued_at is None else int(self.issued_at.timestamp()),
            "expiresAt": int(self.expires_at.timestamp()),
            "keyId": self.key_id,
            "algorithm": self.algorithm,
            "claims": dict(self.claims),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """An instance of what `to_dict` gives."""
        issued_at = value["issuedAt"]
        return cls(
            subject=value["subject"],
            client_id=value["clientId"],
            organization_id=value["organizationId"],
            scopes=tuple(value["scopes"]),
            token_id=value["tokenId"],
            issuer=value["issuer"],
            audience=tuple(value["audience"]),
            issued_at=None
            if issued_at is None
            else datetime.fromtimestamp(issued_at, timezone.utc),
            expires_at=datetime.fromtimestamp(value["expiresAt"], timezone.utc),
            key_id=value["keyId"],
            algorithm=value["algorithm"],
            claims=value["claims"],
        )


class _Verifier:
    """Settings of a verifier."""

    def __init__(
        self,
        issuer: str,
        audience: str | Sequence[str],
        leeway: float = LEEWAY_DEFAULT,
        required_scopes: Sequence[str] | str = (),
        client: AgentIdPClient | AsyncAgentIdPClient | None = None,
        *,
        jwks_uri: str | None = None,
        timeout: float | None = None,
        connect_timeout: float | None = None,
        allow_insecure_http: bool | None = None,
        ca_bundle: str | PathLike[str] | None = None,
        client_certificate: str | PathLike[str] | None = None,
        client_key: str | PathLike[str] | None = None,
        proxy: str | None = None,
        clock: ManualClock | None = None,
    ) -> None:
        """A verifier of one issuer's tokens.

        Args:
            issuer: `https://idp.example.com`: the tokens' `iss`, to the letter.
            audience: Who we are: the tokens' `aud` must name it, or one of these.
            leeway: By how many seconds clocks may differ. Default 60.
            required_scopes: What each token must allow; a list or one text with spaces.
            client: With it each token that holds is also introspected: revoked ones are
                refused, at the price of a call.
            jwks_uri: Where the issuer's keys are. Default: as its discovery document says.
            timeout: Seconds for fetching keys, at most 86400. Default 10.
            connect_timeout: Seconds for making a connection, at most 86400. Default 5.
            allow_insecure_http: Allow `http` to other hosts than loopback. Default False.
            ca_bundle: Path of a PEM file with more certificate authorities.
                `AGENTIDP_CA_BUNDLE`.
            client_certificate: Path of a PEM file with the certificate to show.
            client_key: Path of a PEM file with that certificate's private key.
            proxy: URL of a proxy; wins over `HTTPS_PROXY` and `HTTP_PROXY`. `NO_PROXY` counts.
                This machine (loopback, `localhost`) is reached directly, unless the proxy is on
                it too; that holds for proxies of the environment as well.
            clock: A clock that tests move (`sentryagent_idp.testing`).

        Raises:
            ConfigurationError: When something is missing or wrong; the message names it.
        """
        hidden = hide(proxy=proxy)
        del proxy
        self._issuer, self._audience = issuer, audience
        if not isinstance(leeway, (int, float)):
            raise TypeError(f"leeway must be a number of seconds, not {type(leeway).__name__}")
        if not 0 <= leeway < float("inf"):
            raise ConfigurationError(
                "leeway must be a number of seconds, zero or more", code="CONFIGURATION_ERROR"
            )
        config = given(
            issuer=issuer,
            audience=audience if isinstance(audience, str) else texts("audience", audience),
            leewayMs=round(min(leeway, SECONDS_MAX) * 1000),
            requiredScopes=texts("required_scopes", required_scopes),
            jwksUri=jwks_uri,
            timeoutMs=milliseconds("timeout", timeout),
            connectTimeoutMs=milliseconds("connect_timeout", connect_timeout),
            allowInsecureHttp=allow_insecure_http,
            caBundle=path(ca_bundle),
            clientCertificate=path(client_certificate),
            clientKey=path(client_key),
        )
        introspect = inside("client", client, "an AgentIdPClient or an AsyncAgentIdPClient")
        time = inside("clock", clock, "a ManualClock")
        self._native = NativeVerifier(config, hidden, introspect, time)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(issuer={self._issuer!r}, audience={self._audience!r})"


class TokenVerifier(_Verifier):
    """Checks access tokens on this machine; safe for all threads, usable after a fork.

    Example:
        verifier = TokenVerifier("https://idp.example.com", "https://api.example.com")
        agent = verifier.verify(token, required_scopes=["agents:read"]).subject
    """

    def verify(
        self, token: str, required_scopes: Sequence[str] | str | None = None
    ) -> VerifiedToken:
        """What the token says, if it holds.

        Args:
            token: The token, without `Bearer`.
            required_scopes: What it must allow beside the verifier's own `required_scopes`.

        Raises:
            AuthenticationError: INVALID_TOKEN; `details["reason"]` says why.
            PermissionDeniedError: INSUFFICIENT_SCOPE; `details["requiredScopes"]`.
            ApiConnectionError, ApiTimeoutError: No key could be had.
        """
        hidden, scopes = Hidden(token), texts("required_scopes", required_scopes) or []
        del token
        found = self._native.verify_now(hidden, scopes)
        if found is None:
            found = self._native.verify(hidden, scopes)
        return VerifiedToken.from_dict(found)


class AsyncTokenVerifier(_Verifier):
    """Checks access tokens on this machine, for asyncio; usable from several event loops.

    Example:
        verifier = AsyncTokenVerifier("https://idp.example.com", "https://api.example.com")
        agent = (await verifier.verify(token, required_scopes=["agents:read"])).subject
    """

    async def verify(
        self, token: str, required_scopes: Sequence[str] | str | None = None
    ) -> VerifiedToken:
        """What the token says, if it holds. At once, unless a key has to be fetched.

        Args:
            token: The token, without `Bearer`.
            required_scopes: What it must allow beside the verifier's own `required_scopes`.

        Raises:
            AuthenticationError: INVALID_TOKEN; `details["reason"]` says why.
            PermissionDeniedError: INSUFFICIENT_SCOPE; `details["requiredScopes"]`.
            ApiConnectionError, ApiTimeoutError: No key could be had.
        """
        hidden, scopes = Hidden(token), texts("required_scopes", required_scopes) or []
        del token
        found = self._native.verify_now(hidden, scopes)
        if found is None:
            from ._aio import finish

            native = self._native
            found = await finish(
                lambda bridge, future: bridge.start_verify(native, future, hidden, scopes)
            )
        return VerifiedToken.from_dict(found)
