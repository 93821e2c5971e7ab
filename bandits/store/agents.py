"""The arena's rows of agents, with their arrays and the ledger of what each has spent.

A row's `version` notices another process that changed the same agent meanwhile.  This module knows rows
and bytes, not models; changes belong inside `Database.transaction()`.
"""

from __future__ import annotations

import json
from typing import Any

from bandits.errors import (
    BadFile,
    BanditsError,
    InvalidValue,
    StoreError,
    UnknownName,
    did_you_mean,
    printable,
)
from bandits.model.energy import Energy
from bandits.store.database import Database, shown
from bandits.store.rows import AgentRow, PackedState

_AGENT_COLUMNS = (
    "agents.id, name, version, dataset_sha256, model_sha256, metadata, energy, loss, "
    "wins, draws, losses, mu, sigma, unverified"
)


class DamagedAgent(BadFile):
    """An agent's row cannot be read."""


class NoAgent(UnknownName):
    """No agent has this name; others are there."""


class NameTaken(InvalidValue):
    """An agent has this name already."""


class AgentTable:
    """The agents of an open arena.db."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[AgentRow]:
        """Return all rows of the roster, oldest first."""
        rows = self._database.rows(f"SELECT {_AGENT_COLUMNS} FROM agents ORDER BY agents.id")
        return [self._record(row) for row in rows]

    def names(self) -> list[str]:
        """Return the names of the roster, oldest first."""
        return [name for (name,) in self._database.rows("SELECT name FROM agents ORDER BY id")]

    def row(self, name: str) -> AgentRow:
        """Return one row.  Raises UnknownName with the nearest name."""
        row = self._database.row(f"SELECT {_AGENT_COLUMNS} FROM agents WHERE name = ?", name)
        return self._record(row) if row else self._no_agent(name)

    def name_of(self, agent_id: int) -> str | None:
        """Return the name of an agent, or None if there is no such agent any more."""
        row = self._database.row("SELECT name FROM agents WHERE id = ?", agent_id)
        return row[0] if row else None

    def ids(self) -> list[int]:
        """Return the numbers of the roster, oldest first."""
        return [
            agent_id for (agent_id,) in self._database.rows("SELECT id FROM agents ORDER BY id")
        ]

    def with_arrays(self, name: str) -> tuple[AgentRow, bytes]:
        """Return one row and its arrays, of the same version.  Raises UnknownName."""
        row = self._database.row(
            f"SELECT {_AGENT_COLUMNS}, arrays FROM agents JOIN agent_arrays ON agent_id = agents.id "
            "WHERE name = ?",
            name,
        )
        return (self._record(row[:-1]), row[-1]) if row else self._no_agent(name)

    def _record(self, row: tuple[Any, ...]) -> AgentRow:
        values = dict(zip(AgentRow.__slots__, row, strict=True))
        try:
            values["metadata"] = json.loads(values["metadata"])
            values["energy"] = Energy.from_dict(json.loads(values["energy"]))
            values["unverified"] = bool(values["unverified"])
        except (ValueError, TypeError, BanditsError):
            name = printable(values["name"], 40)
            raise DamagedAgent(
                f"agent '{name}' in {shown(self._database.path)} is damaged"
            ) from None
        return AgentRow(**values)

    def _no_agent(self, name: str) -> Any:
        shown_name, known = printable(name, 40), self.names()
        if not known:
            raise UnknownName(f"no agent '{shown_name}'; there are none yet")
        raise NoAgent(f"no agent '{shown_name}'{did_you_mean(name, known)}")

    def insert(
        self,
        name: str,
        state: PackedState,
        energy: Energy,
        *,
        command: str,
        mu: float,
        sigma: float,
        unverified: bool = False,
    ) -> int:
        """Add an agent and enter its energy in the ledger.  Raises InvalidValue if the name is taken."""
        self.check_name_is_free(name)
        cursor = self._database.execute(
            "INSERT INTO agents (name, dataset_sha256, model_sha256, metadata, energy, loss, mu, sigma,"
            " unverified) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            name,
            state.dataset_sha256,
            state.model_sha256,
            json.dumps(state.metadata),
            json.dumps(Energy().as_dict()),
            state.loss,
            mu,
            sigma,
            unverified,
        )
        agent_id = cursor.lastrowid
        assert agent_id is not None
        self._database.execute("INSERT INTO agent_arrays VALUES (?, ?)", agent_id, state.arrays)
        self.charge(agent_id, energy, command=command)
        return agent_id

    def check_name_is_free(self, name: str) -> None:
        """Raise InvalidValue if an agent has this name."""
        if self._database.row("SELECT 1 FROM agents WHERE name = ?", name):
            raise NameTaken(f"agent name '{printable(name, 40)}' is taken")

    def update(self, row: AgentRow, state: PackedState, spent: Energy, *, command: str) -> None:
        """Replace what an agent has learned and charge it.  Raises StoreError if it has changed."""
        self.update_metadata(row, state.metadata)
        self._database.execute(
            "UPDATE agents SET model_sha256 = ?, loss = ? WHERE id = ?",
            state.model_sha256,
            state.loss,
            row.id,
        )
        self._database.execute(
            "UPDATE agent_arrays SET arrays = ? WHERE agent_id = ?",
            state.arrays,
            row.id,
        )
        self.charge(row.id, spent, command=command)

    def update_metadata(self, row: AgentRow, metadata: dict[str, Any]) -> None:
        """Replace an agent's plain data.  Raises StoreError if it has changed since it was read."""
        cursor = self._database.execute(
            "UPDATE agents SET metadata = ?, version = version + 1 WHERE id = ? AND version = ?",
            json.dumps(metadata),
            row.id,
            row.version,
        )
        if not cursor.rowcount:
            raise StoreError(
                f"agent '{row.name}' was changed by another bandits meanwhile; "
                "nothing was saved, try again"
            )

    def charge(self, agent_id: int, spent: Energy, *, command: str) -> None:
        """Add what a command spent to an agent and to the ledger.

        It adds to what the row holds now, so charges of two processes add up and never conflict.
        """
        if not spent.total:
            return
        row = self._database.row("SELECT energy FROM agents WHERE id = ?", agent_id)
        if not row:
            raise StoreError(
                "the agent was deleted by another bandits meanwhile; nothing was saved"
            )
        total = Energy.from_dict(json.loads(row[0])) + spent
        self._database.execute(
            "UPDATE agents SET energy = ? WHERE id = ?",
            json.dumps(total.as_dict()),
            agent_id,
        )
        self._database.execute(
            "INSERT INTO ledger (agent_id, command, energy) VALUES (?, ?, ?)",
            agent_id,
            command,
            json.dumps(spent.as_dict()),
        )

    def ledger(self, agent_id: int) -> list[tuple[str, Energy]]:
        """Return what each command spent, oldest first; it sums to the agent's energy."""
        rows = self._database.rows(
            "SELECT command, energy FROM ledger WHERE agent_id = ? ORDER BY id",
            agent_id,
        )
        return [(command, Energy.from_dict(json.loads(energy))) for command, energy in rows]

    def rename(self, old: str, new: str) -> None:
        """Give an agent another name.  Raises UnknownName, InvalidValue if the name is taken."""
        row = self.row(old)
        if new != old:
            self.check_name_is_free(new)
        self._database.execute("UPDATE agents SET name = ? WHERE id = ?", new, row.id)

    def delete(self, name: str) -> int:
        """Remove an agent with its arrays and ledger, and return its number; its matches keep its name.

        Raises: UnknownName.
        """
        row = self._database.row(
            "SELECT id FROM agents WHERE name = ?", name
        )  # even one that is damaged
        if not row:
            self._no_agent(name)
        self._database.execute("DELETE FROM agents WHERE id = ?", row[0])
        return int(row[0])

    def set_rating(self, agent_id: int, mu: float, sigma: float) -> None:
        """Write an agent's rating."""
        self._database.execute(
            "UPDATE agents SET mu = ?, sigma = ? WHERE id = ?", mu, sigma, agent_id
        )

    def set_verified(self, agent_id: int) -> None:
        """Take the mark from an agent that came from a file."""
        self._database.execute("UPDATE agents SET unverified = 0 WHERE id = ?", agent_id)
