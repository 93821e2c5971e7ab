"""What to type: complete commands with an agent's own numbers.

tests/health/test_remedies.py tries the cures.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import count

from bandits.agent.agent import Agent
from bandits.model.config import GPTConfig
from bandits.model.settings import Settings

# The best of 0.001, 0.003, 0.01 and 0.03 for agents of 8/1 to 64/1 on names, by the widest that it suits;
# beyond 64 by extension.
SAFE_RATES = ((16, 0.01), (128, 0.003), (1024, 0.001))
DEFAULT_STEPS = 1000  # of microGPT's own run
PASSES = 2  # over few documents: as many as can be learned from without learning them by heart


@dataclass(frozen=True, slots=True)
class Remedy:
    """Why, in a few words, and what to type next: commands that `;` separates."""

    why: str
    next: str


class Remedies:
    """The remedies for one agent; `name` is what the arena calls it, `taken` what others are called."""

    def __init__(self, agent: Agent, name: str, taken: Collection[str]) -> None:
        self._agent = agent
        self._name, self._new_name = name, _free_name(name, taken)
        self._settings, self._config = agent.settings, agent.config
        self._rate = agent.settings.learning_rate
        self._safe = next(rate for widest, rate in SAFE_RATES if agent.config.n_embd <= widest)

    def start_again(
        self, why: str = "it will not recover; a new one of its size, slower"
    ) -> Remedy:
        """Training has spoiled it: a new one of its shape at a lower learning rate."""
        return Remedy(why, self._new(self._config.n_embd, self._config.n_layer, self._lower()))

    def slower(self, why: str = "the steps are too large") -> Remedy:
        """A lower learning rate; a new agent where the old one is beyond help."""
        agent = self._agent
        if agent.diverged or (agent.n_steps and self._rate > Settings().learning_rate):
            return self.start_again()
        return Remedy(why, self._config_rate(self._lower()) + self._train_on())

    def gentler(self) -> Remedy:
        """Units and heads do not come back, so a new one at a third of the rate."""
        if self._rate > self._safe:
            return self.start_again(
                "units and heads do not come back; a new one of its size, slower"
            )
        rate = float(f"{self._rate * 0.3:.1g}")
        command = self._new(self._config.n_embd, self._config.n_layer, rate)
        return Remedy("units and heads do not come back; a new one at a third of the rate", command)

    def faster(self) -> Remedy:
        """A higher learning rate."""
        rate = self._safe if self._rate < self._safe else self._rate * 3
        return Remedy("it hardly learns", self._config_rate(rate) + self._train_on())

    def other_rate(self) -> Remedy:
        """For a loss that never fell: up from below the rate that suits its width, down from above it."""
        return self.faster() if self._rate < self._safe else self.slower()

    def clip(self) -> Remedy:
        """Bounded gradients, for those that explode at an ordinary learning rate."""
        if self._rate > self._safe or self._settings.grad_clip:
            return self.slower()
        why = "now and then a step is too large"
        return Remedy(why, f"config grad_clip 1 --agent {self._name}{self._train_on()}")

    def shallower(self) -> Remedy:
        """Fewer layers for the gradient to pass; a new one where there is just one."""
        n_layer = self._config.n_layer
        if n_layer == 1:
            return self.start_again("the gradient is lost on the way; a new one of its size")
        return Remedy(
            "the gradient is lost on the way; fewer layers",
            self._new(self._config.n_embd, max(1, n_layer // 2), self._rate),
        )

    def longer(self) -> Remedy:
        """A later horizon."""
        n_steps = self._agent.n_steps
        horizon = max(2 * self._settings.horizon, n_steps + 1)
        train = f"train {horizon - n_steps} {self._name}"
        why = "its learning rate is 0: train it under a longer schedule, or leave it as it is"
        return Remedy(why, f"config horizon {horizon} --agent {self._name}; {train}")

    def smaller(self) -> Remedy:
        """Fewer weights, and fewer passes over so few documents."""
        c, n_train = self._config, len(self._agent.dataset.train)
        n_head = max(h for h in range(1, c.n_head + 1) if c.n_embd % (2 * h) == 0 or h == 1)
        n_embd = max(n_head, c.n_embd // 2) if c.n_embd % 2 == 0 else c.n_embd
        n_steps = max(1, min(DEFAULT_STEPS, PASSES * n_train))
        return Remedy(
            f"too many weights or passes for {n_train:,} documents; fewer of both, or more text",
            self._new(n_embd, 1, min(self._rate, self._safe), n_head=n_head, n_steps=n_steps),
        )

    def _lower(self) -> float:
        return self._safe if self._rate > self._safe else float(f"{self._rate / 10:.1g}")

    def _config_rate(self, rate: float) -> str:
        return f"config learning_rate {rate:g} --agent {self._name}"

    def _train_on(self) -> str:
        """Return the command that trains to the end of the schedule, moved on first if it has passed."""
        settings, n_steps = self._settings, self._agent.n_steps
        left = settings.steps_left(n_steps)
        if left is None or left > 0:
            return f"; train {min(left or DEFAULT_STEPS, DEFAULT_STEPS)} {self._name}"
        horizon = n_steps + DEFAULT_STEPS
        return (
            f"; config horizon {horizon} --agent {self._name}; train {DEFAULT_STEPS} {self._name}"
        )

    def _new(
        self,
        n_embd: int,
        n_layer: int,
        rate: float,
        *,
        n_head: int | None = None,
        n_steps: int = DEFAULT_STEPS,
    ) -> str:
        """Return the commands that make and train an agent of other sizes on the current dataset."""
        name, block_size = self._new_name, self._config.block_size
        size = f"create_agent {name} {n_embd} {n_layer} {n_head or self._config.n_head}"
        if block_size != GPTConfig().block_size:
            size += f" --block-size {block_size}"
        commands = [size]
        if rate != Settings().learning_rate:
            commands.append(f"config learning_rate {rate:g} --agent {name}")
        return "; ".join([*commands, f"train {n_steps} {name}"])


def _free_name(name: str, taken: Collection[str]) -> str:
    """Return the name with the lowest number from 2 on behind it that is not taken: A2, Ada3."""
    stem = (name.rstrip("0123456789") or name)[:28]
    return next(new for n in count(2) if (new := f"{stem}{n}") not in taken)
