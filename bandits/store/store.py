"""What one arena.db holds: agents and matches, as tables of their own; datasets, scores, what is current.

Every change happens inside `Store.transaction()`, which takes the write lock, is as short as a few
statements, and leaves the old or the new state whatever kills the process.
"""

from __future__ import annotations

import json
import zlib
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from bandits.errors import BadFile
from bandits.store.agents import AgentTable
from bandits.store.database import Database, shown
from bandits.store.matches import MatchTable

MAX_TEXT_BYTES = 1 << 30  # of one dataset, unpacked


class Store:
    """An open arena.db.  Raises StoreError or BadFile for a file it cannot use."""

    def __init__(self, home: Path, *, busy_seconds: float = 5.0) -> None:
        self.database = Database(home, busy_seconds=busy_seconds)
        self.agents = AgentTable(self.database)
        self.matches = MatchTable(self.database)

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    def transaction(self) -> AbstractContextManager[None]:
        """Hold the write lock: everything inside is stored, or nothing is."""
        return self.database.transaction()

    def datasets(self) -> list[tuple[str, str]]:
        """Return (name, sha256) of the players' own datasets, by name."""
        rows = self.database.rows("SELECT name, sha256 FROM datasets ORDER BY name")
        return [(name, sha256) for name, sha256 in rows]

    def insert_dataset(self, name: str, sha256: str, documents: tuple[str, ...]) -> None:
        """Keep a copy of a dataset's documents."""
        packed = zlib.compress("\n".join(documents).encode(), 6)
        self.database.execute("INSERT INTO datasets VALUES (?, ?, ?)", sha256, name, packed)

    def documents(self, sha256: str) -> list[str]:
        """Return a dataset's documents in file order.  Raises BadFile if the copy is damaged."""
        (packed,) = self.database.row("SELECT texts FROM datasets WHERE sha256 = ?", sha256)
        unpacker = zlib.decompressobj()
        try:
            text = unpacker.decompress(packed, MAX_TEXT_BYTES).decode()
        except (zlib.error, UnicodeDecodeError):
            raise BadFile(
                f"{shown(self.database.path)} holds a damaged dataset {sha256[:12]}"
            ) from None
        return text.split("\n")

    def score(self, key: tuple[str, str, float, int]) -> dict[str, Any] | None:
        """Return the cached judgement of (model, dataset, temperature, ruleset), or None."""
        row = self.database.row(
            "SELECT judgement FROM scores WHERE model_sha256 = ? AND dataset_sha256 = ?"
            " AND temperature = ? AND ruleset = ?",
            *key,
        )
        return json.loads(row[0]) if row else None

    def put_score(self, key: tuple[str, str, float, int], judgement: dict[str, Any]) -> None:
        """Cache a judgement, and drop those of weights that no agent has any more."""
        self.database.execute(
            "INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?, ?)",
            *key,
            json.dumps(judgement),
        )
        self.database.execute(
            "DELETE FROM scores WHERE model_sha256 NOT IN (SELECT model_sha256 FROM agents)"
        )

    def is_verified(self, record_sha256: str) -> bool:
        """Whether this record (`AgentState.record_sha256`) has been retrained here and was true."""
        return bool(
            self.database.row("SELECT 1 FROM verified WHERE record_sha256 = ?", record_sha256)
        )

    def put_verified(self, record_sha256: str) -> None:
        """Remember that this record is true."""
        self.database.execute("INSERT OR IGNORE INTO verified VALUES (?)", record_sha256)

    def meta(self, key: str) -> str | None:
        """Return what is kept under a key, or None."""
        row = self.database.row("SELECT value FROM meta WHERE key = ?", key)
        return row[0] if row else None

    def set_meta(self, key: str, value: str | None) -> None:
        """Keep a text under a key; None forgets it."""
        if value is None:
            self.database.execute("DELETE FROM meta WHERE key = ?", key)
        else:
            self.database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", key, value)
