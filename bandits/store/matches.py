"""The arena's rows of battles: what was decided, and how both agents stood before it."""

from __future__ import annotations

import json
from typing import Any

from bandits.errors import UnknownName
from bandits.store.database import Database
from bandits.store.rows import AgentRow, MatchRow

_SELECT = f"SELECT {', '.join(MatchRow.__slots__)} FROM matches"


class MatchTable:
    """The battles of an open arena.db."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def insert(
        self,
        a: AgentRow,
        b: AgentRow,
        *,
        ruleset: int,
        dataset_name: str,
        winner: str | None,
        outcome: dict[str, Any],
        starts: dict[str, dict[str, Any]] | None = None,
    ) -> int:
        """Record a battle and count it for both agents; return its number."""
        cursor = self._database.execute(
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
        for agent, corner in ((a, "a"), (b, "b")):
            column = "draws" if winner is None else "wins" if winner == corner else "losses"
            self._database.execute(
                f"UPDATE agents SET {column} = {column} + 1 WHERE id = ?", agent.id
            )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def all(self) -> list[MatchRow]:
        """Return every battle, oldest first."""
        return [_match_row(row) for row in self._database.rows(f"{_SELECT} ORDER BY id")]

    def latest(self) -> int | None:
        """Return the number of the latest battle, or None."""
        (latest,) = self._database.row("SELECT max(id) FROM matches")
        return latest if latest is None else int(latest)

    def row(self, match_id: int) -> MatchRow:
        """Return one battle.  Raises UnknownName."""
        row = self._database.row(f"{_SELECT} WHERE id = ?", match_id)
        if not row:
            (n,) = self._database.row("SELECT count(*) FROM matches")
            raise UnknownName(f"no match {match_id}; {n or 'none'} recorded here")
        return _match_row(row)


def _match_row(row: tuple[Any, ...]) -> MatchRow:
    values = dict(zip(MatchRow.__slots__, row, strict=True))
    for column in ("outcome", "starts"):
        values[column] = None if values[column] is None else json.loads(values[column])
    return MatchRow(**values)
