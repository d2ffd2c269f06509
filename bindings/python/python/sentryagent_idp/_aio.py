"""Calls from asyncio: one native bridge per event loop, kept as the loop's attribute.

The loop is woken once per batch of answers, through a descriptor that it watches; a loop that
cannot watch descriptors (Proactor on Windows) is woken by a daemon thread instead.
"""

from __future__ import annotations

import threading
import weakref
from asyncio import get_running_loop

from ._native import LoopBridge, NativeClient, _forks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future
    from collections.abc import Callable
    from typing import Any

    from ._native import CallOptions, Hidden, Model

_ATTRIBUTE = "_sentryagent_idp_bridge"
_PUMP_SECONDS = 1.0


class LoopTransport:
    """Makes a client's calls on whatever event loop is running."""

    __slots__ = ("_native",)

    def __init__(self, native: NativeClient) -> None:
        self._native = native

    async def call(
        self,
        operation: int,
        path: tuple[str, ...],
        *,
        query: Model | None = None,
        body: Model | None = None,
        options: CallOptions | None = None,
    ) -> Any:
        """Makes one call; cancelling the task aborts it on the wire."""
        loop = _running_loop()
        bridge: LoopBridge = getattr(loop, _ATTRIBUTE, None) or _attach(loop)
        future = loop.create_future()
        number = bridge.start(self._native, future, operation, path, query, body, options)
        try:
            return await future
        except BaseException:
            bridge.cancel(number)
            raise

    async def token(self) -> Hidden:
        """Asks for the access token."""
        found: Hidden = await finish(
            lambda bridge, future: bridge.start_token(self._native, future)
        )
        return found


async def finish(start: Callable[[LoopBridge, Future[Any]], int]) -> Any:
    """Starts something on the running loop's bridge and awaits it; cancelling aborts it."""
    loop = _running_loop()
    bridge: LoopBridge = getattr(loop, _ATTRIBUTE, None) or _attach(loop)
    future = loop.create_future()
    number = start(bridge, future)
    try:
        return await future
    except BaseException:
        bridge.cancel(number)
        raise


def _running_loop() -> AbstractEventLoop:
    try:
        return get_running_loop()
    except RuntimeError as error:
        if _forks() == 0:
            raise
        # asyncio does not know a loop again that runs in the parent.
        raise RuntimeError(
            f"{error}: one that was made before the process was forked belongs to the parent; "
            "make a new one in the child, for example with asyncio.run()"
        ) from None


def _attach(loop: AbstractEventLoop) -> LoopBridge:
    """Makes the loop's bridge. It goes when the loop goes, and aborts what is still out."""
    bridge = LoopBridge()
    descriptor = bridge.fileno()
    try:
        if descriptor < 0:
            raise NotImplementedError
        # The loop must not keep the bridge's only reference alive through itself.
        loop.add_reader(descriptor, bridge.drain)
    except NotImplementedError:
        arguments = (weakref.ref(loop), weakref.ref(bridge))
        threading.Thread(
            target=_pump, args=arguments, name="sentryagent-idp-pump", daemon=True
        ).start()
    setattr(loop, _ATTRIBUTE, bridge)
    return bridge


def _pump(loop_ref: weakref.ref[AbstractEventLoop], bridge_ref: weakref.ref[LoopBridge]) -> None:
    """Wakes a loop that cannot watch a descriptor, until it is closed or gone."""
    drained = threading.Event()

    def drain() -> None:
        try:
            bridge = bridge_ref()
            if bridge is not None:
                bridge.drain()
        finally:
            drained.set()

    while True:
        loop, bridge = loop_ref(), bridge_ref()
        if loop is None or bridge is None or loop.is_closed():
            return
        if bridge.wait(_PUMP_SECONDS):
            drained.clear()
            try:
                loop.call_soon_threadsafe(drain)
            except RuntimeError:  # closed in between
                return
            drained.wait(_PUMP_SECONDS)
        del loop, bridge
