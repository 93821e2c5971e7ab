"""The arena's rows: agents, matches, the energy ledger, datasets and cached scores.

Every change happens inside `Store.transaction()`, which takes the write lock, is as short as a few
statements, and leaves the old or the new state whatever kills the process.  A row's `version`
notices another process that changed the same agent meanwhile.  This module knows rows and bytes,
not models.
"""

from __future__ import annotations

import json
import zlib
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
from bandits.store.database import shown
from bandits.store.matches import MatchRows
from bandits.store.rows import AgentRecord, StoredState

MAX_TEXT_BYTES = 1 << 30  # of one dataset, unpacked
_AGENT_COLUMNS = (
    "agents.id, name, version, dataset_sha256, model_sha256, metadata, energy, loss, "
    "wins, draws, losses, mu, sigma, unverified"
)


class Store(MatchRows):
    """An open arena.db and its rows.  Raises StoreError or BadFile for a file it cannot use."""

    def agents(self) -> list[AgentRecord]:
        """Return all rows of the roster, oldest first."""
        rows = self.rows(f"SELECT {_AGENT_COLUMNS} FROM agents ORDER BY agents.id")
        return [self._record(row) for row in rows]

    def agent_names(self) -> list[str]:
        """Return the names of the roster, oldest first."""
        return [name for (name,) in self.rows("SELECT name FROM agents ORDER BY id")]

    def agent(self, name: str) -> AgentRecord:
        """Return one row.  Raises UnknownName with the nearest name."""
        row = self.row(f"SELECT {_AGENT_COLUMNS} FROM agents WHERE name = ?", name)
        return self._record(row) if row else self._no_agent(name)

    def agent_name(self, agent_id: int) -> str | None:
        """Return the name of an agent, or None if there is no such agent any more."""
        row = self.row("SELECT name FROM agents WHERE id = ?", agent_id)
        return row[0] if row else None

    def agent_ids(self) -> list[int]:
        """Return the numbers of the roster, oldest first."""
        return [agent_id for (agent_id,) in self.rows("SELECT id FROM agents ORDER BY id")]

    def agent_with_arrays(self, name: str) -> tuple[AgentRecord, bytes]:
        """Return one row and its arrays, of the same version.  Raises UnknownName."""
        row = self.row(
            f"SELECT {_AGENT_COLUMNS}, arrays FROM agents JOIN agent_arrays ON agent_id = agents.id "
            "WHERE name = ?",
            name,
        )
        return (self._record(row[:-1]), row[-1]) if row else self._no_agent(name)

    def _record(self, row: tuple[Any, ...]) -> AgentRecord:
        values = dict(zip(AgentRecord.__slots__, row, strict=True))
        try:
            values["metadata"] = json.loads(values["metadata"])
            values["energy"] = Energy.from_dict(json.loads(values["energy"]))
            values["unverified"] = bool(values["unverified"])
        except (ValueError, TypeError, BanditsError):
            raise BadFile(
                f"agent '{printable(values['name'], 40)}' in {shown(self.path)} is damaged; "
                "delete_agent removes it"
            ) from None
        return AgentRecord(**values)

    def _no_agent(self, name: str) -> Any:
        known = self.agent_names()
        hint = (
            did_you_mean(name, known) + " (agents lists them)" if known else "; there are none yet"
        )
        raise UnknownName(f"no agent '{printable(name, 40)}'{hint}")

    def insert_agent(
        self,
        name: str,
        state: StoredState,
        energy: Energy,
        *,
        command: str,
        mu: float,
        sigma: float,
        unverified: bool = False,
    ) -> int:
        """Add an agent and enter its energy in the ledger.  Raises InvalidValue if the name is taken."""
        self.check_name_is_free(name)
        cursor = self.execute(
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
        self.execute("INSERT INTO agent_arrays VALUES (?, ?)", agent_id, state.arrays)
        self.charge(agent_id, energy, command=command)
        return agent_id

    def check_name_is_free(self, name: str) -> None:
        """Raise InvalidValue if an agent has this name."""
        if self.row("SELECT 1 FROM agents WHERE name = ?", name):
            raise InvalidValue(
                f"agent name '{printable(name, 40)}' is taken; choose another (agents lists them)"
            )

    def update_agent(
        self, record: AgentRecord, state: StoredState, spent: Energy, *, command: str
    ) -> None:
        """Replace what an agent has learned and charge it.  Raises StoreError if it has changed."""
        self.update_metadata(record, state.metadata)
        self.execute(
            "UPDATE agents SET model_sha256 = ?, loss = ? WHERE id = ?",
            state.model_sha256,
            state.loss,
            record.id,
        )
        self.execute(
            "UPDATE agent_arrays SET arrays = ? WHERE agent_id = ?",
            state.arrays,
            record.id,
        )
        self.charge(record.id, spent, command=command)

    def update_metadata(self, record: AgentRecord, metadata: dict[str, Any]) -> None:
        """Replace an agent's plain data.  Raises StoreError if it has changed since it was read."""
        cursor = self.execute(
            "UPDATE agents SET metadata = ?, version = version + 1 WHERE id = ? AND version = ?",
            json.dumps(metadata),
            record.id,
            record.version,
        )
        if not cursor.rowcount:
            raise StoreError(
                f"agent '{record.name}' was changed by another bandits meanwhile; "
                "nothing was saved, try again"
            )

    def charge(self, agent_id: int, spent: Energy, *, command: str) -> None:
        """Add what a command spent to an agent and to the ledger.

        It adds to what the row holds now, so charges of two processes add up and never conflict.
        """
        if not spent.total:
            return
        row = self.row("SELECT energy FROM agents WHERE id = ?", agent_id)
        if not row:
            raise StoreError(
                "the agent was deleted by another bandits meanwhile; nothing was saved"
            )
        total = Energy.from_dict(json.loads(row[0])) + spent
        self.execute(
            "UPDATE agents SET energy = ? WHERE id = ?",
            json.dumps(total.as_dict()),
            agent_id,
        )
        self.execute(
            "INSERT INTO ledger (agent_id, command, energy) VALUES (?, ?, ?)",
            agent_id,
            command,
            json.dumps(spent.as_dict()),
        )

    def ledger(self, agent_id: int) -> list[tuple[str, Energy]]:
        """Return what each command spent, oldest first; it sums to the agent's energy."""
        rows = self.rows(
            "SELECT command, energy FROM ledger WHERE agent_id = ? ORDER BY id",
            agent_id,
        )
        return [(command, Energy.from_dict(json.loads(energy))) for command, energy in rows]

    def rename_agent(self, old: str, new: str) -> None:
        """Give an agent another name.  Raises UnknownName, InvalidValue if the name is taken."""
        record = self.agent(old)
        if new != old:
            self.check_name_is_free(new)
        self.execute("UPDATE agents SET name = ? WHERE id = ?", new, record.id)

    def delete_agent(self, name: str) -> int:
        """Remove an agent with its arrays and ledger, and return its number; its matches keep its name.

        Raises: UnknownName.
        """
        row = self.row("SELECT id FROM agents WHERE name = ?", name)  # even one that is damaged
        if not row:
            self._no_agent(name)
        self.execute("DELETE FROM agents WHERE id = ?", row[0])
        return int(row[0])

    def set_rating(self, agent_id: int, mu: float, sigma: float) -> None:
        """Write an agent's rating."""
        self.execute("UPDATE agents SET mu = ?, sigma = ? WHERE id = ?", mu, sigma, agent_id)

    # Datasets, cached scores, and what is current

    def datasets(self) -> list[tuple[str, str]]:
        """Return (name, sha256) of the players' own datasets, by name."""
        rows = self.rows("SELECT name, sha256 FROM datasets ORDER BY name")
        return [(name, sha256) for name, sha256 in rows]

    def insert_dataset(self, name: str, sha256: str, documents: tuple[str, ...]) -> None:
        """Keep a copy of a dataset's documents."""
        packed = zlib.compress("\n".join(documents).encode(), 6)
        self.execute("INSERT INTO datasets VALUES (?, ?, ?)", sha256, name, packed)

    def documents(self, sha256: str) -> list[str]:
        """Return a dataset's documents in file order.  Raises BadFile if the copy is damaged."""
        (packed,) = self.row("SELECT texts FROM datasets WHERE sha256 = ?", sha256)
        unpacker = zlib.decompressobj()
        try:
            text = unpacker.decompress(packed, MAX_TEXT_BYTES).decode()
        except (zlib.error, UnicodeDecodeError):
            raise BadFile(f"{shown(self.path)} holds a damaged dataset {sha256[:12]}") from None
        return text.split("\n")

    def score(self, key: tuple[str, str, float, int]) -> dict[str, Any] | None:
        """Return the cached judgement of (model, dataset, temperature, ruleset), or None."""
        row = self.row(
            "SELECT judgement FROM scores WHERE model_sha256 = ? AND dataset_sha256 = ?"
            " AND temperature = ? AND ruleset = ?",
            *key,
        )
        return json.loads(row[0]) if row else None

    def put_score(self, key: tuple[str, str, float, int], judgement: dict[str, Any]) -> None:
        """Cache a judgement, and drop those of weights that no agent has any more."""
        self.execute(
            "INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?, ?)",
            *key,
            json.dumps(judgement),
        )
        self.execute(
            "DELETE FROM scores WHERE model_sha256 NOT IN (SELECT model_sha256 FROM agents)"
        )

    def is_verified(self, record_sha256: str) -> bool:
        """Whether this record (`AgentState.record_sha256`) has been retrained here and was true."""
        return bool(self.row("SELECT 1 FROM verified WHERE record_sha256 = ?", record_sha256))

    def put_verified(self, record_sha256: str) -> None:
        """Remember that this record is true."""
        self.execute("INSERT OR IGNORE INTO verified VALUES (?)", record_sha256)

    def set_verified(self, agent_id: int) -> None:
        """Take the mark from an agent that came from a file."""
        self.execute("UPDATE agents SET unverified = 0 WHERE id = ?", agent_id)

    def meta(self, key: str) -> str | None:
        """Return what is kept under a key, or None."""
        row = self.row("SELECT value FROM meta WHERE key = ?", key)
        return row[0] if row else None

    def set_meta(self, key: str, value: str | None) -> None:
        """Keep a text under a key; None forgets it."""
        if value is None:
            self.execute("DELETE FROM meta WHERE key = ?", key)
        else:
            self.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", key, value)
