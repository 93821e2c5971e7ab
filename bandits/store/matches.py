"""The arena's rows of battles: what was decided, and how both agents stood before it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bandits.errors import UnknownName
from bandits.store.database import Database
from bandits.store.rows import MatchRecord

if TYPE_CHECKING:
    from bandits.store.rows import AgentRecord


class MatchRows(Database):
    """The battles of an open arena.db."""

    def insert_match(
        self,
        a: AgentRecord,
        b: AgentRecord,
        *,
        ruleset: int,
        dataset_name: str,
        winner: str | None,
        outcome: dict[str, Any],
        starts: dict[str, dict[str, Any]] | None = None,
    ) -> int:
        """Record a battle and count it for both agents; return its number."""
        cursor = self.execute(
            "INSERT INTO matches (ruleset, dataset_name, dataset_sha256, a_id, b_id, a_name, b_name,"
            " winner, outcome, starts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            ruleset,
            dataset_name,
            a.dataset_sha256,
            a.id,
            b.id,
            a.name,
            b.name,
            winner,
            json.dumps(outcome),
            None if starts is None else json.dumps(starts),
        )
        for record, corner in ((a, "a"), (b, "b")):
            column = "draws" if winner is None else "wins" if winner == corner else "losses"
            self.execute(f"UPDATE agents SET {column} = {column} + 1 WHERE id = ?", record.id)
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def matches(
        self,
    ) -> list[tuple[int, int, str, str, str, str | None, dict[str, Any]]]:
        """Return (id, ruleset, dataset, name a, name b, winner, outcome) of all battles, oldest first."""
        rows = self.rows(
            "SELECT id, ruleset, dataset_name, a_name, b_name, winner, outcome FROM matches ORDER BY id"
        )
        return [(*row[:-1], json.loads(row[-1])) for row in rows]

    def latest_match(self) -> int | None:
        """Return the number of the latest battle, or None."""
        (latest,) = self.row("SELECT max(id) FROM matches")
        return latest if latest is None else int(latest)

    def match(self, match_id: int) -> MatchRecord:
        """Return one battle.  Raises UnknownName."""
        columns = ", ".join(MatchRecord.__slots__)
        row = self.row(f"SELECT {columns} FROM matches WHERE id = ?", match_id)
        if not row:
            (n,) = self.row("SELECT count(*) FROM matches")
            raise UnknownName(f"no match {match_id}; {n or 'none'} recorded here")
        *plain, outcome, starts = row
        values = dict(zip(MatchRecord.__slots__, plain, strict=False))
        return MatchRecord(
            **values,
            outcome=json.loads(outcome),
            starts=None if starts is None else json.loads(starts),
        )
