"""Running bandits as a player does: a real process, a home of its own, nothing of the caller's set-up."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
SECONDS = 60


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return the environment of a player whose arena is in `home`."""
    dropped = ("NO_COLOR", "TERM", "COLUMNS", "LINES", "BANDITS_ISA", "FORCE_COLOR")
    kept = {key: value for key, value in os.environ.items() if key not in dropped}
    path = os.pathsep.join(filter(None, (str(REPOSITORY), os.environ.get("PYTHONPATH"))))
    return {
        **kept,
        "BANDITS_HOME": str(home),
        "HOME": str(home),
        "PYTHONPATH": path,
        "MPLCONFIGDIR": str(home.parent / "matplotlib"),
        "TERM": "xterm-256color",
        "COLUMNS": "80",
        "PYTHONIOENCODING": "utf-8",
        **more,
    }


def bandits(
    home: Path,
    *arguments: str,
    stdin: str | bytes = b"",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `python -m bandits` and return its exit code, output and errors as text."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [sys.executable, "-m", "bandits", *arguments],
        input=data,
        capture_output=True,
        cwd=cwd or home.parent,
        env=environment(home, **(env or {})),
        timeout=SECONDS,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def commands(
    home: Path, *lines: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> str:
    """Run commands that must all succeed, in one process, and return what they print."""
    done = bandits(home, *(word for line in lines for word in ("-c", line)), cwd=cwd, env=env)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout
