"""Run the tests again and again, every other time beside processes that keep all cores busy.

    python tools/repeat_tests.py 20 [arguments of pytest]

A test that fails in one run of twenty fails some newcomer's first.  Each failure is listed with its runs;
exit code 1 if there was one.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


@contextlib.contextmanager
def busy_cores() -> Iterator[None]:
    """Keep every core busy while in this context."""
    loops = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def main(n_runs: int, arguments: list[str]) -> int:
    """Run the tests so many times; return the exit code."""
    runs_of: dict[str, list[int]] = defaultdict(list)
    for run in range(1, n_runs + 1):
        beside = run % 2 == 0
        with busy_cores() if beside else contextlib.nullcontext():
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", *arguments],
                cwd=ROOT, capture_output=True, text=True, check=False,
            )  # fmt: skip
        failed = FAILED.findall(done.stdout)
        if done.returncode and not failed:
            print(done.stdout, done.stderr, sep="\n")
            failed = [f"pytest itself, exit code {done.returncode}"]
        for name in failed:
            runs_of[name].append(run)
        summary = done.stdout.strip().rpartition("\n")[2]
        print(f"run {run}{', cores busy' if beside else ''}: {summary}", flush=True)
        for name in failed:
            print(f"  {name}", flush=True)
    for name, runs in sorted(runs_of.items()):
        print(f"failed in {len(runs)} of {n_runs} runs ({', '.join(map(str, runs))}): {name}")
    return 1 if runs_of else 0


if __name__ == "__main__":
    if len(sys.argv) < 2 or not sys.argv[1].isdecimal():
        sys.exit(__doc__)
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
