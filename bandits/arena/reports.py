"""What the arena answers with: plain frozen values, one per command, ready to draw or to dump as JSON.

Nothing here computes; a report is made by `bandits.arena` and read by the shell, a script or a notebook.
Bits are per token, energies are exact operations (`n_flops`), losses are nats per token.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from bandits.contest.battle import Outcome
    from bandits.contest.judgement import Figures
    from bandits.model.config import GPTConfig
    from bandits.model.energy import Energy
    from bandits.model.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentReport:
    """One line of the roster, read without loading the agent's weights."""

    name: str
    config: GPTConfig
    settings: Settings
    seed: int
    dataset_name: str
    n_steps: int
    energy: Energy
    loss: float | None  # mean of the last 50 training losses; None before the first step
    diverged: bool
    wins: int = 0
    draws: int = 0
    losses: int = 0
    rating: float = 0.0  # openskill's ordinal, mu - 3 sigma
    current: bool = False
    bits: float | None = None  # H as last judged with these weights and this temperature
    score: float | None = None  # None until the arena has judged these weights
    unverified: bool = False  # a file says so, and nobody here has retrained it

    def as_dict(self) -> dict[str, Any]:
        """The row as plain JSON data."""
        return {
            "name": self.name,
            "config": self.config.as_dict(),
            "settings": self.settings.as_dict(),
            "seed": self.seed,
            "dataset": self.dataset_name,
            "n_steps": self.n_steps,
            "energy": self.energy.as_dict(),
            "loss": self.loss,
            "diverged": self.diverged,
            "wins": self.wins,
            "draws": self.draws,
            "losses": self.losses,
            "rating": self.rating,
            "current": self.current,
            "bits": self.bits,
            "score": self.score,
            "unverified": self.unverified,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainReport:
    """What `train` did: `n_done` of `n_steps` steps, and what they cost."""

    name: str
    n_steps: int  # asked for
    n_done: int
    step: int  # the agent's total so far
    loss: float | None  # mean of the last 50 losses of the agent
    uniform_loss: float  # of a uniform guess
    n_flops: int  # of this call
    diverged: bool
    stopped: bool  # the player interrupted it
    losses: np.ndarray  # of this call's steps; means of equal runs of steps if there are many

    def as_dict(self) -> dict[str, Any]:
        """The report as plain JSON data, without the curve."""
        return {
            "name": self.name,
            "n_steps": self.n_steps,
            "n_done": self.n_done,
            "step": self.step,
            "loss": self.loss,
            "uniform_loss": self.uniform_loss,
            "n_flops": self.n_flops,
            "diverged": self.diverged,
            "stopped": self.stopped,
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GenerateReport:
    """What `generate` made, each document with its flags, and the score of the sample.

    `creative` is valid, unseen in train and not a repeat; `unique` is distinct and not in train.
    """

    name: str
    seed: int
    texts: tuple[str, ...]
    ended: tuple[bool, ...]
    valid: tuple[bool, ...]
    unique: tuple[bool, ...]
    creative: tuple[bool, ...]
    figures: Figures  # of exactly this sample; its creativity_low is the Wilson bound
    n_flops: int

    def as_dict(self) -> dict[str, Any]:
        """The report as plain JSON data."""
        return {
            "name": self.name,
            "seed": self.seed,
            "samples": [
                dict(
                    zip(
                        ("text", "ended", "valid", "unique", "creative"),
                        sample,
                        strict=True,
                    )
                )
                for sample in zip(
                    self.texts,
                    self.ended,
                    self.valid,
                    self.unique,
                    self.creative,
                    strict=True,
                )
            ],
            "bits": self.figures.bits,
            "perplexity": self.figures.perplexity,
            "quality": self.figures.quality,
            "creativity": self.figures.creativity,
            "creativity_low": self.figures.creativity_low,
            "uniqueness": self.figures.uniqueness,
            "validity": self.figures.validity,
            "score": self.figures.score,
            "n_flops": self.n_flops,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluateReport:
    """Bits per token and perplexity of one agent on one split, at its own temperature."""

    name: str
    split: str
    bits: float
    perplexity: float
    n_documents: int
    n_tokens: int
    n_flops: int

    def as_dict(self) -> dict[str, Any]:
        """The report as plain JSON data."""
        return {key: getattr(self, key) for key in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BattleReport:
    """A fought battle. `match_id` is None when nothing was recorded: an exhibition, or stopped."""

    match_id: int | None
    name_a: str
    name_b: str
    exhibition: bool
    outcome: Outcome

    @property
    def winner(self) -> str | None:
        """The name of the winner by score; None for a draw or a stopped battle."""
        return {"a": self.name_a, "b": self.name_b}.get(self.outcome.winner or "")

    @property
    def efficiency_winner(self) -> str | None:
        """The name of the winner by score per operation; None when neither leads."""
        return {"a": self.name_a, "b": self.name_b}.get(self.outcome.efficiency_winner or "")

    def as_dict(self) -> dict[str, Any]:
        """The report as plain JSON data."""
        return {
            "match_id": self.match_id,
            "name_a": self.name_a,
            "name_b": self.name_b,
            "exhibition": self.exhibition,
            "outcome": self.outcome.as_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchReport:
    """One recorded battle, with the names its fighters had then."""

    match_id: int
    ruleset: int
    dataset_name: str
    name_a: str
    name_b: str
    winner: str | None  # 'a', 'b' or None
    outcome: dict[str, Any] = field(repr=False)  # Outcome.as_dict() of that day
    starts: dict[str, Any] | None = field(
        repr=False, default=None
    )  # both before it, if it was kept

    def as_dict(self) -> dict[str, Any]:
        """The row as plain JSON data."""
        return {key: getattr(self, key) for key in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetReport:
    """One dataset that agents can be created on."""

    name: str
    sha256: str
    n_documents: int
    n_train: int
    n_validation: int
    n_test: int
    vocab_size: int
    n_agents: int
    built_in: bool
    current: bool

    def as_dict(self) -> dict[str, Any]:
        """The row as plain JSON data."""
        return {key: getattr(self, key) for key in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What `verify` found of an agent, a champion file or a match.

    difference: what differs first between the record and its replay, None if nothing does; step: the step
    of the agent at which it shows.  n_flops: what the replay took; nobody is charged.
    """

    kind: str  # 'agent', 'file' or 'match'
    name: str  # of the agent, or the match's number
    verified: bool
    stopped: bool  # the player interrupted it: neither verified nor refuted
    difference: str | None
    step: int | None
    n_steps: int
    n_flops: int
    seed: int | None = None
    stated: Energy | None = None  # an agent's bill; of a match, None

    def as_dict(self) -> dict[str, Any]:
        """The report as plain JSON data."""
        data = {key: getattr(self, key) for key in self.__slots__}
        return data | {"stated": self.stated.as_dict() if self.stated else None}
