"""bandits that tells when its engine is at work, so that a test can interrupt it there and wait for no clock.

    python -m tests.support.telling FD METHOD -c "train 1000" ...

writes a line to descriptor FD whenever GPT.METHOD is called: the number of the model.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tests.support.shelltools import SECONDS, environment

# What standard error may say of a stop that takes a while: whether it does, is the machine's affair.
MENTIONED = re.compile(r"(.* will stop after this step.*\n|stopping: what runs now ends first\n)?")


class Telling:
    """A process of bandits; `process` is the Popen, its standard output and errors are pipes."""

    def __init__(self, home: Path, method: str, *lines: str, cwd: Path | None = None) -> None:
        reading, writing = os.pipe()
        words = [word for line in lines for word in ("-c", line)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.telling", str(writing), method, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd or home.parent,
            env=environment(home),
            pass_fds=[writing],
        )
        os.close(writing)
        self._told = reading

    def wait_for(self, n_calls: int, n_models: int = 1) -> subprocess.Popen[str]:
        """Wait until so many models have each been called so often; return the process."""
        told = b""
        while True:
            ready, _, _ = select.select([self._told], [], [], SECONDS)
            assert ready, f"no call within {SECONDS} s"
            more = os.read(self._told, 4096)
            assert more, f"it ended before: {self.process.communicate()}"
            told += more
            calls = Counter(told.split(b"\n")[:-1])
            if sum(n >= n_calls for n in calls.values()) >= n_models:
                os.close(self._told)
                return self.process


def main(descriptor: int, method: str, arguments: list[str]) -> None:
    """Be `python -m bandits` with these arguments."""
    from bandits.__main__ import main as bandits
    from bandits.model.gpt import GPT

    untold = getattr(GPT, method)
    models: list[GPT] = []  # kept, so that no two have one number

    def told(model: GPT, *values: Any, **options: Any) -> Any:
        if model not in models:
            models.append(model)
        with contextlib.suppress(BrokenPipeError):  # nobody listens any more
            os.write(descriptor, f"{models.index(model)}\n".encode())
        return untold(model, *values, **options)

    setattr(GPT, method, told)
    sys.exit(bandits(arguments))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
