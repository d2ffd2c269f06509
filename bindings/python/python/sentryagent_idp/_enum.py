"""The base class of the open enums in `enums.py`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

    from typing_extensions import Self


class OpenEnum(str):
    """A `str` with named constants.

    A value that this version of the SDK does not know is an instance too: it compares, prints
    and travels like any other, and `is_known` is false.
    """

    __slots__ = ()

    _members: ClassVar[dict[str, OpenEnum]] = {}
    _names: ClassVar[dict[str, str]] = {}

    def __new__(cls, value: str) -> Self:
        """The instance for a wire value; known ones are shared."""
        known = cls._members.get(value)
        # A subclass's table holds that subclass's instances only.
        return known if known is not None else str.__new__(cls, value)  # type: ignore[return-value]

    @classmethod
    def _declare(cls, **constants: str) -> None:
        cls._members = {value: str.__new__(cls, value) for value in constants.values()}
        cls._names = {value: name for name, value in constants.items()}
        for name, value in constants.items():
            setattr(cls, name, cls._members[value])

    @classmethod
    def values(cls) -> tuple[Self, ...]:
        """Every value that this version of the SDK knows."""
        return tuple(cls._members.values())  # type: ignore[arg-type]

    @property
    def value(self) -> str:
        """The value on the wire, as a plain `str`."""
        return str.__str__(self)

    @property
    def name(self) -> str:
        """The constant's name; for an unknown value the value itself."""
        return self._names.get(self, self.value)

    @property
    def is_known(self) -> bool:
        """Whether this version of the SDK knows the value."""
        return self in self._members

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"
