"""SentryAgent AgentIdP: the identity provider for AI agents.

    from sentryagent_idp import AgentIdPClient

    with AgentIdPClient() as client:  # AGENTIDP_BASE_URL, _CLIENT_ID, _CLIENT_SECRET
        print(client.explain_configuration())

`AsyncAgentIdPClient` is the same for asyncio. Requests and answers are in `models`, open enums
in `enums`, errors in `errors`; all of them can also be imported from here.
"""

from __future__ import annotations

import atexit

from . import enums, errors, models
from ._client import AgentIdPClient, TokenManager
from ._native import CallOptions, ResponseInfo, __version__, shutdown
from ._offline import verify_audit_events, verify_webhook
from .enums import *
from .errors import *
from .models import *

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._async_client import AsyncAgentIdPClient, AsyncTokenManager
    from ._verify import AsyncTokenVerifier, TokenVerifier, VerifiedToken

__all__ = [
    "AgentIdPClient",
    "AsyncAgentIdPClient",
    "AsyncTokenManager",
    "AsyncTokenVerifier",
    "CallOptions",
    "ResponseInfo",
    "TokenManager",
    "TokenVerifier",
    "VerifiedToken",
    "__version__",
    "verify_audit_events",
    "verify_webhook",
]
__all__ += enums.__all__
__all__ += errors.__all__
__all__ += models.__all__

# Later calls raise RuntimeError instead of waiting for an interpreter that is gone.
atexit.register(shutdown)


# Slow imports (asyncio, dataclasses) that not everybody needs.
_LATER = {
    "AsyncAgentIdPClient": "_async_client",
    "AsyncTokenManager": "_async_client",
    "AsyncTokenVerifier": "_verify",
    "TokenVerifier": "_verify",
    "VerifiedToken": "_verify",
}


def __getattr__(name: str) -> Any:
    if module := _LATER.get(name):
        from importlib import import_module

        value = getattr(import_module(f".{module}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    # What comes later is there, too, for who looks around.
    return sorted({*globals(), *_LATER})
