"""What helps an agent, as plain data with its own numbers; a command says what to type.

tests/health/test_remedies.py tries the cures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from bandits.agent.agent import Agent
from bandits.model.config import GPTConfig
from bandits.model.settings import Settings

# The best of 0.001, 0.003, 0.01 and 0.03 for agents of 8/1 to 64/1 on names, by the widest that it suits;
# beyond 64 by extension.
SAFE_RATES = ((16, 0.01), (128, 0.003), (1024, 0.001))
DEFAULT_STEPS = 1000  # of microGPT's own run
PASSES = 2  # over few documents: as many as can be learned from without learning them by heart


@dataclass(frozen=True, slots=True)
class OtherSettings:
    """Change these settings of the agent, in this order, and train it on.

    why: what ails it, or what the change does, in a few words.
    """

    why: str
    settings: Mapping[str, float]
    n_steps: int


@dataclass(frozen=True, slots=True)
class NewAgent:
    """Make an agent of these sizes on the dataset, and train it at this learning rate."""

    why: str
    config: GPTConfig
    learning_rate: float
    n_steps: int


Remedy = OtherSettings | NewAgent


class Remedies:
    """The remedies for one agent."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._settings, self._config = agent.settings, agent.config
        self._rate = agent.settings.learning_rate
        self._safe = next(rate for widest, rate in SAFE_RATES if agent.config.n_embd <= widest)

    def start_again(
        self, why: str = "it will not recover; a new one of its size, slower"
    ) -> Remedy:
        """Training has spoiled it: a new one of its shape at a lower learning rate."""
        return NewAgent(why, self._config, self._lower(), DEFAULT_STEPS)

    def slower(self, why: str = "the steps are too large") -> Remedy:
        """A lower learning rate; a new agent where the old one is beyond help."""
        agent = self._agent
        if agent.diverged or (agent.n_steps and self._rate > Settings().learning_rate):
            return self.start_again()
        return self._train_on(why, learning_rate=self._lower())

    def gentler(self) -> Remedy:
        """Units and heads do not come back, so a new one at a third of the rate."""
        if self._rate > self._safe:
            return self.start_again(
                "units and heads do not come back; a new one of its size, slower"
            )
        why = "units and heads do not come back; a new one at a third of the rate"
        return NewAgent(why, self._config, float(f"{self._rate * 0.3:.1g}"), DEFAULT_STEPS)

    def faster(self) -> Remedy:
        """A higher learning rate."""
        rate = self._safe if self._rate < self._safe else self._rate * 3
        return self._train_on("it hardly learns", learning_rate=rate)

    def other_rate(self) -> Remedy:
        """For a loss that never fell: up from below the rate that suits its width, down from above it."""
        return self.faster() if self._rate < self._safe else self.slower()

    def clip(self) -> Remedy:
        """Bounded gradients, for those that explode at an ordinary learning rate."""
        if self._rate > self._safe or self._settings.grad_clip:
            return self.slower()
        return self._train_on("now and then a step is too large", grad_clip=1.0)

    def shallower(self) -> Remedy:
        """Fewer layers for the gradient to pass; a new one where there is just one."""
        n_layer = self._config.n_layer
        if n_layer == 1:
            return self.start_again("the gradient is lost on the way; a new one of its size")
        config = replace(self._config, n_layer=n_layer // 2)
        why = "the gradient is lost on the way; fewer layers"
        return NewAgent(why, config, self._rate, DEFAULT_STEPS)

    def longer(self) -> Remedy:
        """A later horizon."""
        n_steps = self._agent.n_steps
        horizon = max(2 * self._settings.horizon, n_steps + 1)
        why = "its learning rate is 0: train it under a longer schedule, or leave it as it is"
        return OtherSettings(why, {"horizon": horizon}, horizon - n_steps)

    def smaller(self) -> Remedy:
        """Fewer weights, and fewer passes over so few documents."""
        c, n_train = self._config, len(self._agent.dataset.train)
        n_head = max(h for h in range(1, c.n_head + 1) if c.n_embd % (2 * h) == 0 or h == 1)
        n_embd = max(n_head, c.n_embd // 2) if c.n_embd % 2 == 0 else c.n_embd
        return NewAgent(
            f"too many weights or passes for {n_train:,} documents; fewer of both, or more text",
            replace(c, n_embd=n_embd, n_layer=1, n_head=n_head),
            min(self._rate, self._safe),
            max(1, min(DEFAULT_STEPS, PASSES * n_train)),
        )

    def _lower(self) -> float:
        return self._safe if self._rate > self._safe else float(f"{self._rate / 10:.1g}")

    def _train_on(self, why: str, **changed: float) -> Remedy:
        """Train to the end of the schedule with other settings; if it has passed, it is moved on first."""
        settings, n_steps = self._settings, self._agent.n_steps
        left = settings.steps_left(n_steps)
        if left == 0:
            return OtherSettings(
                why, {**changed, "horizon": n_steps + DEFAULT_STEPS}, DEFAULT_STEPS
            )
        return OtherSettings(why, changed, min(left or DEFAULT_STEPS, DEFAULT_STEPS))
