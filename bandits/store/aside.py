"""Keeping a stranger's file: moved aside under a new name, never overwritten, never deleted."""

from __future__ import annotations

import os
from pathlib import Path

from bandits.errors import StoreError, printable

FileId = tuple[int, int]  # device and inode: which file this is, whatever its name


def file_id(path: Path) -> FileId | None:
    """Return which file a path names now; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def keep_aside(path: Path, found: FileId | None) -> Path:
    """Move a file to the first free of NAME.kept-1, NAME.kept-2, ... and return that path.

    A write-ahead log beside it goes first and along: SQLite would drop it with the next database.
    Raises StoreError if the folder cannot be written, or if the path names another file than
    `found` by now, because another process was first.
    """
    number = 1
    try:
        while not _reserve(kept := path.with_name(f"{path.name}.kept-{number}")):
            number += 1
        if file_id(path) != found:
            kept.unlink()
            raise StoreError(f"{printable(str(path), 200)} has just been replaced; try again")
        for suffix in ("-wal", "-journal", "-shm", ""):
            beside, target = (p.with_name(p.name + suffix) for p in (path, kept))
            if beside.exists() and (not suffix or _reserve(target)):
                os.replace(beside, target)
    except OSError as error:
        raise StoreError(
            f"{printable(str(path), 200)} is not an arena and cannot be moved aside "
            f"({error.strerror}); set BANDITS_HOME to another folder"
        ) from error
    return kept


def _reserve(path: Path) -> bool:
    """Create an empty file that a rename may replace; False if the name is taken."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return False
    return True
