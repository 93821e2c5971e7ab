"""The same history gives the same bits: across runs, threads, chunks, processes and builds."""

from __future__ import annotations

import ctypes
import ctypes.util
import hashlib
import importlib
import json
import os
import platform
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from bandits import datasets
from bandits.agent.agent import Agent
from bandits.model import builds as engine
from bandits.model.config import GPTConfig
from bandits.model.gpt import GPT
from bandits.model.settings import Settings
from tests.support import golden
from tests.support.cases import CASES, Case, float32_weights, model_of

SHAPES = [GPTConfig(), GPTConfig(n_embd=24, n_layer=2, n_head=3), GPTConfig(n_embd=7, n_head=1)]


def digest(agent: Agent) -> str:
    """sha256 of all that training makes: weights, moments, losses, energy, place in the data."""
    state = agent.state()
    h = hashlib.sha256()
    for name, a in sorted(state.arrays().items()):
        h.update(name.encode() + np.ascontiguousarray(a).tobytes())
    h.update(repr((state.n_steps, state.n_seen, state.energy)).encode())
    return h.hexdigest()


def fresh(config: GPTConfig | None = None, **settings: object) -> Agent:
    return Agent(datasets.load("names"), config, replace(Settings(), **settings))  # type: ignore[arg-type]


def trained(n_steps: int, config: GPTConfig | None = None, **settings: object) -> Agent:
    agent = fresh(config, **settings)
    agent.train_all(n_steps)
    return agent


def test_train_500_twice_equals_train_1000() -> None:
    whole, halves = trained(1000), trained(500)
    halves.train_all(500)
    assert digest(whole) == digest(halves)


@pytest.mark.parametrize(
    "settings", [{"batch_size": 3, "warmup": 7}, {"schedule": "cosine"}], ids=str
)
@pytest.mark.parametrize("config", SHAPES, ids=str)
def test_chunks_do_not_change_the_bits(config: GPTConfig, settings: dict[str, object]) -> None:
    whole, pieces = trained(60, config, **settings), fresh(config, **settings)
    for n_steps in (1, 2, 30, 27):
        pieces.train_all(n_steps)
    assert digest(whole) == digest(pieces)


def test_chunks_do_not_change_the_bits_when_gradients_are_clipped() -> None:
    whole, pieces = trained(60, grad_clip=0.5), trained(1, grad_clip=0.5)
    pieces.train_all(59)
    assert digest(whole) == digest(pieces)


@pytest.mark.parametrize("config", SHAPES, ids=str)
def test_two_runs_give_the_same_bits(config: GPTConfig) -> None:
    assert digest(trained(50, config, batch_size=4)) == digest(trained(50, config, batch_size=4))


@pytest.mark.parametrize("run", golden.RUNS, ids=str)
def test_training_in_pieces_gives_the_golden_bits(run: golden.Run) -> None:
    agent = golden.trained(run, pieces=(1, 2, 97, 200))
    expected = golden.written()[str(run)]
    assert golden.digest_of_training(agent) == {
        key: expected[key] for key in ("losses", "weights", "moments")
    }


@pytest.mark.parametrize("n_threads", [1, 2, 8])
def test_agents_in_parallel_threads_give_the_golden_bits(n_threads: int) -> None:
    golden.dataset("names"), golden.dataset("sums"), golden.dataset("wide")
    with ThreadPoolExecutor(n_threads) as pool:
        agents = list(pool.map(golden.trained, golden.RUNS))
        found = list(pool.map(golden.digests, agents))
    assert dict(zip(map(str, golden.RUNS), found, strict=True)) == golden_of(golden.RUNS)


@pytest.mark.parametrize("size", [1, 7, 33])
@pytest.mark.parametrize("run", golden.RUNS, ids=str)
def test_scoring_and_sampling_a_few_at_a_time_give_the_golden_bits(
    run: golden.Run, size: int
) -> None:
    agent = golden.trained(run)
    samples = [
        agent.model.generate(
            min(size, golden.N_SAMPLES - first), temperature=0.9, seed=11, first=first
        )
        for first in range(0, golden.N_SAMPLES, size)
    ]
    scored = [
        agent.model.evaluate(
            agent.dataset.train.part(first, min(first + size, golden.N_SCORED)), temperature=0.9
        )
        for first in range(0, golden.N_SCORED, size)
    ]
    expected = golden.written()[str(run)]
    assert golden.digest_of_samples(samples) == expected["samples"]
    assert golden.digest_of_evaluations(scored) == expected["bits"]


