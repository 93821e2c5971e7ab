"""Which files of the package a command runs through: how much one has to open to follow it.

    python tools/files_of_a_command.py                        three usual commands, each in a fresh arena
    python tools/files_of_a_command.py "battle A B 100"       one; its files in the order they are met in
    OTHER_ENVIRONMENT/bin/python tools/files_of_a_command.py  the same of another build

A file counts if a function of it is called, in any thread, between the moment the shell has read the line and
the moment it is ready for the next.  What only runs when a module is imported does not count.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

USUAL = ("battle A B 100", "train 1000", "create_agent Ada")
FIRST = "onecmd_plus_hooks"  # cmd2 hands it a line that was read


class Files:
    """The files of the package whose functions are called while a line is run."""

    def __init__(self, package: Path) -> None:
        self.package = f"{package}{os.sep}"
        self.met: dict[str, None] = {}
        self._running: FrameType | None = None

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        """Take a call or a return, as sys.setprofile reports it."""
        code = frame.f_code
        if self._running is None and event == "call" and code.co_name == FIRST:
            self._running = frame
        if self._running is None:
            return
        if event == "call" and code.co_name != "<module>" and self._is_ours(code.co_filename):
            self.met[code.co_filename.removeprefix(self.package)] = None
        elif event == "return" and frame is self._running:
            self._running = None

    def _is_ours(self, name: str) -> bool:
        return name.startswith(self.package)


def follow(line: str) -> None:
    """Run a line in this process and print the files that it met, after its own output."""
    import bandits
    from bandits.__main__ import main

    files = Files(Path(bandits.__file__).parent)
    threading.setprofile(files)
    sys.setprofile(files)
    try:
        code = main(["--no-rc", "-c", line])
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
    print("\n".join(["", *files.met]))
    sys.exit(code)


def files_of(line: str) -> list[str]:
    """Return the files of a line run in a fresh arena, in the order in which they are met."""
    with tempfile.TemporaryDirectory() as home:
        environment = os.environ | {"BANDITS_HOME": home}
        opened = [sys.executable, "-m", "bandits", "-c", "agents"]
        subprocess.run(opened, env=environment, check=True, stdout=subprocess.DEVNULL)
        followed = [sys.executable, __file__, "--follow", line]
        done = subprocess.run(
            followed, env=environment, check=True, stdout=subprocess.PIPE, encoding="utf-8"
        )
    return done.stdout.rpartition("\n\n")[2].split()


def main(lines: Sequence[str]) -> None:
    """Count the files of each line; name those of a single one."""
    for line in lines or USUAL:
        files = files_of(line)
        print(f"{len(files):3}  {line}")
        if lines:
            print("".join(f"     {name}\n" for name in files), end="")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--follow"]:
        follow(sys.argv[2])
    main(sys.argv[1:])
