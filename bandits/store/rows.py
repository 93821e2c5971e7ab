"""The rows of arena.db as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bandits.model.energy import Energy


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedState:
    """What an agent has learned, as it is written: small plain data, and its arrays as bytes."""

    metadata: dict[str, Any]
    dataset_sha256: str
    model_sha256: str
    loss: float | None
    arrays: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    """One agent's row without its arrays; `version` is the state that was read."""

    id: int
    name: str
    version: int
    dataset_sha256: str
    model_sha256: str
    metadata: dict[str, Any]
    energy: Energy
    loss: float | None
    wins: int
    draws: int
    losses: int
    mu: float
    sigma: float
    unverified: bool  # as a file had it, and nobody here has retrained it


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRow:
    """One battle's row; starts: by corner, `AgentState.metadata()` before it, or None before format 2."""

    id: int
    ruleset: int
    dataset_name: str
    dataset_sha256: str
    a_name: str
    b_name: str
    winner: str | None
    outcome: dict[str, Any]
    starts: dict[str, dict[str, Any]] | None
