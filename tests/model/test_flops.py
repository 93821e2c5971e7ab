"""Operation counts, to the integer: a scalar that counts, the closed forms, and what the engine says."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace

import pytest

from bandits.agent.agent import Agent
from bandits.datasets import Dataset
from bandits.model import energy
from bandits.model.settings import Settings
from tests.support import counting, reference
from tests.support.cases import Case, as_lists, config_of, dataset_of, float32_weights, model_of
from tests.support.cases import random_documents as draw
from tests.support.reference import Shape


def counted_cases() -> list[Case]:
    """33 shapes: widths with several depths, vocabularies, blocks; batches of 1 to 4."""
    rng = random.Random(2)
    widths = [(1, 1), (2, 2), (3, 1), (4, 2), (5, 5), (6, 3), (7, 1), (8, 4)]
    cases = []
    for k, ((d, h), n_layer) in enumerate(itertools.product(widths, [1, 2, 3])):
        shape = Shape(rng.choice([2, 5, 11, 27]), d, n_layer, h, rng.choice([1, 3, 4, 6]))
        lengths = [rng.randrange(8) for _ in range(1 + k % 4)]
        cases.append(Case(shape, draw(shape, lengths, seed=k)))
    for d, n_head in ((15, 3), (16, 4), (17, 1)):
        for n in (0, 3, 16):
            cases.append(Case(Shape(27, d, 1, n_head, 4), draw(Shape(), [n], seed=n)))
    return cases


COUNTED = counted_cases()


def positions(case: Case) -> list[int]:
    return [len(reference.scored(case.shape, document)[0]) for document in case.documents]


def n_distinct(case: Case) -> int:
    inputs = [reference.scored(case.shape, document)[0] for document in case.documents]
    return len(set(itertools.chain(*inputs)))


@pytest.mark.parametrize("case", COUNTED, ids=str)
def test_the_closed_forms_of_a_step_are_what_is_counted(case: Case) -> None:
    config = config_of(case.shape)
    weights = as_lists(float32_weights(case.shape))
    n_forward, n_backward, _, _ = counting.count_step(weights, case.shape, case.documents)
    assert energy.forward_flops(config, positions(case)) == n_forward
    assert energy.backward_flops(config, positions(case), n_distinct(case)) == n_backward


@pytest.mark.parametrize("case", COUNTED, ids=str)
def test_the_closed_forms_of_generation_and_evaluation_are_what_is_counted(case: Case) -> None:
    config = config_of(case.shape)
    weights = as_lists(float32_weights(case.shape))
    n_evaluation = counting.count_evaluation(weights, case.shape, case.documents)
    assert energy.evaluate_flops(config, positions(case)) == n_evaluation
    drawn = [reference.scored(case.shape, document)[1] for document in case.documents]
    n_generation = sum(counting.count_generation(weights, case.shape, d) for d in drawn)
    assert energy.generate_flops(config, [len(d) for d in drawn]) == n_generation


@pytest.mark.parametrize("shape", [Shape(), Shape(2, 1, 1, 1, 1), Shape(9, 7, 2, 7, 3)])
def test_the_closed_forms_of_the_update_and_of_clipping_are_what_is_counted(shape: Shape) -> None:
    config = config_of(shape)
    assert energy.update_flops(config) == counting.count_update(shape.n_params)
    assert energy.clip_flops(config, clipped=False) == counting.count_clip(shape.n_params, 1e9)
    assert energy.clip_flops(config, clipped=True) == counting.count_clip(shape.n_params, 1e-9)


def test_the_example_of_the_rules() -> None:
    config = config_of(Shape())
    assert energy.forward_flops(config, [4]) == 29_308
    assert energy.backward_flops(config, [4], 4) == 54_480
    assert energy.update_flops(config) == 14 * 4192


# ---------------------------------------------------------- what the engine's calls return


def trainable(case: Case) -> Dataset:
    """The case's documents as a dataset: no empty ones, no repeats."""
    kept = [d for d in case.documents if d] or [[0]]
    return dataset_of(case.shape, kept)


