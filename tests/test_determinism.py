"""The same history gives the same bits: across runs, threads, chunks, processes and builds."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from bandits import datasets, engine
from bandits.agent import Agent
from bandits.config import GPTConfig, Settings
from bandits.model import GPT
from tests.cases import CASES, Case, float32_weights, model_of

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


def test_agents_in_parallel_threads_do_not_disturb_each_other() -> None:
    def run(n_embd: int) -> str:
        agent = trained(400, GPTConfig(n_embd=n_embd, n_head=4), batch_size=2)
        samples = agent.model.generate(50, seed=1)
        return digest(agent) + hashlib.sha256(samples.tokens.tobytes()).hexdigest()

    alone = [run(16), run(20)]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, [16, 20, 16, 20])) == alone * 2


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

PROGRAM = """
import hashlib, sys
import numpy as np
from bandits import engine
from tests.test_determinism import SHAPES, digest, trained
assert engine.isa() == sys.argv[1], engine.isa()
for config in SHAPES:
    for settings in ({}, {"batch_size": 5, "grad_clip": 0.7, "schedule": "cosine"}):
        agent = trained(120, config, **settings)
        print(digest(agent))
        bits = agent.model.evaluate(agent.dataset.validation, temperature=0.9).bits
        samples = agent.model.generate(200, temperature=0.9, seed=11)
        for a in (bits, samples.tokens, samples.lengths, samples.ended):
            print(hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest())
"""


def run_on(isa: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, isa],
        env={**os.environ, "BANDITS_ISA": isa, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def base_output() -> str:
    return run_on("base")


@pytest.mark.parametrize("isa", ["avx2", "avx512"])
def test_every_build_gives_the_bits_of_the_portable_one(isa: str, base_output: str) -> None:
    if isa not in engine.usable():
        pytest.skip(f"this machine cannot run the {isa} build, or it was not made")
    assert run_on(isa) == base_output


def test_the_bits_are_the_same_on_every_machine(base_output: str) -> None:
    """Golden: sha256 of the output above. A change of the engine's summation order changes it."""
    assert hashlib.sha256(base_output.encode()).hexdigest() == (
        "d642520056ed29d3763166a1104860b1f572a5405ea729ffd904a4c73e9bf7b2"
    )


def test_a_build_that_is_not_there_is_refused_in_one_line() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from bandits.model import GPT, GPTConfig; GPT(GPTConfig())"],
        env={**os.environ, "BANDITS_ISA": "mmx"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "mmx" in done.stderr.splitlines()[-1]


def test_the_weights_of_a_seed_are_the_same_on_every_machine() -> None:
    """Golden: sha256 of random.Random(1)'s draws in float32; no libm takes part."""
    weights = GPT(GPTConfig(), seed=1).state_dict()
    total = hashlib.sha256(b"".join(w.tobytes() for w in weights.values())).hexdigest()
    assert total[:16] == "0915efc7fbfe0c36"
