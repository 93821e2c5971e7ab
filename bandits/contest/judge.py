"""The judge: how good and how original a model is, by one dataset's yardsticks.

It computes everything from logits and generated tokens itself; an agent never reports its own
figures.  Judging is the arena's and costs the agent no energy.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from itertools import islice

import numpy as np

from bandits.contest.judgement import Bool, Int, Judgement
from bandits.contest.ngrams import NGrams
from bandits.contest.rules import CURRENT as RULES
from bandits.datasets import Dataset
from bandits.errors import InvalidValue, printable
from bandits.model import exact
from bandits.model.documents import Documents
from bandits.model.energy import evaluate_flops, generate_flops
from bandits.model.gpt import GPT, slices
from bandits.model.results import Samples

# Far past any score (a uniform guess costs at most 12), and low enough that fixed-point sums of
# 8 million tokens fit into int64.
MAX_BITS = 256.0


class Judge:
    """One dataset's yardsticks: the house n-grams' bits and the limits of a valid document.

    h: H1..H6, bits per token on the test split; h_par: those of quality 1; length_low, length_high:
    characters of a valid document; max_bits: the most bits per token that it may have under the
    house 5-gram.  Raises InvalidValue for a dataset that is not split.
    """

    def __init__(self, dataset: Dataset) -> None:
        if not (len(dataset.train) and len(dataset.validation) and len(dataset.test)):
            raise InvalidValue(
                f"dataset '{printable(dataset.name)}' is not split, so nothing can be judged by it; "
                "load it with split='ruleset-1'"
            )
        self.dataset = dataset
        self._ngrams = NGrams(dataset.train, dataset.vocab_size)
        self._known = frozenset(dataset.train.texts)
        self.h = tuple(
            int(exact.to_fixed(-exact.log2(p)).sum()) / (exact.FIXED * dataset.test.n_tokens)
            for p in self._ngrams.probabilities(dataset.test)
        )
        self.h_par = RULES.par(self.h)
        low, high = RULES.VALID_LENGTHS
        self.length_low = RULES.percentile(dataset.train.lengths, low)
        self.length_high = RULES.percentile(dataset.train.lengths, high)
        self._max_fixed = RULES.percentile(self._mean_fixed(dataset.validation), RULES.VALID_BITS)

    @property
    def max_bits(self) -> float:
        """The most bits per token under the house 5-gram that a valid document may have."""
        return self._max_fixed / exact.FIXED

    def _mean_fixed(self, documents: Documents) -> Int:
        """Return each document's mean bits per token under the house 5-gram, in whole 2**-32 bits."""
        orders = self._ngrams.probabilities(documents)
        p = next(islice(orders, RULES.VALID_ORDER - 1, None))
        bits = exact.to_fixed(-exact.log2(p))
        n_tokens = documents.lengths + 1
        starts = np.cumsum(n_tokens) - n_tokens
        return np.asarray(np.add.reduceat(bits, starts) // n_tokens, np.int64)

    def valid(self, texts: Sequence[str], ended: Sequence[bool] | Bool) -> Bool:
        """Return which generated documents are valid; `ended`: with BOS before block_size."""
        documents = Documents.encode(texts, self.dataset.vocabulary)
        lengths = documents.lengths
        return np.asarray(
            np.asarray(ended, bool)
            & (lengths >= self.length_low)
            & (lengths <= self.length_high)
            & (self._mean_fixed(documents) <= self._max_fixed)
        )

    def creative(
        self, texts: Sequence[str], ended: Sequence[bool] | Bool
    ) -> tuple[Bool, Bool, Bool]:
        """Return which documents are valid, unique, and both.

        Unique: not in train, and not a repeat of an earlier one of these.
        """
        valid = self.valid(texts, ended)
        first = dict(zip(reversed(texts), range(len(texts) - 1, -1, -1), strict=True))
        unique = np.zeros(len(texts), bool)
        unique[[place for text, place in first.items() if text not in self._known]] = True
        return valid, unique, valid & unique

    def judge(
        self, model: GPT, temperature: float, seed: int, n_samples: int = RULES.N_SAMPLES
    ) -> Judgement:
        """Judge a model by the test split and by documents that it generates from `seed`."""
        return finished(self.judging(model, temperature, seed, n_samples))

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
        n_samples: int = RULES.N_SAMPLES,
        *,
        diverged: bool = False,
    ) -> Generator[None, None, Judgement]:
        """Judge as `judge` does, yielding now and then, so that a caller may stop it.

        diverged: a loss of the model's was not finite, so that its score is 0.
        """
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
        test = self.dataset.test
        n_tokens = test.lengths + 1
        positions = min(model.config.block_size, int(n_tokens.max()))
        bits = np.empty(len(test))
        for start, stop in slices(len(test), evaluate_flops(model.config, [positions])):
            part = test.part(start, stop)
            bits[start:stop] = model.evaluate(part, temperature=temperature).bits
            yield
        finite = (
            not diverged
            and all(sample.finite for sample in samples)
            and bool(np.isfinite(bits).all())
            and all(np.isfinite(weights).all() for weights in model.state_dict().values())
        )
        ceiling = MAX_BITS * n_tokens.astype(np.float64)
        texts = self.dataset.decode_rows(
            np.concatenate([sample.tokens for sample in samples]),
            np.concatenate([sample.lengths for sample in samples]),
        )
        valid, unique, _ = self.creative(texts, np.concatenate([s.ended for s in samples]))
        document_bits = exact.to_fixed(
            np.minimum(np.where(np.isfinite(bits), bits, ceiling), ceiling)
        )
        h = int(document_bits.sum()) / (exact.FIXED * int(n_tokens.sum()))
        n_creative = int((valid & unique).sum())
        quality = float(RULES.quality(h, self.h[0], self.h_par))
        low = RULES.wilson_low(n_creative, len(valid))
        return Judgement(
            quality=quality,
            creativity_low=low,
            score=float(RULES.score(quality, n_creative / len(valid))) if finite else 0.0,
            score_low=float(RULES.score(quality, low)) if finite else 0.0,
            h1=self.h[0],
            h_par=self.h_par,
            finite=finite,
            samples=texts,
            valid=valid,
            unique=unique,
            document_bits=document_bits,
            document_tokens=n_tokens,
        )


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


_judges: dict[tuple[str, str | None], Judge] = {}


def judge_for(dataset: Dataset) -> Judge:
    """Return the judge of a dataset, fitted once a process.  Raises InvalidValue if it is not split."""
    key = (dataset.sha256, dataset.split)
    if key not in _judges:
        _judges[key] = Judge(dataset)
    return _judges[key]
