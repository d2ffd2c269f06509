"""The verifiers: the project's, and PyJWT as its documentation uses it."""

from __future__ import annotations

import json
from importlib.metadata import version
from urllib.request import urlopen

import jwt
from sentryagent_idp import TokenVerifier

AUDIENCE = "https://api.example.com"


def tokens(base_url: str) -> dict[str, str]:
    """A token of each algorithm."""
    with urlopen(f"{base_url}/tokens") as answer:
        found: dict[str, str] = json.load(answer)
    return found


def look(subject: str, scopes: list[str] | tuple[str, ...]) -> None:
    """Reads what a caller reads, and checks it."""
    if len(subject) != 36 or "agents:read" not in scopes:
        raise ValueError("the token does not say what it was made with")


class Project:
    """The SDK."""

    name = f"sentryagent_idp {version('sentryagent_idp')}"

    def __init__(self, base_url: str) -> None:
        self._verifier = TokenVerifier(base_url, AUDIENCE, jwks_uri=f"{base_url}/keys")
        self._tokens = tokens(base_url)

    def verify(self, algorithm: str) -> None:
        told = self._verifier.verify(self._tokens[algorithm])
        look(told.subject, told.scopes)


class PyJwt:
    """PyJWT with its client of key sets, which keeps what it fetched."""

    name = f"PyJWT {jwt.__version__}"

    def __init__(self, base_url: str) -> None:
        self._issuer = base_url
        self._keys = jwt.PyJWKClient(f"{base_url}/keys", lifespan=86_400)
        self._tokens = tokens(base_url)

    def verify(self, algorithm: str) -> None:
        token = self._tokens[algorithm]
        key = self._keys.get_signing_key_from_jwt(token)
        told = jwt.decode(
            token,
            key,
            algorithms=["RS256", "ES256", "EdDSA"],
            issuer=self._issuer,
            audience=AUDIENCE,
            leeway=60,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
        look(told["sub"], told["scope"].split(" "))


ALL = {"verify-project": Project, "pyjwt": PyJwt}
