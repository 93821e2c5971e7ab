"""How long bandits takes to be there: `-c about`, `-c "battle A B 100"`, and the prompt at a terminal.

    python -m benchmarks.startup                    # best of 15 of each, and where the time goes

Each run is a new process with an arena of its own that exists already.  Two figures of each: seconds by
the clock on the wall, which a busy machine makes longer, and seconds of the processor, what an idle core
would take.  The prompt is there when it is on the screen of a pseudo-terminal.
"""

from __future__ import annotations

import argparse
import os
import pty
import re
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence

BARS = {"bandits -c about": 0.6, 'bandits -c "battle A B 100"': 1.5, "the prompt": 0.8}
_PROGRAM = [sys.executable, "-m", "bandits"]
_PROMPT = re.compile(rb"A>[^\n]*\x1b\[\?25h")  # and the cursor behind it
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)")
_SECONDS = 30.0

Times = tuple[float, float]  # of the wall, of the processor


def command(*arguments: str) -> Callable[[dict[str, str]], Times]:
    """Return what measures one run of bandits with these arguments."""

    def run(environment: dict[str, str]) -> Times:
        began = time.perf_counter()
        process = subprocess.Popen(
            [*_PROGRAM, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        if status:
            raise SystemExit(f"bandits {' '.join(arguments)} failed with status {status}")
        return wall, used.ru_utime + used.ru_stime

    return run


def prompt(environment: dict[str, str]) -> Times:
    """Measure from the start of the process to the prompt on the screen."""
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, _PROGRAM, {**environment, "PROMPT_TOOLKIT_NO_CPR": "1"})
    seen = b""
    while not _PROMPT.search(seen):
        ready, _, _ = select.select([terminal], [], [], _SECONDS)
        if not ready:
            raise SystemExit(f"no prompt within {_SECONDS:.0f} s: {seen[-300:]!r}")
        seen += os.read(terminal, 65536)
    wall = time.perf_counter() - began
    os.kill(pid, 9)
    _, _, used = os.wait4(pid, 0)
    os.close(terminal)
    return wall, used.ru_utime + used.ru_stime


def imports(environment: dict[str, str]) -> Counter[str]:
    """Return the microseconds that the modules of each library take to import for `about`."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *_PROGRAM[1:], "-c", "about"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    found: Counter[str] = Counter()
    for microseconds, module in _IMPORT.findall(done.stderr):
        library = module.partition(".")[0]
        found[library if library in _LIBRARIES else "Python's own"] += int(microseconds)
    return found


_LIBRARIES = frozenset(
    (
        "bandits",
        "cmd2",
        "matplotlib",
        "numpy",
        "openskill",
        "platformdirs",
        "plotille",
        "prompt_toolkit",
        "pygments",
        "pyperclip",
        "rich",
        "rich_argparse",
        "safetensors",
        "typing_extensions",
        "wcwidth",
    )
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=15, metavar="N")
    n_rounds = parser.parse_args(arguments).rounds
    tasks = dict(
        zip(BARS, (command("-c", "about"), command("-c", "battle A B 100"), prompt), strict=True)
    )
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "BANDITS_HOME": home, "HOME": home, "TERM": "xterm-256color"}
        command("-c", "about")(environment)  # makes the arena, and Python's caches
        times: dict[str, list[Times]] = {name: [] for name in tasks}
        for _ in range(n_rounds):  # in turn: a slow moment of the machine meets all of them
            for name, measure in tasks.items():
                times[name].append(measure(environment))
        best_imports = min(
            (imports(environment) for _ in range(5)), key=lambda found: found.total()
        )
    print(
        f"{'seconds, of ' + str(n_rounds) + ' runs':<30} wall best  median   processor best   bar"
    )
    for name, found in times.items():
        walls, processors = zip(*found, strict=True)
        print(
            f"{name:<30} {min(walls):9.3f} {statistics.median(walls):7.3f} {min(processors):16.3f} "
            f"{BARS[name]:5.1f}"
        )
    print(f"\nimports of `about`, {best_imports.total() / 1000:.0f} ms (by -X importtime, slower):")
    for library, microseconds in best_imports.most_common():
        print(f"  {library:<20} {microseconds / 1000:6.1f} ms")


if __name__ == "__main__":
    main()
