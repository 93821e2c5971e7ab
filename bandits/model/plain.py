"""Values of named fields as plain data, and back, whichever build wrote them.

What is stored outlives the code that wrote it: a field that is missing is at its default, so that a file
from before the field was added is read; one that is not known is refused by its name.  So a default, once
released, is for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from bandits.errors import InvalidValue, printable

T = TypeVar("T")


def from_plain(cls: type[T], data: Mapping[str, Any]) -> T:
    """Return the dataclass instance of these fields.  Raises InvalidValue for one that it does not have."""
    if not isinstance(data, Mapping):
        raise InvalidValue(f"{cls.__name__} is of the wrong kind")
    names = {field.name for field in fields(cls)}  # type: ignore[arg-type]
    for key in data:
        if key not in names:
            raise InvalidValue(
                f"{cls.__name__} has no '{printable(str(key), 40)}'; if a newer bandits wrote it, upgrade"
            )
    return cls(**data)


def identity(value: Any, always: Collection[str]) -> dict[str, Any]:
    """Return the fields that a digest of this value names: those of `always`, and others off their default.

    always: the fields of the first build, all of which its digests named.  So a field that is added later
    changes no digest of what could be said without it, and what was remembered under it stays remembered.
    """
    named = {}
    for field in fields(value):
        held = getattr(value, field.name)
        if field.name in always or field.default is MISSING or held != field.default:
            named[field.name] = held
    return named
