"""Helpers of the arena's tests: what it holds, refusals that change nothing, second processes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bandits.agent.agent import Agent
from bandits.agent.champion import pack, read_champion, write_champion
from bandits.agent.history import LossHistory
from bandits.arena.arena import Arena
from bandits.datasets import Dataset
from bandits.errors import BanditsError
from bandits.model.config import GPTConfig
from bandits.model.settings import Settings
from bandits.shell.advice import in_full


def contents(agent: Agent) -> tuple[dict[str, Any], bytes]:
    state = agent.state()
    return state.metadata(), pack(state.arrays())


def everything(arena: Arena) -> list[list[tuple[Any, ...]]]:
    """All rows that a command could have changed."""
    tables = ("agents", "agent_arrays", "ledger", "matches", "datasets", "meta", "verified")
    return [arena._desk.store.database.rows(f"SELECT * FROM {table}") for table in tables]


def refusal(arena: Arena, kind: type[BanditsError], call: str, *values: Any, **options: Any) -> str:
    """The one line of a call that must fail and change nothing."""
    before = everything(arena)
    with pytest.raises(kind) as caught:
        getattr(arena, call)(*values, **options)
    assert everything(arena) == before
    assert str(caught.value).isprintable()
    return in_full(caught.value)


def names_file(path: Path) -> Path:
    documents = [f"{a}{b}{c}{d}" for a in "bdgk" for b in "aeiou" for c in "lmnr" for d in "aeio"]
    path.write_text("\n".join(documents))
    return path


def forged(source: Path, target: Path, **changes: Any) -> Path:
    """A champion file with something in it that is not so."""
    champion = read_champion(source)
    write_champion(target, champion.name, replace(champion.state, **changes))
    return target


def endless(path: Path, text: Path) -> Path:
    """A champion whose retraining takes half an hour, and is true all the while.

    At a learning rate of 0, each step over the whole of the text has the same loss.
    """
    dataset = Dataset.from_file(names_file(text))
    settings = Settings(
        batch_size=len(dataset.train), learning_rate=0.0, schedule="constant", beta1=0.0
    )
    config = GPTConfig(vocab_size=dataset.vocab_size, n_embd=64, n_layer=2)
    agent, n_steps = Agent(dataset, config, settings), 100_000
    agent.train_all(1)
    history = LossHistory()
    history.append(np.repeat(agent.history.losses, n_steps))
    state = replace(
        agent.state(),
        n_steps=n_steps,
        n_seen=n_steps * agent.n_seen,
        energy=replace(agent.energy, training=n_steps * agent.energy.training),
        history=history.state(),
    )
    write_champion(path, "Endless", state)
    return path


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def tell(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")
