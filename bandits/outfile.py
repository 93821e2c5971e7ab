"""A file for the player: where it may be written is checked first, then it is written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path

from bandits.errors import BadFile, InvalidValue, printable


def check_target(path: Path, noun: str, endings: tuple[str, ...]) -> None:
    """Raise what is wrong with a place for a file: InvalidValue for its ending, BadFile for the rest.

    A file that is already there will be replaced.
    """
    if path.suffix.lower() not in endings:
        either = " or ".join(filter(None, (", ".join(endings[:-1]), endings[-1])))
        stem = printable(path.stem or noun, 60)
        raise InvalidValue(
            f"{noun} '{printable(path.name or str(path))}' must end in {either}; try {stem}{endings[0]}"
        )
    try:
        if not path.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "its folder does not exist")
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        if not all(os.access(p, os.W_OK) for p in (path.parent, path) if p.exists()):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as problem:
        raise _cannot_write(path, noun, problem) from None


def write_whole(path: Path, noun: str, content: bytes) -> None:
    """Write a file beside its place and move it there.  Raises BadFile; then the place is as it was."""
    try:
        handle, beside = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(beside, 0o666 & ~mask)
            os.replace(beside, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(beside)
            raise
    except OSError as problem:
        raise _cannot_write(path, noun, problem) from None


def _cannot_write(path: Path, noun: str, problem: OSError) -> BadFile:
    reason = (problem.strerror or "cannot be written").lower()
    elsewhere = f"elsewhere{path.suffix}"
    return BadFile(f"{noun} '{printable(str(path), 200)}': {reason}; try --save {elsewhere}")
