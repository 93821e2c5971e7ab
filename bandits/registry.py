"""A table of named parts (datasets, schedules, signs, pictures): one file and one registration add one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from bandits.errors import InvalidValue, UnknownName, did_you_mean, printable

T = TypeVar("T")


class Registry(Generic[T]):
    """Parts of one kind by name, in the order of their registration."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._parts: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that enters a part under `name`.  Raises InvalidValue if it is taken."""

        def enter(part: T) -> T:
            if name in self._parts:
                raise InvalidValue(f"{self.kind} '{name}' is registered twice")
            self._parts[name] = part
            return part

        return enter

    def get(self, name: str) -> T:
        """Return the part of this name.  Raises UnknownName with the nearest known name."""
        if name not in self._parts:
            known = ", ".join(self._parts)
            raise UnknownName(
                f"no {self.kind} '{printable(name)}'{did_you_mean(name, self._parts)} ({known})"
            )
        return self._parts[name]

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)
