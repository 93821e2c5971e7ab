"""The default agent is microGPT's published run; every loss follows the float64 reference."""

from __future__ import annotations

import random

import numpy as np
import pytest

from bandits import datasets
from bandits.agent.agent import Agent
from bandits.datasets import Dataset
from bandits.model.config import GPTConfig
from bandits.model.settings import Settings
from tests.support import reference
from tests.support.cases import dataset_of, microgpt_names, random_documents
from tests.support.reference import Shape
from tests.support.vectorised import NumpyGPT


def losses_of(agent: Agent, n_steps: int) -> np.ndarray:
    return np.concatenate([progress.losses for progress in agent.train(n_steps)])


def microgpt(
    texts: list[str], dataset: Dataset, n_steps: int, shape: Shape, batch_size: int = 1
) -> np.ndarray:
    """Losses of the float64 reference, seeded as microGPT is, over documents in file order."""
    rng = random.Random(42)
    order = list(texts)
    rng.shuffle(order)
    model = NumpyGPT(shape, reference.initial_weights(shape, rng))
    documents = [dataset.encode(text) for text in order[: n_steps * batch_size]]
    batches = range(0, n_steps * batch_size, batch_size)
    return np.array([model.train_step(documents[k : k + batch_size]) for k in batches])


def test_the_first_default_steps_follow_the_reference() -> None:
    dataset = datasets.load("names")
    expected = microgpt(list(dataset.train.texts), dataset, 50, Shape())
    found = losses_of(Agent(dataset), 50)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)  # float32 weights, 50 updates


def test_the_first_steps_follow_the_scalar_program() -> None:
    """No numpy at all on the other side: shuffle, draw, autograd, Adam, one scalar at a time."""
    dataset = datasets.load("names")
    rng = random.Random(42)
    order = list(dataset.train.texts)
    rng.shuffle(order)
    weights, adam = reference.initial_weights(Shape(), rng), reference.Adam()
    expected = []
    for text in order[:10]:
        loss, grads = reference.loss_and_grads(weights, Shape(), [dataset.encode(text)])
        adam.update(weights, grads)
        expected.append(loss)
    np.testing.assert_allclose(losses_of(Agent(dataset), 10), expected, rtol=0, atol=1e-5)


def test_microgpts_published_run_is_reproduced() -> None:
    """Its own names file, whole and unsplit, seed 42: all 1,000 losses."""
    path = microgpt_names()
    texts = [line.strip() for line in path.read_text().splitlines() if line.strip()]
    dataset = Dataset.from_file(path, split=None)
    assert list(dataset.train.texts) == texts  # repeats too: microGPT trains on them
    found = losses_of(Agent(dataset), 1000)
    expected = microgpt(texts, dataset, 1000, Shape())
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    # as microGPT prints them; karpathy.github.io, 12 Feb 2026
    assert [f"{loss:.4f}" for loss in (found[0], found[999])] == ["3.3660", "2.6497"]


@pytest.mark.parametrize("batch_size", [2, 16])
def test_minibatches_follow_the_reference(batch_size: int) -> None:
    dataset = datasets.load("names")
    expected = microgpt(list(dataset.train.texts), dataset, 20, Shape(), batch_size)
    found = losses_of(Agent(dataset, settings=Settings(batch_size=batch_size)), 20)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "shape", [Shape(6, 7, 2, 7, 5), Shape(11, 17, 1, 1, 4), Shape(4, 1, 1, 1, 3)]
)
def test_odd_shapes_train_as_the_reference_does(shape: Shape) -> None:
    """A dataset of 13 documents, read round and round, some longer than the block."""
    dataset = dataset_of(shape, random_documents(shape, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]))
    rng = random.Random(3)
    order = list(dataset.train.texts)
    rng.shuffle(order)
    model = NumpyGPT(shape, reference.initial_weights(shape, rng))
    documents = [dataset.encode(text) for text in order]
    expected = []
    for k in range(0, 60, 2):
        batch = [documents[i % len(documents)] for i in (k, k + 1)]
        expected.append(model.train_step(batch, learning_rate=0.02, horizon=40))
    settings = Settings(batch_size=2, learning_rate=0.02, horizon=40)
    agent = Agent(dataset, GPTConfig(**shape._asdict()), settings, seed=3)
    np.testing.assert_allclose(losses_of(agent, 30), expected, rtol=0, atol=1e-5)
