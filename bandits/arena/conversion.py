"""An agent between its live form and its row: to bytes and plain data, and back, checked."""

from __future__ import annotations

import json
import math
from hashlib import sha256
from typing import Any

import numpy as np

from bandits.agent.agent import Agent
from bandits.agent.champion import pack, unpack
from bandits.agent.state import AgentState
from bandits.arena.reports import AgentReport
from bandits.contest.leaderboard import Entry
from bandits.contest.ratings import Rating
from bandits.contest.rules import CURRENT
from bandits.errors import BanditsError
from bandits.model.config import GPTConfig
from bandits.model.energy import Energy
from bandits.model.settings import Settings
from bandits.store.agents import DamagedAgent
from bandits.store.rows import AgentRow, PackedState

ScoreKey = tuple[str, str, float, int]


def stored(agent: Agent) -> PackedState:
    """Return an agent's state as the store keeps it."""
    state = agent.state()
    return PackedState(
        metadata=state.metadata(),
        dataset_sha256=state.dataset_sha256,
        model_sha256=model_sha256(state),
        loss=finite(agent.history.mean_of_last()),
        arrays=pack(state.arrays()),
    )


def restored(record: AgentRow, arrays: bytes) -> AgentState:
    """Return the state in a row.  Raises BadFile if it is damaged."""
    # Charges write the energy column alone, so that they never conflict with training.
    metadata = {**record.metadata, "energy": record.energy.as_dict()}
    try:
        return AgentState.from_parts(metadata, unpack(arrays))
    except BanditsError as error:
        raise _damaged(record, error) from None


def score_key(of: AgentRow | PackedState) -> ScoreKey:
    """Return what a cached judgement depends on: weights, test split, temperature, rules."""
    temperature = float(of.metadata["settings"]["temperature"])
    return (of.model_sha256, of.dataset_sha256, temperature, CURRENT.number)


def settings_of(row: AgentRow) -> Settings:
    """Return how an agent trains and samples.  Raises DamagedAgent."""
    try:
        return Settings.from_dict(row.metadata["settings"])
    except (BanditsError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(row, error) from None


def _damaged(row: AgentRow, error: Exception) -> DamagedAgent:
    why = error if isinstance(error, BanditsError) else "a part is missing or of the wrong kind"
    return DamagedAgent(f"agent '{row.name}' is damaged in the arena ({why})")


def roster_row(record: AgentRow, *, current: bool, judgement: dict[str, Any] | None) -> AgentReport:
    """Return a row as the player sees it."""
    try:
        config = GPTConfig.from_dict(record.metadata["config"])
        plain = {
            key: record.metadata[key] for key in ("seed", "dataset_name", "n_steps", "diverged")
        }
    except (BanditsError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(record, error) from None
    return AgentReport(
        **plain,
        name=record.name,
        config=config,
        settings=settings_of(record),
        energy=record.energy,
        loss=record.loss,
        wins=record.wins,
        draws=record.draws,
        losses=record.losses,
        rating=Rating(record.mu, record.sigma).ordinal,
        current=current,
        bits=judgement["bits"] if judgement else None,
        score=judgement["score"] if judgement else None,
        unverified=record.unverified,
    )


def entry_of(row: AgentReport, figures: dict[str, Any]) -> Entry:
    """Return a row as it asks for a rank."""
    return Entry(
        name=row.name,
        config=row.config,
        figures=figures,
        total_flops=row.energy.total,
        wins=row.wins,
        draws=row.draws,
        losses=row.losses,
        rating=row.rating,
        unverified=row.unverified,
    )


def start_of(record: AgentRow) -> dict[str, Any]:
    """Return how an agent stands, as a match keeps it: what a replay begins with."""
    return {**record.metadata, "energy": record.energy.as_dict()}


def spent_since(before: Energy, after: Energy) -> Energy:
    """Return what was spent between two readings of one agent's energy."""
    return after - before


def finite(value: float | None) -> float | None:
    """Return the value, or None for one that JSON and SQLite cannot hold."""
    return value if value is not None and math.isfinite(value) else None


def model_sha256(state: AgentState) -> str:
    """Return the key of what a judge sees of an agent: its sizes and weights, and whether it diverged."""
    judged = {**state.config.identity(), "diverged": state.diverged}
    digest = sha256(json.dumps(judged, sort_keys=True).encode())
    for name, weights in sorted(state.weights.items()):
        digest.update(name.encode() + b"\0" + np.ascontiguousarray(weights).tobytes())
    return digest.hexdigest()