def first_batches(dataset: Dataset, seed: int, batch_size: int, n: int) -> list[list[list[int]]]:
    """The minibatches of the first n steps by RULES.md: a shuffled list, read round and round."""
    order = list(dataset.train.texts)
    random.Random(seed).shuffle(order)
    documents = [dataset.encode(text) for text in order]
    return [
        [documents[(step * batch_size + i) % len(documents)] for i in range(batch_size)]
        for step in range(n)
    ]


def counted_step(case: Case) -> int:
    config = config_of(case.shape)
    weights = as_lists(float32_weights(case.shape))
    n_forward, n_backward, _, _ = counting.count_step(weights, case.shape, case.documents)
    return n_forward + n_backward + energy.update_flops(config)


@pytest.mark.parametrize("case", COUNTED, ids=str)
def test_training_charges_what_is_counted(case: Case) -> None:
    dataset, batch_size = trainable(case), len(case.documents)
    agent = Agent(dataset, config_of(case.shape), Settings(batch_size=batch_size), seed=5)
    progress = list(agent.train(1))
    (batch,) = first_batches(dataset, 5, batch_size, 1)
    n_flops = counted_step(Case(case.shape, batch))
    assert agent.energy == energy.Energy(training=n_flops)
    assert progress[-1].n_flops == n_flops
    assert type(agent.energy.training) is int


@pytest.mark.parametrize("case", COUNTED, ids=str)
def test_the_engine_counts_evaluation_and_generation_to_the_integer(case: Case) -> None:
    weights = float32_weights(case.shape)
    model = model_of(case.shape, weights)
    evaluation = model.evaluate(case.documents, temperature=0.7)
    n_evaluation = counting.count_evaluation(as_lists(weights), case.shape, case.documents)
    assert evaluation.n_flops == n_evaluation
    samples = model.generate(3, temperature=0.7, seed=1)
    n_generation = 0
    for tokens, length, ended in zip(samples.tokens, samples.lengths, samples.ended, strict=True):
        drawn = [*tokens[:length].tolist(), *([case.shape.bos] if ended else [])]
        n_generation += counting.count_generation(as_lists(weights), case.shape, drawn)
    assert samples.n_flops == n_generation
    assert type(samples.n_flops) is int
    assert type(evaluation.n_flops) is int


@pytest.mark.parametrize(("largest_norm", "clipped"), [(1e-6, True), (1e6, False)])
def test_clipping_is_charged_and_scaling_only_when_it_scales(
    largest_norm: float, clipped: bool
) -> None:
    case = Case(Shape(9, 6, 1, 2, 8), draw(Shape(9), [3, 5, 7, 2]))
    settings = Settings(batch_size=2)
    plain = Agent(dataset_of(*case), config_of(case.shape), settings)
    agent = Agent(
        dataset_of(*case), config_of(case.shape), replace(settings, grad_clip=largest_norm)
    )
    plain.train_all(3)
    agent.train_all(3)
    extra = energy.clip_flops(agent.config, clipped=clipped)
    assert agent.energy.training == plain.energy.training + 3 * extra


def test_an_agent_pays_for_what_its_owner_asks() -> None:
    case = Case(Shape(9, 6, 1, 2, 8), draw(Shape(9), [3, 5, 7, 2]))
    agent = Agent(dataset_of(*case), config_of(case.shape))
    agent.train_all(10)
    trained = agent.energy
    evaluation = agent.evaluate(agent.dataset.train)
    assert agent.energy == trained + energy.Energy(evaluation=evaluation.n_flops)
    samples = agent.generate(5)
    assert agent.energy.generation == samples.n_flops > 0
    agent.model.evaluate(agent.dataset.train)  # the arena's own judging
    agent.model.generate(5)
    assert agent.energy.generation == samples.n_flops
    assert agent.energy.evaluation == evaluation.n_flops
