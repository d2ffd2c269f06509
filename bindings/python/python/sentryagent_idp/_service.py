"""What the generated services stand on: one call, one list, one payload.

The services know their operations by index; what an operation is, the native module knows.
"""

from __future__ import annotations

from ._native import _reveal
from .errors import DecodingError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Iterator
    from typing import Any, Protocol, TypeVar
    from typing import overload as overload

    from ._native import CallOptions, Hidden, Model

    M = TypeVar("M", bound=Model)

    class Call(Protocol):
        """Makes a call and waits for it."""

        def __call__(
            self,
            operation: int,
            path: tuple[str, ...],
            *,
            query: Model | None = None,
            body: Model | None = None,
            options: CallOptions | None = None,
        ) -> Any: ...

    class AsyncCall(Protocol):
        """Makes a call on the running event loop."""

        def __call__(
            self,
            operation: int,
            path: tuple[str, ...],
            *,
            query: Model | None = None,
            body: Model | None = None,
            options: CallOptions | None = None,
        ) -> Awaitable[Any]: ...

else:

    def overload(function):
        """As `typing.overload`, without that slow import: nothing reads overloads at run time."""
        return function


class Service:
    """A section's operations; a thin view of its client."""

    # A dict of its own, so that a user's test can replace one client's method.
    __slots__ = ("__dict__", "_call")

    def __init__(self, call: Call) -> None:
        self._call = call

    def _pages(
        self,
        operation: int,
        path: tuple[str, ...],
        query: Any,
        *,
        items: str,
        cursor: bool,
        options: CallOptions | None,
    ) -> Iterator[Any]:
        first = True
        while query is not None:
            page = self._call(operation, path, query=query, options=options)
            query = next_query(query, page, items, cursor, first)
            first = False
            yield from getattr(page, items)


class AsyncService:
    """A section's operations as coroutines; a thin view of its client."""

    # A dict of its own, so that a user's test can replace one client's method.
    __slots__ = ("__dict__", "_call")

    def __init__(self, call: AsyncCall) -> None:
        self._call = call

    async def _pages(
        self,
        operation: int,
        path: tuple[str, ...],
        query: Any,
        *,
        items: str,
        cursor: bool,
        options: CallOptions | None,
    ) -> AsyncIterator[Any]:
        first = True
        while query is not None:
            page = await self._call(operation, path, query=query, options=options)
            query = next_query(query, page, items, cursor, first)
            first = False
            for item in getattr(page, items):
                yield item


def next_query(query: Any, page: Any, items: str, cursor: bool, first: bool) -> Any:
    """The query for the page behind this one; None when this was the last.

    Raises:
        DecodingError: When a page after the `first` does not go on, so that the list had no end.
    """
    if cursor:
        if not page.next_cursor:
            return None
        if not first and page.next_cursor == query.cursor:
            raise _stands_still()
        # A cursor and a page number exclude each other.
        both = {"page": None} if getattr(query, "page", None) is not None else {}
        return query.replace(cursor=page.next_cursor, **both)
    if not getattr(page, items) or page.page * page.limit >= page.total:
        return None
    if not first and page.page + 1 <= query.page:
        raise _stands_still()
    return query.replace(page=page.page + 1)


def _stands_still() -> DecodingError:
    """A server that does not understand how it is asked answers the same page without end."""
    message = "the list does not go on: the page after this one would be the same again"
    return DecodingError(message, code="DECODING_ERROR")


def payload(
    model: type[M],
    given: tuple[Any, ...],
    fields: dict[str, Any],
    *,
    positional: tuple[str, ...] = (),
    optional: bool = False,
) -> Any:
    """The request of what a caller gave: the request itself, or its fields.

    Raises:
        TypeError: When it is both, or neither.
    """
    by_position: dict[str, Any] = {}
    try:
        if len(given) == 1 and isinstance(given[0], model):
            if fields:
                raise TypeError(f"give one {model.__name__} or its fields, not both")
            return given[0]
        if optional and not fields and given in ((), (None,)):
            return None
        if len(given) > len(positional) and given != (None,):
            takes = ", ".join((*positional, "keyword arguments"))
            wrong = type(given[len(positional)]).__name__
            raise TypeError(f"give one {model.__name__} or its fields ({takes}), not a {wrong}")
        by_position.update(zip(positional, given, strict=False))
        if twice := by_position.keys() & fields.keys():
            raise TypeError(f"{', '.join(sorted(twice))} given twice")
        return model(**by_position, **fields)
    except BaseException:
        # A traceback that shows this frame's locals must show no secret.
        given, fields, by_position = (), {}, {}
        raise


def secret_payload(
    model: type[M], held: Hidden, *, positional: tuple[str, ...] = (), optional: bool = False
) -> Any:
    """As `payload`, for requests that hold secrets: `held` is what was given, out of sight."""
    return payload(model, *_reveal(held), positional=positional, optional=optional)
