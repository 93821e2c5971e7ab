"""Backprop Bandits: The Gradient Arena.  Create, train, battle and optimise miniature GPTs.

The library: `GPTConfig`, `Settings`, `GPT`, `Dataset`, `Agent` and `Arena`.  The game: `bandits`.
Each is imported when it is first asked for, so `import bandits` and `bandits --version` are quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from bandits.version import __version__

if TYPE_CHECKING:
    from bandits.agent.agent import Agent
    from bandits.arena.arena import Arena
    from bandits.datasets import Dataset
    from bandits.model.config import GPTConfig
    from bandits.model.gpt import GPT
    from bandits.model.settings import Settings

__all__ = ["GPT", "Agent", "Arena", "Dataset", "GPTConfig", "Settings", "__version__"]

_HOMES = {
    "Agent": "agent.agent",
    "Arena": "arena.arena",
    "Dataset": "datasets",
    "GPT": "model.gpt",
    "GPTConfig": "model.config",
    "Settings": "model.settings",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'bandits' has no attribute '{name}'")
    value: object = getattr(import_module(f"bandits.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