def test_looking_at_an_agent_does_not_change_its_training() -> None:
    looked_at, plain = trained(100), trained(100)
    looked_at.generate(5)
    looked_at.evaluate(looked_at.dataset.validation)
    looked_at.model.loss_and_grads([[1, 2, 3]])
    looked_at.train_all(100)
    plain.train_all(100)
    np.testing.assert_equal(looked_at.model.state_dict(), plain.model.state_dict())


def test_a_document_is_the_same_alone_and_among_others() -> None:
    model = trained(300).model
    together = model.generate(100, seed=7)
    for i in (0, 1, 31, 32, 63, 99):
        alone = model.generate(1, seed=7, first=i)
        n = int(alone.lengths[0])
        assert n == together.lengths[i]
        assert alone.ended[0] == together.ended[i]
        np.testing.assert_array_equal(alone.tokens[0][:n], together.tokens[i][:n])


def test_generating_in_two_calls_is_generating_in_one() -> None:
    model = trained(100, GPTConfig(n_embd=24, n_layer=2, n_head=3)).model
    whole = model.generate(70, seed=3, temperature=0.8)
    first, rest = (
        model.generate(33, seed=3, temperature=0.8),
        model.generate(37, seed=3, temperature=0.8, first=33),
    )
    np.testing.assert_array_equal(whole.lengths, np.concatenate([first.lengths, rest.lengths]))
    np.testing.assert_array_equal(whole.tokens, np.concatenate([first.tokens, rest.tokens]))
    assert whole.n_flops == first.n_flops + rest.n_flops


def test_seeds_give_different_documents() -> None:
    model = trained(100).model
    assert np.any(model.generate(20, seed=1).tokens != model.generate(20, seed=2).tokens)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_document_is_scored_the_same_alone_and_among_others(case: Case) -> None:
    shape, documents = case
    model = model_of(shape, float32_weights(shape, scale=3.0))
    together = model.evaluate([*documents, *documents])
    alone = [float(model.evaluate([document]).bits[0]) for document in documents]
    assert together.bits.tolist() == alone * 2


# ---------------------------------------------------------- every build of the engine, every machine


def golden_of(runs: list[golden.Run]) -> dict[str, dict[str, str]]:
    written = golden.written()
    return {str(run): written[str(run)] for run in runs}


def digests_on(isa: str, length: str) -> dict[str, dict[str, str]]:
    """The golden runs in a process of their own, where BANDITS_ISA forces the build."""
    if isa not in engine.usable():
        pytest.skip(f"this machine cannot run the {isa} build, or it was not made")
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.golden", length],
        env={**os.environ, "BANDITS_ISA": isa, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("isa", engine.ISAS)
def test_every_build_gives_the_golden_bits(isa: str) -> None:
    assert digests_on(isa, "short") == golden_of(golden.RUNS)


@pytest.mark.slow
@pytest.mark.parametrize("isa", engine.ISAS)
def test_every_build_gives_the_golden_bits_of_larger_shapes(isa: str) -> None:
    assert digests_on(isa, "long") == golden_of(golden.LONG_RUNS)


def test_golden_runs_are_those_that_are_written_down() -> None:
    runs = golden.RUNS + golden.LONG_RUNS
    assert list(golden.written()) == [str(run) for run in runs]
    assert len(golden.RUNS) >= 10
    assert golden.N_STEPS == 300
    digests = [value for digest in golden.written().values() for value in digest.values()]
    assert len(set(digests)) == len(digests)


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("nm"), reason="needs nm of Linux")
@pytest.mark.parametrize("isa", engine.ISAS)
def test_no_build_asks_libm_for_anything(isa: str) -> None:
    """What libm has and libc has not is what may differ between machines."""
    if isa not in engine.usable():
        pytest.skip(f"this machine cannot run the {isa} build, or it was not made")
    module = importlib.import_module(f"bandits.model._engine_{isa}").__file__
    listed = subprocess.run(
        ["nm", "-D", "--undefined-only", module], capture_output=True, text=True, check=True
    )
    wanted = {line.split()[-1].partition("@")[0] for line in listed.stdout.splitlines()}
    assert "free" in wanted
    libm, libc = (ctypes.CDLL(ctypes.util.find_library(name)) for name in "mc")
    of_libm = {name for name in wanted if hasattr(libm, name) and not hasattr(libc, name)}
    other = isa == "base" and platform.machine() not in ("x86_64", "aarch64")
    assert of_libm <= ({"fmaf"} if other else set())  # which is exact by definition


def test_the_weights_of_a_seed_are_the_same_on_every_machine() -> None:
    """Golden: sha256 of random.Random(1)'s draws in float32; no libm takes part."""
    weights = GPT(GPTConfig(), seed=1).state_dict()
    total = hashlib.sha256(b"".join(w.tobytes() for w in weights.values())).hexdigest()
    assert total[:16] == "0915efc7fbfe0c36"
