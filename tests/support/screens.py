"""Commands run at a pseudo-terminal, and what was on its screen after every piece they wrote.

The process is forked from the one that has the imports behind it (tests/support/forkserver.py), so a run
costs little; it is a process at a terminal all the same.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import termios
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import shelltools

pyte = pytest.importorskip("pyte")

REDRAWN = re.compile(r"\x1b\[\d+A\r")  # what a frame over another begins with


@dataclass
class Run:
    """What commands wrote to their terminal: raw, and as the screen and its scroll-back show it."""

    exit_code: int
    raw: str
    text: str


def at_terminal(home: Path, *lines: str, columns: int = 80, rows: int = 24, **env: str) -> Run:
    """Run commands at a terminal of some size."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    path, ended = os.ttyname(theirs), threading.Event()
    encoding = env.setdefault("PYTHONIOENCODING", "utf-8")
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    raw = ""

    def read() -> None:
        nonlocal raw
        while True:
            ready, _, _ = select.select([ours], [], [], 0.02)
            if not ready and ended.is_set():
                return
            if ready:
                raw += decoder.decode(os.read(ours, 65536))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        code = shelltools.ask(
            [word for line in lines for word in ("-c", line)],
            home.parent,
            {**shelltools.environment(home, **env), "COLUMNS": ""},
            [(path, os.O_RDONLY), (path, os.O_WRONLY), (path, os.O_WRONLY)],
        )
    finally:
        ended.set()
        reader.join()
        os.close(theirs)
        os.close(ours)
    screen = pyte.HistoryScreen(columns, rows, history=2000)
    pyte.Stream(screen).feed(raw)
    above = ["".join(row[n].data for n in sorted(row)) for row in screen.history.top]
    text = "\n".join(line.rstrip() for line in [*above, *screen.display]).rstrip()
    return Run(code, raw, text)
