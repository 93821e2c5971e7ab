"""How long the prompt takes to come back after Ctrl-C, at random instants of all kinds of commands.

    python -m benchmarks.ctrl_c                     # 200 instants, about a minute
    python -m benchmarks.ctrl_c --large             # the same on an agent whose step takes a second or two

The instants are those of tests/shell/test_ctrl_c.py, which also proves that none of them loses a step.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.support.interrupting import describe, instants
from tests.support.shelltools import commands
from tests.support.terminal import Terminal

_SEED = 20261122


def main(arguments: Sequence[str] | None = None) -> None:
    """Press, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--instants", type=int, default=200, metavar="N")
    parser.add_argument("--seed", type=int, default=_SEED, metavar="N")
    parser.add_argument("--large", action="store_true", help="n_embd 256, 8 layers, batch 64")
    options = parser.parse_args(arguments)
    large = ("create_agent Ada 256 8 8", "config batch_size 64")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        commands(
            home,
            *(large if options.large else ("create_agent Ada 16 1 4",)),
            *(f"config schedule constant --agent {name}" for name in ("Ada", "B")),
        )
        terminal = Terminal(home)
        terminal.wait(r"\nAda>")
        longest = 3.0 if options.large else 0.5
        print(describe(instants(terminal, options.instants, options.seed, longest)))
        terminal.process.close(force=True)


if __name__ == "__main__":
    main()
