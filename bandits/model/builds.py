"""Picks the build of the engine that this machine runs best.

BANDITS_ISA (avx512, avx2, base) forces one.  There is no silent fallback: `isa()` says which runs,
and a build that is missing or not for this machine is an EngineMissing that says what to do.
"""

from __future__ import annotations

import os
import platform
from functools import cache
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from types import ModuleType

from bandits.errors import EngineMissing, printable

ISAS = ("avx512", "avx2", "base")  # best first


def _load(isa: str) -> ModuleType | None:
    name = f"bandits.model._engine_{isa}"
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None
    # Where this clone has no build, an editable install of another clone answers with its own.
    here = Path(__file__).parent
    return module if Path(module.__file__ or "nowhere").parent == here else None


def _stale(module: ModuleType) -> bool:
    """Whether, in a clone, the build is not of the sources that lie beside the package."""
    folder = Path(__file__).parents[2] / "csrc"
    if not (folder / "engine.pxi").exists():
        return False
    kinds = (".pyx", ".pxd", ".pxi", ".h")
    sources = sorted(path for path in folder.iterdir() if path.suffix in kinds)
    digest = sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    return bool(digest != module.SOURCES)


@cache
def build() -> ModuleType:
    """Return the compiled module in use.  Raises EngineMissing with what to type."""
    base = _load("base")
    if base is None:
        raise EngineMissing(
            "the engine is not compiled for this Python: type `pip install -e .` in the clone of "
            "bandits, or run from another folder to use an installed one"
        )
    if _stale(base):
        raise EngineMissing(
            "the engine was compiled from other sources than csrc/ has now: type `pip install -e .` again"
        )
    supported = base.cpu_supports()
    forced = os.environ.get("BANDITS_ISA", "")
    if not forced:
        return next(m for m in (_load(isa) for isa in ISAS if supported[isa]) if m is not None)
    if forced not in ISAS:
        raise EngineMissing(
            f"BANDITS_ISA={printable(forced, 40)} is not one of {', '.join(ISAS)}; unset it to use the best"
        )
    module = _load(forced) if supported[forced] else None
    if module is None:
        usable = ", ".join(isa for isa in ISAS if supported[isa] and _load(isa) is not None)
        raise EngineMissing(
            f"BANDITS_ISA={forced} cannot run on this machine; choose {usable}, or unset it"
        )
    return module


def isa() -> str:
    """Return the instruction set of the build in use: avx512, avx2 or base."""
    return build().__name__.rpartition("_")[2]


def handicap() -> str | None:
    """Return why the build in use is about twenty times slower than this machine's best could be, or None."""
    if isa() != "base" or platform.machine().lower() not in ("x86_64", "amd64", "i686", "x86"):
        return None
    cause = "this processor has no AVX2"
    if os.environ.get("BANDITS_ISA"):
        cause = "BANDITS_ISA=base is set"
    return f"{cause}: the portable engine runs, with the same results, about twenty times slower"


def usable() -> tuple[str, ...]:
    """Return the instruction sets whose builds exist here and run on this machine, best first."""
    supported = build().cpu_supports()
    return tuple(isa for isa in ISAS if supported[isa] and _load(isa) is not None)
