"""Times a run of the engine with its peers in between, and prints a line of what it means."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

import pytest

from bandits import datasets
from bandits.agent.agent import Agent
from bandits.model import builds as engine
from bandits.model.config import GPTConfig
from bandits.model.settings import Settings
from benchmarks.peers import Peer

ROUNDS = 15
LINES = pytest.StashKey[list[str]]()

Measure = Callable[..., None]


def agent_of(n_embd: int, n_layer: int, n_head: int, batch_size: int = 1) -> Agent:
    """An agent on names that never reaches a horizon."""
    config = GPTConfig(n_embd=n_embd, n_layer=n_layer, n_head=n_head)
    settings = Settings(batch_size=batch_size, schedule="constant", learning_rate=0.001)
    return Agent(datasets.load("names"), config, settings)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Not side by side, as the tests run: a time is of a core of its own."""
    return 0


@pytest.fixture
def measure(benchmark: Any, request: pytest.FixtureRequest) -> Measure:
    """measure(what, run, n_documents, flops, peers, bar): time `run`, each peer between its rounds.

    `run` handles n_documents; `flops` (called afterwards) says how many operations all runs took;
    bar is in microseconds a document."""

    def measured(
        what: str,
        run: Callable[[], object],
        n_documents: int,
        flops: Callable[[], int],
        peers: Mapping[str, Peer | None],
        bar: float | None = None,
    ) -> None:
        own: list[float] = []
        theirs: dict[str, list[float]] = {name: [] for name, peer in peers.items() if peer}

        def timed() -> None:
            started = perf_counter()
            run()
            own.append((perf_counter() - started) / n_documents)

        def run_peers() -> None:
            for name, peer in peers.items():
                if peer:
                    theirs[name].append(peer())

        before = flops()
        benchmark.pedantic(timed, setup=run_peers, rounds=ROUNDS, warmup_rounds=1)
        operations = (flops() - before) / (len(own) * n_documents)
        seconds = statistics.median(own)
        micros = f"{seconds * 1e6:8.2f} us a document (best {min(own) * 1e6:.2f})"
        text = f"{engine.isa():7} {what:26} {micros} {operations / seconds / 1e9:6.1f} GFLOP/s"
        for name, times in theirs.items():
            text += f"  {statistics.median(times) / seconds:5.1f} x {name}"
        if bar is not None:
            text += f"  bar {bar:g} us: {'met' if seconds * 1e6 <= bar else 'MISSED'}"
        benchmark.extra_info.update(
            isa=engine.isa(),
            seconds_a_document=own,
            flops_a_document=operations,
            peers_seconds_a_document=theirs,
        )
        request.config.stash.setdefault(LINES, []).append(text)

    return measured


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Median of the rounds; `12 x numpy` says that numpy takes 12 times as long."""
    lines = config.stash.get(LINES, [])
    if lines:
        terminalreporter.section(f"engine: {engine.isa()}")
        for line in lines:
            terminalreporter.write_line(line)
