"""Helpers of the arena's tests: what it holds, refusals that change nothing, second processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bandits.agent import Agent
from bandits.arena import Arena
from bandits.champion import pack
from bandits.errors import BanditsError


def contents(agent: Agent) -> tuple[dict[str, Any], bytes]:
    state = agent.state()
    return state.metadata(), pack(state.arrays())


def everything(arena: Arena) -> list[list[tuple[Any, ...]]]:
    """All rows that a command could have changed."""
    tables = ("agents", "agent_arrays", "ledger", "matches", "datasets", "meta", "verified")
    return [arena._store.rows(f"SELECT * FROM {table}") for table in tables]


def refusal(arena: Arena, kind: type[BanditsError], call: str, *values: Any, **options: Any) -> str:
    """The one line of a call that must fail and change nothing."""
    before = everything(arena)
    with pytest.raises(kind) as caught:
        getattr(arena, call)(*values, **options)
    assert everything(arena) == before
    assert str(caught.value).isprintable()
    return str(caught.value)


def names_file(path: Path) -> Path:
    documents = [f"{a}{b}{c}{d}" for a in "bdgk" for b in "aeiou" for c in "lmnr" for d in "aeio"]
    path.write_text("\n".join(documents))
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
