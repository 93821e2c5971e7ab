"""Odd shapes, ragged documents and small datasets that several tests share."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from bandits.datasets import Dataset
from bandits.model.config import GPTConfig
from bandits.model.gpt import GPT
from tests.support import counting, reference
from tests.support.reference import Document, Shape

ALPHABET = "abcdefghijklmnopqrstuvwxyz"


class Case(NamedTuple):
    """A shape and a minibatch for it."""

    shape: Shape
    documents: list[list[int]]

    def __str__(self) -> str:
        s = self.shape
        lengths = ",".join(str(len(document)) for document in self.documents)
        return f"{s.n_embd}-{s.n_layer}-{s.n_head}-V{s.vocab_size}-block{s.block_size}-len{lengths}"


def random_documents(shape: Shape, lengths: list[int], seed: int = 0) -> list[list[int]]:
    rng = random.Random(seed)
    return [[rng.randrange(shape.vocab_size - 1) for _ in range(n)] for n in lengths]


def case(shape: Shape, *lengths: int) -> Case:
    return Case(shape, random_documents(shape, list(lengths), seed=sum(lengths)))


# Widths around the 16 lanes of the engine; documents empty, ragged, as long as the block and longer.
CASES = [
    case(Shape(5, 1, 1, 1, 4), 6),
    case(Shape(9, 1, 2, 1, 8), 3, 0, 8),
    case(Shape(27, 7, 1, 7, 16), 5),
    case(Shape(6, 7, 2, 1, 5), 4, 5, 9),
    case(Shape(17, 15, 1, 3, 8), 7, 1),
    case(Shape(27, 16, 1, 4, 16), 6),
    case(Shape(27, 16, 1, 4, 16), 0),
    case(Shape(27, 16, 1, 4, 4), 11),
    case(Shape(16, 16, 3, 2, 12), 4, 11, 12, 0),
    case(Shape(33, 17, 1, 1, 9), 9),
    case(Shape(3, 17, 2, 17, 16), 4, 20, 2),
    case(Shape(40, 31, 1, 1, 7), 3, 7),
    case(Shape(2, 2, 4, 2, 17), 17, 5),
    case(Shape(27, 6, 2, 3, 1), 3, 0, 1),
]

# Documents that csrc/long_attention.pxi attends to: from 33 positions, or 193 where a head has 4 columns.
LONG_CASES = [
    case(Shape(27, 16, 1, 2, 64), 40, 3, 63),
    case(Shape(9, 32, 2, 2, 100), 99, 34, 50),
    case(Shape(11, 60, 1, 3, 40), 39, 80),
    case(Shape(27, 24, 1, 3, 50), 32, 49, 33),
    case(Shape(5, 8, 1, 2, 200), 199, 10),
]


def config_of(shape: Shape) -> GPTConfig:
    return GPTConfig(**shape._asdict())


def float32_weights(shape: Shape, seed: int = 1, scale: float = 1.0) -> dict[str, np.ndarray]:
    """microGPT's draws times `scale`; a larger scale makes attention and ReLU less even."""
    drawn = reference.initial_weights(shape, random.Random(seed))
    return {name: np.array(w, dtype=np.float32) * np.float32(scale) for name, w in drawn.items()}


def scalars(weights: dict[str, np.ndarray]) -> reference.Weights:
    """The very numbers of the engine's float32 weights, in float64, for `reference.step`."""
    return counting.lift(counting.tally(), as_lists(weights))


def as_lists(weights: dict[str, np.ndarray]) -> dict[str, list[list[float]]]:
    """The very numbers of the engine's float32 weights, as lists of Python floats."""
    return {name: w.astype(np.float64).tolist() for name, w in weights.items()}


def model_of(shape: Shape, weights: dict[str, np.ndarray]) -> GPT:
    model = GPT(config_of(shape), seed=0)
    model.load_state_dict(weights)
    return model


def text_of(document: Document) -> str:
    return "".join(ALPHABET[token] for token in document)


def dataset_of(shape: Shape, documents: list[list[int]], name: str = "letters") -> Dataset:
    """The documents and one of all letters, unsplit: its vocabulary is the shape's."""
    texts = [text_of(document) for document in documents] + [ALPHABET[: shape.vocab_size - 1]]
    dataset = Dataset.from_documents(texts, name=name, split=None)
    assert dataset.vocab_size == shape.vocab_size
    return dataset


def microgpt_names() -> Path:
    """microGPT's own names file, 32,032 lines, at MICROGPT_NAMES; without it a test is skipped."""
    named = os.environ.get("MICROGPT_NAMES")
    if not named:
        pytest.skip("MICROGPT_NAMES does not say where microGPT's names file is")
    path = Path(named)
    assert path.is_file(), f"MICROGPT_NAMES={named} is not a file"
    return path
