"""Reading a text file of one document a line, or saying in one line why it cannot be a dataset."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from bandits.errors import BadFile, printable

MAX_FILE_BYTES = 64 * 2**20


def read_lines(path: str | os.PathLike[str]) -> list[str]:
    """Return the lines of a UTF-8 text file; LF, CRLF and CR end a line.

    Raises: BadFile for a file that is missing, a folder, unreadable, empty, binary, or too large.
    """
    shown = f"file '{printable(str(path))}'"
    try:
        # A pipe or a device may never end, so only regular files are opened.
        mode, n_bytes = (found := Path(path).stat()).st_mode, found.st_size
        if stat.S_ISDIR(mode):
            raise BadFile(f"{shown} is a folder; name a text file of one document a line")
        if not stat.S_ISREG(mode):
            raise BadFile(f"{shown} is not a regular file; copy its text into one first")
        if n_bytes > MAX_FILE_BYTES:
            raise BadFile(
                f"{shown} has {n_bytes / 2**20:,.0f} MiB, at most {MAX_FILE_BYTES >> 20}: "
                "cut it down, e.g. with head -n"
            )
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise BadFile(f"{shown} does not exist; check its path") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise BadFile(f"{shown} cannot be read: {reason.lower()}") from None
    if not data.strip():
        raise BadFile(f"{shown} is empty; write one document a line")
    if b"\0" in data:
        raise BadFile(f"{shown} is binary (it holds NUL bytes); save it as UTF-8 text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadFile(
            f"{shown} is not UTF-8 (byte 0x{data[error.start]:02x} in line {line}); "
            "convert it, e.g. with iconv"
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
