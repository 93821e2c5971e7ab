"""Running bandits as a player does: a process, a home of its own, nothing of the caller's set-up."""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.paths import ROOT

SECONDS = 60  # after which a game counts as hung, on the busiest of machines
_DROPPED = ("NO_COLOR", "TERM", "COLUMNS", "LINES", "BANDITS_ISA", "FORCE_COLOR")


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return the environment of a player whose arena is in `home`."""
    kept = {key: value for key, value in os.environ.items() if key not in _DROPPED}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {
        **kept,
        "BANDITS_HOME": str(home),
        "HOME": str(home),
        "PYTHONPATH": path,
        "MPLCONFIGDIR": str(Path(tempfile.gettempdir()) / "bandits-matplotlib"),
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
    done = subprocess.run(
        [sys.executable, "-m", "bandits", *arguments],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        cwd=cwd or home.parent,
        env=environment(home, **(env or {})),
        timeout=SECONDS,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def quick(
    home: Path,
    *arguments: str,
    stdin: str | bytes = b"",
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Do what `bandits` does in a process forked from one that has the imports behind it."""
    if not hasattr(os, "fork"):
        return bandits(home, *arguments, stdin=stdin, cwd=cwd, env=env)
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder) / name for name in ("stdin", "stdout", "stderr")]
        streams[0].write_bytes(stdin.encode() if isinstance(stdin, str) else stdin)
        writing = os.O_WRONLY | os.O_CREAT
        code = ask(
            arguments,
            cwd or home.parent,
            environment(home, **(env or {})),
            [
                (str(path), flags)
                for path, flags in zip(streams, (os.O_RDONLY, writing, writing), strict=True)
            ],
        )
        output, errors = (path.read_text("utf-8") for path in streams[1:])
    return subprocess.CompletedProcess(list(arguments), code, output, errors)


def commands(
    home: Path, *lines: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> str:
    """Run commands that must all succeed, in one process, and return what they print."""
    done = quick(home, *(word for line in lines for word in ("-c", line)), cwd=cwd, env=env)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


@functools.cache
def _server() -> subprocess.Popen[str]:
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.support.forkserver"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    atexit.register(server.kill)
    return server


def ask(
    arguments: Sequence[str], cwd: Path, env: Mapping[str, str], streams: Sequence[tuple[str, int]]
) -> int:
    """Let a forked process be bandits, its standard streams opened by path; return its exit code."""
    server = _server()
    request = json.dumps(
        {"arguments": list(arguments), "cwd": str(cwd), "env": dict(env), "streams": list(streams)}
    )
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(request + "\n")
    server.stdin.flush()
    ready, _, _ = select.select([server.stdout], [], [], SECONDS)
    assert ready, f"no answer within {SECONDS} s to {request}"
    return int(server.stdout.readline())
