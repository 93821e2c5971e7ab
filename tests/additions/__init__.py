"""What a stranger adds, a kind of thing a file: tests/test_additions.py makes and uses its `ADDITION`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from tests.support.additions import Addition

ADDITIONS: list[Addition] = [
    import_module(f"{__name__}.{file.name}").ADDITION for file in iter_modules(__path__)
]
