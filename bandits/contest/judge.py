"""The judge: what a model knows of a dataset and what it writes, as facts that a ruleset then scores.

It computes everything from logits and generated tokens itself; an agent never reports its own
figures.  Judging is the arena's and costs the agent no energy.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

import numpy as np

from bandits.contest.house import house_for
from bandits.contest.judgement import Bool, Judgement, Written
from bandits.contest.rules import CURRENT, Ruleset
from bandits.datasets import Dataset
from bandits.model import exact
from bandits.model.documents import Documents
from bandits.model.energy import evaluate_flops, generate_flops
from bandits.model.exact import Int
from bandits.model.gpt import GPT, CheckStop, slices
from bandits.model.results import Samples

# Far past any score (a uniform guess costs at most 12), and low enough that fixed-point sums of
# 8 million tokens fit into int64.
MAX_BITS = 256.0


class Judge:
    """One dataset's judge under one ruleset: its house n-grams, and what is valid by that ruleset.

    h: the house n-grams' H1..H6.  Raises InvalidValue for a dataset that is not split.
    """

    def __init__(
        self, dataset: Dataset, ruleset: Ruleset = CURRENT, check_stop: CheckStop | None = None
    ) -> None:
        self.dataset = dataset
        self.ruleset = ruleset
        self.house = house_for(dataset, check_stop)
        self.h = self.house.h
        self.validity = ruleset.validity(self.house)
        self._train = frozenset(dataset.train.texts)
        self._held_out = frozenset(dataset.validation.texts + dataset.test.texts)

    def judge(
        self,
        model: GPT,
        temperature: float,
        seed: int,
        n_samples: int | None = None,
        *,
        diverged: bool = False,
    ) -> Judgement:
        """Judge a model by the test split and by documents that it writes, as many as the rules want."""
        return finished(self.judging(model, temperature, seed, n_samples, diverged=diverged))

    def judge_samples(
        self, model: GPT, temperature: float, samples: Samples, *, diverged: bool = False
    ) -> Judgement:
        """Judge a model by the test split and by documents that it generated before."""
        return finished(self.judging_samples(model, temperature, samples, diverged=diverged))

    def judging_samples(
        self, model: GPT, temperature: float, samples: Samples, *, diverged: bool = False
    ) -> Generator[None, None, Judgement]:
        """Judge as `judge_samples` does, yielding now and then."""
        return self._judging(model, temperature, [samples], diverged)

    def judging(
        self,
        model: GPT,
        temperature: float,
        seed: int,
        n_samples: int | None = None,
        *,
        diverged: bool = False,
    ) -> Generator[None, None, Judgement]:
        """Judge as `judge` does, yielding now and then, so that a caller may stop it.

        diverged: a loss of the model's was not finite, so that its score is 0.
        """
        n_samples = self.ruleset.n_samples if n_samples is None else n_samples
        seed = self.ruleset.writing_seed(model, seed)
        config = model.config
        samples = []
        for start, stop in slices(n_samples, generate_flops(config, [config.block_size])):
            samples.append(
                model.generate(stop - start, temperature=temperature, seed=seed, first=start)
            )
            yield
        return (yield from self._judging(model, temperature, samples, diverged))

    def _judging(
        self, model: GPT, temperature: float, samples: Sequence[Samples], diverged: bool
    ) -> Generator[None, None, Judgement]:
        """Score the test split, yielding now and then, and put what was found together."""
        bits = yield from self._scoring(model, temperature)
        finite = (
            not diverged
            and all(sample.finite for sample in samples)
            and bool(np.isfinite(bits).all())
            and all(np.isfinite(weights).all() for weights in model.state_dict().values())
        )
        texts = self.dataset.decode_rows(
            np.concatenate([sample.tokens for sample in samples]),
            np.concatenate([sample.lengths for sample in samples]),
        )
        n_tokens = self.dataset.test.lengths + 1
        return Judgement(
            h=self.h,
            finite=finite,
            n_train=len(self._train),
            n_held_out=len(self._held_out),
            written=self.read(texts, np.concatenate([sample.ended for sample in samples])),
            document_bits=_bounded(bits, n_tokens),
            document_tokens=n_tokens,
        )

    def _scoring(self, model: GPT, temperature: float) -> Generator[None, None, exact.Float]:
        """Return the bits of each test document, yielding now and then."""
        test = self.dataset.test
        positions = min(model.config.block_size, int(test.lengths.max()) + 1)
        bits = np.empty(len(test))
        for start, stop in slices(len(test), evaluate_flops(model.config, [positions])):
            part = test.part(start, stop)
            bits[start:stop] = model.evaluate(part, temperature=temperature).bits
            yield
        return bits

    def read(self, texts: Sequence[str], ended: Sequence[bool] | Bool) -> Written:
        """Return what is true of each document; `ended`: with BOS before block_size."""
        n = len(texts)
        ended = np.asarray(ended, bool)
        first_places = dict(zip(reversed(texts), range(n - 1, -1, -1), strict=True))
        first = np.zeros(n, bool)
        first[list(first_places.values())] = True
        return Written(
            texts=tuple(texts),
            ended=ended,
            valid=ended & self.validity(Documents.encode(texts, self.dataset.vocabulary)),
            first=first,
            in_train=np.fromiter((text in self._train for text in texts), bool, n),
            in_held_out=np.fromiter((text in self._held_out for text in texts), bool, n),
        )


def _bounded(bits: exact.Float, n_tokens: Int) -> Int:
    """Return bits in units of 2**-32, with the most for those that are not finite."""
    ceiling = MAX_BITS * n_tokens.astype(np.float64)
    return exact.to_fixed(np.minimum(np.where(np.isfinite(bits), bits, ceiling), ceiling))


def finished(
    judging: Generator[None, None, Judgement], check_stop: Callable[[], None] | None = None
) -> Judgement:
    """Run a judging to its end; check_stop is called between its parts, and may raise."""
    while True:
        try:
            next(judging)
        except StopIteration as end:
            judgement: Judgement = end.value
            return judgement
        if check_stop:
            check_stop()


_judges: dict[tuple[str, str | None, int], Judge] = {}


def judge_for(
    dataset: Dataset, ruleset: Ruleset = CURRENT, check_stop: CheckStop | None = None
) -> Judge:
    """Return the judge of a dataset, made once a process.  Raises InvalidValue if it is not split.

    check_stop: called between the parts of making it, which takes seconds of a large text; what it raises
    ends that.
    """
    key = (dataset.sha256, dataset.split, ruleset.number)
    if key not in _judges:
        _judges[key] = Judge(dataset, ruleset, check_stop)
    return _judges[key]
