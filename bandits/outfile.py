"""Files that are written whole or not at all; for one that the player names, the place is checked first."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from bandits.errors import BadFile, InvalidValue, printable


class CannotWrite(BadFile):
    """A file of the player's cannot be written where it is to lie.  path: there."""

    def __init__(self, path: Path, noun: str, problem: OSError) -> None:
        self.path = path
        reason = (problem.strerror or "cannot be written").lower()
        super().__init__(f"{noun} '{printable(str(path), 200)}': {reason}")


def check_target(path: Path, noun: str, endings: tuple[str, ...]) -> None:
    """Raise what is wrong with a place for a file: InvalidValue for its ending, CannotWrite for the rest.

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
        raise CannotWrite(path, noun, problem) from None


def write_whole(path: Path, noun: str, content: bytes) -> None:
    """Write a file for the player, as `replace_file`.  Raises CannotWrite; then the place is as it was."""
    try:
        replace_file(path, content)
    except OSError as problem:
        raise CannotWrite(path, noun, problem) from None


def replace_file(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write a file beside its place, and move it there once it is on the disk.

    private: only its owner may read it.
    Raises: OSError; ValueError for a path with a NUL.  Then the place is as it was.
    """
    beside = path.with_name(f".bandits-{os.urandom(8).hex()}.tmp")
    mode = 0o600 if private else 0o666
    handle = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode)
    try:
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
