"""bandits whose engine stays inside a step until the shell has said that a stop will come after it.

    python -m tests.support.long_step

So a test of what is said of a long step needs no agent that is large enough for this machine to be slow.
It writes "inside" to the terminal when a step begins.
"""

from __future__ import annotations

import signal
import sys
import threading
from typing import Any


def main() -> None:
    """Be `python -m bandits` at a terminal."""
    from bandits.__main__ import main as bandits
    from bandits.model.gpt import GPT
    from bandits.shell.app import BanditsShell

    said = threading.Event()
    mention, train_steps = BanditsShell.mention, GPT.train_steps

    def mention_and_go_on(shell: BanditsShell, line: str) -> None:
        mention(shell, line)
        said.set()

    def train_steps_when_said(model: GPT, *values: Any, **options: Any) -> Any:
        said.clear()
        # No signal reaches this thread meanwhile, as none does that is inside the engine.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        print("inside", flush=True)
        said.wait()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        return train_steps(model, *values, **options)

    BanditsShell.mention = mention_and_go_on  # type: ignore[method-assign]
    GPT.train_steps = train_steps_when_said  # type: ignore[method-assign]
    sys.exit(bandits([]))


if __name__ == "__main__":
    main()
