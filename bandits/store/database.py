"""One open SQLite file: opening it safely, transactions, and errors as one line each.

Opening tells an arena from a stranger's file, a newer format or a full or read-only disk, and never
harms a file that it cannot use.  This is the only module that imports sqlite3; what the tables
hold is the business of those beside it.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import platformdirs

from bandits.errors import BadFile, BanditsError, StoreError, printable
from bandits.store.aside import FileId, file_id, keep_aside
from bandits.store.schema import APPLICATION_ID, MIGRATIONS

FILE_NAME = "arena.db"


def default_home() -> Path:
    """Return the arena's folder: $BANDITS_HOME, or the platform's place for user data."""
    chosen = os.environ.get("BANDITS_HOME")
    return (
        Path(os.path.expanduser(chosen)) if chosen else Path(platformdirs.user_data_dir("bandits"))
    )


class Database:
    """An open arena.db.  Raises StoreError or BadFile, one line each, for a file it cannot use."""

    def __init__(self, home: Path, *, busy_seconds: float = 5.0) -> None:
        if sqlite3.sqlite_version_info < (3, 37):
            raise StoreError(
                f"bandits needs SQLite 3.37 or newer, this Python has {sqlite3.sqlite_version}; "
                "use a newer Python"
            )
        self.path = home / FILE_NAME
        self._busy_seconds = busy_seconds
        self._lock = threading.RLock()
        _make_folder(home)
        found = _check_regular(self.path)
        with self._translated():
            # One connection for every thread of the process; the lock keeps transactions apart.
            self._connection = sqlite3.connect(
                self.path,
                timeout=busy_seconds,
                isolation_level=None,
                check_same_thread=False,
            )
        try:
            self._open(found)
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """Close the file; the last process to do so folds the write-ahead log into it."""
        with self._lock:
            self._connection.close()

    def _open(self, found: FileId | None) -> None:
        if not self._is_arena():
            self._connection.close()
            kept = keep_aside(self.path, found)
            raise BadFile(
                f"{shown(self.path)} is not an arena; it is kept as {printable(kept.name)}, "
                "and the next command opens a fresh arena"
            )
        self._use_write_ahead_log()
        for pragma in (
            "synchronous = FULL",
            "foreign_keys = ON",
            "trusted_schema = OFF",
        ):
            self.execute(f"PRAGMA {pragma}")
        self._migrate()

    def _is_arena(self) -> bool:
        """Whether the file is an arena or still empty; False only if it is certainly neither."""
        try:
            self._connection.execute("BEGIN")  # one snapshot for all three
            application_id = self._connection.execute("PRAGMA application_id").fetchone()[0]
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            n_tables = self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
            self._connection.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
                return False
            raise self._translate(error) from error
        if application_id == APPLICATION_ID and version > len(MIGRATIONS):
            raise BadFile(
                f"{shown(self.path)} was written by a newer bandits (format {version}, this one "
                f"knows {len(MIGRATIONS)}); upgrade bandits to open it"
            )
        return application_id == APPLICATION_ID or (
            application_id,
            version,
            n_tables,
        ) == (0, 0, 0)

    def _use_write_ahead_log(self) -> None:
        deadline = time.monotonic() + self._busy_seconds
        while True:  # switching a new file over does not always wait for another process by itself
            try:
                self._connection.execute("PRAGMA journal_mode = WAL").fetchone()
                return
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > deadline:
                    raise self._translate(error) from error
                time.sleep(0.01)

    def _migrate(self) -> None:
        if self.row("PRAGMA user_version")[0] == len(MIGRATIONS):
            return
        with self.transaction():
            done = self.row("PRAGMA user_version")[0]  # another process may have been first
            for step in MIGRATIONS[done:]:
                for statement in step:
                    self.execute(statement)
            if done < len(MIGRATIONS):
                self.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                self.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

    # Transactions and errors

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the write lock: everything inside is stored, or nothing is."""
        with self._lock, self._translated():
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    with suppress(sqlite3.Error):
                        self._connection.execute("ROLLBACK")
                raise

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        """Run one statement; a change belongs inside `transaction()`."""
        with self._translated():
            return self._connection.execute(sql, values)

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        with self._lock, self._translated():
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> tuple[Any, ...]:
        """Return the first row of a query, or ()."""
        rows = self.rows(sql, *values)
        return rows[0] if rows else ()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (
            sqlite3.ProgrammingError,
            sqlite3.InterfaceError,
            sqlite3.IntegrityError,
        ):
            raise  # a defect of ours, not of the disk
        except sqlite3.Error as error:
            raise self._translate(error) from error

    def _translate(self, error: sqlite3.Error) -> BanditsError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        place = shown(self.path)
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return StoreError(f"{place} is locked by another bandits; nothing was saved, try again")
        starved = code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
        if code == sqlite3.SQLITE_FULL or (starved and _is_full(self.path.parent)):
            return StoreError(
                f"no space left for {place}; nothing was saved, free some and try again"
            )
        if code in (
            sqlite3.SQLITE_CORRUPT,
            sqlite3.SQLITE_NOTADB,
            sqlite3.SQLITE_FORMAT,
        ):
            return BadFile(
                f"{place} is damaged ({error}); move it away to begin a fresh arena, or set "
                "BANDITS_HOME to another folder"
            )
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM) or not _is_writable(self.path):
            return StoreError(
                f"{place} is read-only; set BANDITS_HOME to a folder you may write to"
            )
        return StoreError(
            f"{place} could not be used ({error}); set BANDITS_HOME to another folder"
        )


def _make_folder(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise StoreError(
            f"{shown(home)} is not a folder; set BANDITS_HOME to one for the arena"
        ) from None
    except OSError as error:
        raise StoreError(
            f"{shown(home)} cannot be the arena's folder ({error.strerror}); set BANDITS_HOME to "
            "a folder you may write to"
        ) from error


def _check_regular(path: Path) -> FileId | None:
    if path.exists() and not path.is_file():
        raise StoreError(f"{shown(path)} is not a file; set BANDITS_HOME to another folder")
    return file_id(path)


def _is_full(folder: Path) -> bool:
    try:
        disk = os.statvfs(folder)
    except (OSError, AttributeError):  # no statvfs on Windows
        return False
    return disk.f_blocks > 0 and disk.f_bavail * disk.f_frsize < 1 << 16


def _is_writable(path: Path) -> bool:
    return os.access(path.parent, os.W_OK) and (not path.exists() or os.access(path, os.W_OK))


def shown(path: Path) -> str:
    """Return a path as it may be printed."""
    return printable(str(path), 200)
