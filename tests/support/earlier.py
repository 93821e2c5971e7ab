"""What an earlier build left behind is opened by this one: an arena and two champions, in tests/fixtures/.

`play_on` needs no pytest, so that a copy of the package to which something was added can be asked the same.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bandits.arena.arena import Arena
from bandits.model.gpt import GPT
from tests.support.paths import ROOT

BUILD = ROOT / "tests" / "fixtures" / "build-33ec02f"

# As that build listed them: steps, energy, score rounded, whether a mark says that only a file vouches.
ROSTER = {
    "Ada": (95, 12_459_103, 295, False),
    "Wild": (7, 154_566, 0, False),
    "Bob": (50, 1_167_135, 59, False),
    "Twin": (95, 12_459_103, 295, False),
    "Stranger": (50, 1_167_135, 59, True),
    "Reader": (20, 273_388, None, False),
}


def left_behind(home: Path) -> Path:
    """Copy what the build left behind to a folder, and return it."""
    shutil.copytree(BUILD, home)
    return home


def play_on(home: Path) -> None:
    """Open such a copy, and fail unless all is remembered, true, and goes on from where it was."""
    with Arena(home) as arena:
        _is_remembered(arena, home)
        _is_true(arena, home)
        _goes_on(arena, home)


def _is_remembered(arena: Arena, home: Path) -> None:
    """Nothing is judged or proved again that the earlier build had judged or proved."""
    with _no_model_runs():
        scores = {row.name: row.score for row in arena.leaderboard()}
        assert _roster(arena, scores) == ROSTER
        assert not arena.load(home / "Ada.safetensors", "Again").unverified
        assert arena.load(home / "Bob.safetensors", "Unknown").unverified  # never proved
        scores = {row.name: row.score for row in arena.leaderboard()}
        assert (scores["Again"], scores["Unknown"]) == (scores["Ada"], scores["Bob"])
    assert arena.unverified() == ["Stranger", "Unknown"]


def _roster(arena: Arena, scores: dict[str, float]) -> dict[str, Any]:
    return {
        row.name: (
            row.n_steps,
            row.energy.total,
            round(scores[row.name]) if row.name in scores else None,
            row.unverified,
        )
        for row in arena.agents()
    }


def _is_true(arena: Arena, home: Path) -> None:
    for row in arena.agents():
        if row.name != "Unknown":
            report = arena.verify(row.name)
            assert report.verified, (row.name, report.difference)
    assert arena.unverified() == [], "Unknown has the record of Stranger"
    for name in ("Ada", "Bob"):
        assert arena.verify_file(home / f"{name}.safetensors").verified
    report = arena.verify_match(1)
    assert report.verified, report.difference


def _goes_on(arena: Arena, home: Path) -> None:
    settings = arena.settings("Ada")
    assert (settings.schedule, settings.learning_rate, settings.temperature) == (
        "cosine",
        0.01,
        0.8,
    )
    for name in ("Ada", "Bob", "Reader"):
        arena.train(10, name)
        arena.set_setting("batch_size", "2", name)
        arena.train(5, name)
        assert arena.verify(name).verified
    assert arena.battle("Ada", "Bob", 10).match_id == 2
    assert arena.verify_match(2).verified
    arena.save(home / "Later", "Ada")
    assert arena.load(home / "Later", "Later").n_steps == 95 + 15 + 10
    assert arena.verify("Later").verified
    assert arena.agent("Ada").course[:4] == arena.agent("Twin").course


@contextmanager
def _no_model_runs() -> Iterator[None]:
    """Fail if a model is scored, sampled or trained."""
    kept = {name: getattr(GPT, name) for name in ("evaluate", "generate", "train_steps")}

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a model ran, for what was known")

    for name in kept:
        setattr(GPT, name, refuse)
    try:
        yield
    finally:
        for name, method in kept.items():
            setattr(GPT, name, method)
