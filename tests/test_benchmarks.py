"""The harness of `python -m benchmarks`: everyone computes the same, and its arithmetic is right.

How fast anything is, no test says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bandits.model import builds as engine
from benchmarks import tables
from benchmarks.__main__ import as_json
from benchmarks.bars import bars
from benchmarks.race import LEAST_SLICES, Entry, Worker, race
from benchmarks.sizes import Size, Work, growth, odd_sizes, training_sizes
from benchmarks.task import Skipped
from benchmarks.training import relate
from benchmarks.worker import make
from tests.support.paths import ROOT

SHAPES = [(16, 1, 1), (20, 2, 3)]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the harness reads the clocks of POSIX")


def rival(name: str, **arguments: Any) -> Any:
    try:
        return make(name, arguments)
    except Skipped as reason:
        pytest.skip(str(reason))


# ---- everyone is given, and does, the same -----------------------------------------------------------


@pytest.mark.parametrize("name", ["numpy", "scalar", "torch", "study"])
@pytest.mark.parametrize(("d", "L", "B"), SHAPES)
def test_a_rival_computes_the_loss_of_the_engine(name: str, d: int, L: int, B: int) -> None:
    size = Size(n_embd=d, n_layer=L, batch_size=B).as_dict()
    more = {"isa": engine.isa()} if name == "study" else {}
    theirs = rival(name, **more, **size).info["loss"]
    assert theirs == pytest.approx(
        make("engine", size).info["loss"], abs=1e-4
    )  # float32, 1e3 terms


def test_torch_trains_as_numpy_does() -> None:
    size = Size(n_embd=16, n_layer=2, batch_size=3).as_dict()
    torch, numpy = rival("torch", **size), rival("numpy", **size)
    torch.run(3)
    numpy.run(3)
    ours = torch.model.layers[1].fc2.weight.detach().numpy()
    # float32: three steps of at most 1e-4, each of a sign that is sure
    np.testing.assert_allclose(ours, numpy.model.w["layer1.mlp_fc2"], atol=2e-5)


@pytest.mark.parametrize(("d", "L", "B"), SHAPES)
def test_the_operations_of_steps_are_those_the_engine_counts(d: int, L: int, B: int) -> None:
    size = Size(n_embd=d, n_layer=L, batch_size=B)
    training, n = rival("engine", **size.as_dict()), 7
    run = training.model.train_steps(
        training.documents, training.order, 0, np.full(n, 1e-4), training.settings
    )
    assert training.work(n) == run.n_flops


def test_documents_are_taken_round_and_round() -> None:
    work = Work(Size(n_embd=16, batch_size=16))
    a_round = 4096 // 16
    assert work.flops(a_round + 3) == work.flops(a_round) + work.flops(3)
    assert work.flops_a_document == work.flops(a_round) / 4096


def test_full_documents_fill_the_block() -> None:
    for size in growth()["block_size"]:
        work, d, T = Work(size), size.n_embd, size.block_size
        # 6 operations a weight and position are most of a step
        matrices = 6 * (12 * d * d + 27 * d) * T
        assert work.flops_a_document > matrices * (1 - 1 / 8)


def test_sizes_are_sizes() -> None:
    everything = [*training_sizes(), *(size for pair in odd_sizes() for size in pair)]
    everything += [size for sizes in growth().values() for size in sizes]
    for size in everything:
        assert size.config.n_params > 0


# ---- races ------------------------------------------------------------------------------------------


class Clockwork(Worker):
    """A competitor whose units take a known time."""

    def __init__(self, seconds_a_unit: float) -> None:
        self.seconds_a_unit = seconds_a_unit
        self.dropped = False

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if "drop" in request:
            self.dropped = True
            return {}
        return {"seconds": self.seconds_a_unit * request["n"], "work": 10 * request["n"]}


def test_competitors_share_the_time_and_the_slow_have_their_slices_too() -> None:
    quick, slow, slowest = (Entry(Clockwork(s), 0, "", {}) for s in (1e-5, 0.003, 5.0))
    race([quick, slow, slowest], seconds=1.0, slice_seconds=0.01)
    assert quick.best == pytest.approx(1e6)
    assert slow.best == pytest.approx(10 / 0.003)
    assert slowest.best == pytest.approx(2.0)
    assert len(slowest.rates) == LEAST_SLICES
    for entry in (quick, slow):
        assert 1.0 <= entry.seconds < 1.02
        assert entry.seconds / len(entry.rates) == pytest.approx(0.01, rel=0.5)
        assert entry.worker.dropped  # type: ignore[attr-defined]


def test_a_worker_says_why_it_skips_and_goes_on() -> None:
    worker = Worker({"MGLIB": "", "STUDY_KERNEL": os.devnull})
    try:
        size = Size(n_embd=16)
        with pytest.raises(Skipped, match="not built"):
            worker.enter("study", "study", isa="avx2", **size.as_dict())
        entry = worker.enter("engine", "engine", **size.as_dict())
        entry.run()
        assert entry.info["isa"] == engine.isa()
        assert entry.best > 0
    finally:
        worker.close()


# ---- arithmetic -------------------------------------------------------------------------------------


def training_row(who: str, isa: str, microseconds: float) -> dict[str, Any]:
    return {
        "size": "16,1,1", "who": who, "isa": isa, "microseconds": microseconds,
        "gflops": 120 / microseconds,
    }  # fmt: skip


def test_a_ratio_is_to_the_same_instruction_set_of_the_study_and_to_the_best_of_others() -> None:
    rows = [
        training_row("engine", "avx512", 3.0),
        training_row("engine", "avx2", 5.0),
        training_row("study", "avx512", 2.0),
        training_row("study", "avx2", 4.0),
        training_row("numpy", "", 60.0),
    ]
    relate(rows, peak=100.0)
    assert [row["ratio_to_study"] for row in rows] == [1.5, 1.25, 1.0, 1.0, 30.0]
    assert [row["ratio_to_engine"] for row in rows] == [1.0, 5 / 3, 2 / 3, 4 / 3, 20.0]
    assert [row["share_of_peak"] for row in rows] == pytest.approx([0.4, 0.24, 0.6, 0.3, 0.02])
    found = {(row["what"], row["met"]) for row in bars({"train": rows})}
    assert found == {
        ("train 16,1,1 on avx512 over the study's", False),
        ("train 16,1,1 on avx2 over the study's", False),
    }


def test_without_the_study_there_is_no_ratio_to_it() -> None:
    rows = [training_row("engine", "base", 3.0), training_row("scalar", "", 3000.0)]
    relate(rows, peak=100.0)
    assert [row["ratio_to_study"] for row in rows] == [None, None]
    assert bars({"train": rows}) == []
    assert "1,000" in tables.train_table(rows)


def test_some_figures_are_to_be_small_and_some_large() -> None:
    calls = [
        {"what": "evaluation, a name, 16,1", "unit": "us", "measured": 0.8},
        {"what": "generation, one at a time, 2,000 names a call, 16,1", "unit": "", "measured": 3},
        {"what": "something else", "unit": "us", "measured": 1},
    ]
    threads = [{"size": "16,1,16", "ratio": 1.9}]
    found = bars({"calls": calls, "threads": threads})
    assert [(row["at"], row["met"]) for row in found] == [
        ("most", True),
        ("least", False),
        ("least", True),
    ]


@pytest.mark.parametrize(
    ("x", "text"),
    [(None, "-"), (0.01234, "0.0123"), (3.14159, "3.14"), (31.4159, "31.4"), (31415.9, "31,416")],
)
def test_numbers_have_three_digits(x: float | None, text: str) -> None:
    assert tables.number(x) == text


def test_a_record_is_json_even_of_what_is_no_number() -> None:
    rows = [{"a": float("nan"), "b": [1.23456789, 2]}, {"c": None}]
    assert json.loads(as_json({"format": 1, "rows": rows, "none": []})) == {
        "format": 1, "rows": [{"a": None, "b": [1.23457, 2]}, {"c": None}], "none": [],
    }  # fmt: skip


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc/self/statm")
def test_a_model_occupies_what_the_layout_says() -> None:
    worker = Worker()  # where no earlier test left memory free
    try:
        size = Size(n_embd=64, n_layer=2, batch_size=4)
        info = worker.enter("memory", "memory", agents=False, **size.as_dict()).info
    finally:
        worker.close()
    layout = info["layout_model_bytes"] + info["layout_activation_bytes"]
    # from below: gradients that an update inside the product never writes; from above: pages
    assert 0.75 < info["bytes"] / layout < 1.1


# ---- the command ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_quick_run_prints_its_tables_and_writes_what_the_readme_lists(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks", "--quick", "--seconds", "0.01"]
    command += ["--only", "train"]
    command += ["--json", str(tmp_path / "raw.json"), "--png", str(tmp_path / "chart.png")]
    environment = {**os.environ, "STUDY_KERNEL": os.devnull}
    environment.pop("MGLIB", None)
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "x engine" in done.stdout
    assert "without study: STUDY_KERNEL=/dev/null holds no build.sh" in done.stdout
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
    record = json.loads((tmp_path / "raw.json").read_text())
    listed = (ROOT / "benchmarks" / "README.md").read_text()
    [bar] = bars({"threads": [{"size": "16,1,16", "ratio": 1.9}]})
    keys = {*record, *record["machine"], *record["train"][0], *bar}
    assert {key for key in keys if f"`{key}`" not in listed} == set()
    losses: dict[str, set[float]] = {row["size"]: set() for row in record["train"]}
    for row in record["train"]:
        assert row["microseconds"] > 0
        losses[row["size"]].add(round(row["loss"], 3))
    assert all(len(found) <= 2 for found in losses.values()), losses  # neighbours, where it rounds
