"""Ctrl-C at random instants at a real terminal: the prompt is back, nothing is lost or half kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bandits.agent import Agent
from bandits.arena import Arena
from bandits.energy import Energy
from tests.shelltools import commands
from tests.terminal import Terminal

interrupting = pytest.importorskip("tests.interrupting")

SEED = 20261122


@pytest.fixture
def terminal(home: Path) -> Iterator[Terminal]:
    """A terminal with agents Ada and B that can train for ever."""
    commands(
        home,
        "create_agent Ada 16 1 4",
        *(f"config schedule constant --agent {name}" for name in ("Ada", "B")),
    )
    opened = Terminal(home)
    yield opened
    opened.process.close(force=True)


def check_books(home: Path) -> None:
    """Assert that what the arena holds is what its agents trained, to the bit and to the operation."""
    with Arena(home) as arena:
        for row in arena.agents():
            kept = arena.agent(row.name)
            record = arena._store.agent(row.name)
            ledger = [spent for _, spent in arena._store.ledger(record.id)]
            assert sum(ledger, Energy()) == record.energy
            again = Agent(kept.dataset, kept.config, kept.settings, kept.seed)
            if kept.n_steps:
                again.train_all(kept.n_steps)
            assert again.energy.training == record.energy.training
            state, expected = kept.state(), again.state()
            for ours, theirs in zip(state.arrays().items(), expected.arrays().items(), strict=True):
                assert ours[0] == theirs[0]
                np.testing.assert_array_equal(ours[1], theirs[1], err_msg=ours[0])
    database = sqlite3.connect(home / "arena.db")
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


@pytest.mark.parametrize(
    ("n", "longest"), [(20, 0.1), pytest.param(200, 0.5, marks=pytest.mark.slow)]
)
def test_no_instant_loses_the_prompt_or_a_step(
    home: Path, terminal: Terminal, n: int, longest: float
) -> None:
    terminal.wait(r"\nAda>")
    found = interrupting.instants(terminal, n, SEED, longest)
    print(interrupting.describe(found))
    assert max(instant.seconds for instant in found) < 2.0  # 0.3 on a machine that is not busy
    assert "Traceback" not in terminal.raw
    assert "Exception ignored" not in terminal.raw
    assert terminal.end() == 0
    check_books(home)
