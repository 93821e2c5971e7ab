"""The tables of arena.db, as a list of steps from an empty file to the newest format.

A released step is never edited: a new format is a new step at the end of `MIGRATIONS`, and the
number of steps that a file has been through is its `user_version`.  Energies are JSON text, because
a count of operations may outgrow SQLite's 64-bit integers.
"""

from __future__ import annotations

APPLICATION_ID = 0x42414E44  # "BAND", in the header of every arena.db

_FORMAT_1 = (
    """
    CREATE TABLE agents (
        id             INTEGER PRIMARY KEY AUTOINCREMENT,  -- never reused: a deleted agent stays gone
        name           TEXT NOT NULL UNIQUE,
        version        INTEGER NOT NULL DEFAULT 1,  -- counts changes of state, to notice another process
        dataset_sha256 TEXT NOT NULL,
        model_sha256   TEXT NOT NULL,               -- sizes and weights: the key of a cached score
        metadata       TEXT NOT NULL,               -- AgentState.metadata() as JSON
        energy         TEXT NOT NULL,               -- the lineage's, as JSON; always the ledger's sum
        loss           REAL,
        wins           INTEGER NOT NULL DEFAULT 0,
        draws          INTEGER NOT NULL DEFAULT 0,
        losses         INTEGER NOT NULL DEFAULT 0,
        mu             REAL NOT NULL,
        sigma          REAL NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE agent_arrays (  -- apart from agents, so that small changes do not rewrite them
        agent_id INTEGER PRIMARY KEY REFERENCES agents (id) ON DELETE CASCADE,
        arrays   BLOB NOT NULL   -- safetensors
    ) STRICT
    """,
    """
    CREATE TABLE ledger (
        id       INTEGER PRIMARY KEY,
        agent_id INTEGER NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
        command  TEXT NOT NULL,
        energy   TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX ledger_by_agent ON ledger (agent_id)",
    """
    CREATE TABLE matches (
        id             INTEGER PRIMARY KEY AUTOINCREMENT,
        ruleset        INTEGER NOT NULL,
        dataset_name   TEXT NOT NULL,
        dataset_sha256 TEXT NOT NULL,
        a_id           INTEGER REFERENCES agents (id) ON DELETE SET NULL,
        b_id           INTEGER REFERENCES agents (id) ON DELETE SET NULL,
        a_name         TEXT NOT NULL,               -- as they were called then
        b_name         TEXT NOT NULL,
        winner         TEXT CHECK (winner IN ('a', 'b')),
        outcome        TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX matches_by_a ON matches (a_id)",
    "CREATE INDEX matches_by_b ON matches (b_id)",
    """
    CREATE TABLE datasets (  -- the players' own texts; built-in ones are in the package
        sha256 TEXT PRIMARY KEY,
        name   TEXT NOT NULL UNIQUE,
        texts  BLOB NOT NULL     -- zlib, documents joined by newlines, UTF-8
    ) STRICT
    """,
    """
    CREATE TABLE scores (  -- a cache: what the arena's judge found for these weights
        model_sha256   TEXT NOT NULL,
        dataset_sha256 TEXT NOT NULL,
        temperature    REAL NOT NULL,
        ruleset        INTEGER NOT NULL,
        judgement      TEXT NOT NULL,
        PRIMARY KEY (model_sha256, dataset_sha256, temperature, ruleset)
    ) STRICT
    """,
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
)

_FORMAT_2 = (  # courses: agents and matches that can be replayed
    # What an agent was trained with before is not known; a row that is damaged stays for delete_agent.
    """
    UPDATE agents SET metadata =
        json_set(metadata, '$.course', json('{"arithmetic": 0, "segments": []}'))
    WHERE json_valid(metadata)
    """,
    "ALTER TABLE agents ADD COLUMN unverified INTEGER NOT NULL DEFAULT 0",  # 1: as a file had it
    "UPDATE agents SET unverified = 1 WHERE id IN (SELECT agent_id FROM ledger WHERE command = 'load')",
    "CREATE TABLE verified (record_sha256 TEXT PRIMARY KEY) STRICT",  # AgentState.record_sha256()
    "ALTER TABLE matches ADD COLUMN starts TEXT",  # both agents as they were before it, as JSON
)

_FORMAT_3 = ()  # courses leave out what is at its default: bandits of format 2 would call that damage

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FORMAT_1, _FORMAT_2, _FORMAT_3)
