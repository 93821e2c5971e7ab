"""An agent as a row of arena.db, to bytes and plain data, and back, checked; and what a row is asked for."""

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
from bandits.contest.leaderboard import Contestant
from bandits.contest.ratings import Rating
from bandits.contest.rules import CURRENT
from bandits.errors import BanditsError
from bandits.model.config import GPTConfig
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


def restored(row: AgentRow, arrays: bytes) -> AgentState:
    """Return the state in a row.  Raises BadFile if it is damaged."""
    # Charges write the energy column alone, so that they never conflict with training.
    metadata = {**row.metadata, "energy": row.energy.as_dict()}
    try:
        return AgentState.from_parts(metadata, unpack(arrays))
    except BanditsError as error:
        raise _damaged(row, error) from None


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


def agent_report(row: AgentRow, *, current: bool, judgement: dict[str, Any] | None) -> AgentReport:
    """Return an agent as the player sees it.  Raises DamagedAgent."""
    try:
        config = GPTConfig.from_dict(row.metadata["config"])
        plain = {key: row.metadata[key] for key in ("seed", "dataset_name", "n_steps", "diverged")}
    except (BanditsError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(row, error) from None
    return AgentReport(
        **plain,
        name=row.name,
        config=config,
        settings=settings_of(row),
        energy=row.energy,
        loss=row.loss,
        wins=row.wins,
        draws=row.draws,
        losses=row.losses,
        rating=Rating(row.mu, row.sigma).ordinal,
        current=current,
        bits=judgement["bits"] if judgement else None,
        score=judgement["score"] if judgement else None,
        unverified=row.unverified,
    )


def contestant(report: AgentReport, figures: dict[str, Any]) -> Contestant:
    """Return an agent as it asks for a rank."""
    return Contestant(
        name=report.name,
        config=report.config,
        figures=figures,
        total_flops=report.energy.total,
        wins=report.wins,
        draws=report.draws,
        losses=report.losses,
        rating=report.rating,
        unverified=report.unverified,
    )


def start_of(row: AgentRow) -> dict[str, Any]:
    """Return how an agent stands, as a match keeps it: what a replay begins with."""
    return {**row.metadata, "energy": row.energy.as_dict()}


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
