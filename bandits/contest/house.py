"""The house n-grams of a dataset: the yardstick that its agents are measured with, whatever the ruleset."""

from __future__ import annotations

from itertools import islice

import numpy as np

from bandits.contest.ngrams import NGrams
from bandits.datasets import Dataset
from bandits.errors import InvalidValue, printable
from bandits.model import exact
from bandits.model.documents import Documents
from bandits.model.exact import Int
from bandits.model.gpt import CheckStop


class House:
    """Models of order 1 to 6, fitted to the train split of a dataset, and what they find.

    h: H1..H6, bits per token on the test split.  Raises InvalidValue for a dataset that is not split.
    """

    def __init__(self, dataset: Dataset, check_stop: CheckStop | None = None) -> None:
        if not (len(dataset.train) and len(dataset.validation) and len(dataset.test)):
            raise InvalidValue(
                f"dataset '{printable(dataset.name)}' is not split, so nothing can be judged by it; "
                "load it with split='ruleset-1'"
            )
        self.dataset = dataset
        self._ngrams = NGrams(dataset.train, dataset.vocab_size, check_stop=check_stop)
        h = []
        for p in self._ngrams.probabilities(dataset.test):
            if check_stop:
                check_stop()
            bits = int(exact.to_fixed(-exact.log2(p)).sum())
            h.append(bits / (exact.FIXED * dataset.test.n_tokens))
        self.h = tuple(h)

    def mean_fixed(self, documents: Documents, order: int) -> Int:
        """Return each document's mean bits per token under one of the models, in whole 2**-32 bits."""
        p = next(islice(self._ngrams.probabilities(documents), order - 1, None))
        bits = exact.to_fixed(-exact.log2(p))
        n_tokens = documents.lengths + 1
        starts = np.cumsum(n_tokens) - n_tokens
        return np.asarray(np.add.reduceat(bits, starts) // n_tokens, np.int64)


_houses: dict[tuple[str, str | None], House] = {}


def house_for(dataset: Dataset, check_stop: CheckStop | None = None) -> House:
    """Return the house of a dataset, fitted once a process.  Raises InvalidValue if it is not split.

    check_stop: called between the parts of fitting it; what it raises ends that.
    """
    key = (dataset.sha256, dataset.split)
    if key not in _houses:
        _houses[key] = House(dataset, check_stop)
    return _houses[key]
