"""The signs of a diagnosis.  A new one is a function with the decorator `sign` in a file of this folder."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from bandits.health.sign import SIGNS, Sign

for _file in iter_modules(__path__):
    import_module(f"{__name__}.{_file.name}")


def all_signs() -> list[Sign]:
    """Return every sign in the order of the findings: by part, and within it by file and line."""
    return sorted((SIGNS.get(name) for name in SIGNS), key=lambda sign: sign.part)
