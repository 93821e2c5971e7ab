"""What a record says beside its numbers: where and of what they were measured."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import bandits
from benchmarks.race import ROOT


def machine(core: int | None) -> dict[str, Any]:
    """The processor and the system; nothing that tells one such machine from another."""
    return {
        "processor": _processor(),
        "architecture": platform.machine(),
        "n_cores": os.cpu_count(),
        "core": core,
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "load_average": [round(x, 2) for x in os.getloadavg()],
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if not info.is_file():
        return platform.processor() or platform.machine()
    lines = info.read_text().split("\n\n")[0].splitlines()
    pairs = [line.partition(":") for line in lines]
    fields = {key.strip(): value.strip() for key, _, value in pairs}
    model = [f"{key} {fields[key]}" for key in ("cpu family", "model") if key in fields]
    return " ".join([fields.get("model name", platform.machine()), *model])


def versions() -> dict[str, str]:
    """Of Python, its compiler, this package and what it is compared with."""
    found = {"python": platform.python_version(), "bandits": bandits.__version__}
    found["gcc"] = _said("gcc", "-dumpfullversion") or "none"
    for package in ("numpy", "torch", "cython"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "none"
    return found


def commit() -> str:
    """The commit of the sources, and whether the engine's were changed since."""
    at = _said("git", "rev-parse", "--short=10", "HEAD")
    if not at:
        return "unknown"
    changed = _said("git", "status", "--porcelain", "--", "bandits", "csrc", "setup.py")
    return f"{at} with changes" if changed else at


def builds(isas: tuple[str, ...]) -> dict[str, str]:
    """The start of the SHA-256 of each compiled engine: which build it was that ran."""
    found = {}
    for isa in isas:
        for path in (Path(bandits.__file__).parent / "model").glob(f"_engine_{isa}.*"):
            found[isa] = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return found


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
