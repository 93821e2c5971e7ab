"""The program with which this desktop shows pictures."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from bandits.errors import BanditsError


class NoWindow(BanditsError):
    """This desktop, if it is one, opens no file."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"no window can be opened here: {reason}")


def viewer() -> str:
    """Return the program that opens files here.  Raises NoWindow if there is none."""
    if sys.platform == "darwin":
        names = ["open"]
    elif sys.platform == "win32":
        names = ["explorer"]
    elif os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        names = ["xdg-open", "gio", "wslview"]
    else:
        raise NoWindow("there is no display")
    for name in names:
        if shutil.which(name):
            return name
    raise NoWindow(f"{names[0]} is missing")


def view(path: Path) -> None:
    """Open a file in the viewer, and do not wait for it.  Raises BanditsError if it does not start."""
    name = viewer()
    command = [name, *(["open"] if name == "gio" else []), str(path.absolute())]
    try:
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as problem:
        raise BanditsError(
            f"{name} cannot be started: {(problem.strerror or '').lower()}"
        ) from None
