"""The house n-grams: interpolated Witten-Bell models, the yardstick that agents are measured with.

    p_n(c | ctx) = (count(ctx, c) + k p_{n-1}(c | ctx')) / (count(ctx) + k)

with k the number of distinct characters seen after ctx, ctx' = ctx without its first character,
p_0 = 1 / V, and p_n = p_{n-1} after a context never seen.  Contexts are padded with BOS.  Nothing
here loops over characters: a context is an integer, counted and looked up in numpy arrays.
Source: Witten and Bell, The zero-frequency problem, IEEE Trans. Information Theory 37(4), 1991.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bandits.model.documents import Documents
from bandits.model.gpt import CheckStop

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int64]

MAX_ORDER = 6
_MAX_TABLE = 2**22  # possible keys: a table up to here (16 MB), or up to so many
_TABLE_A_KEY = 4  # for each key that there is; a sorted array beyond


class _Keys:
    """Numbers 0, 1, 2, ... for the distinct keys among some, their counts, and -1 for any other key."""

    def __init__(self, keys: Int, n_possible: int) -> None:
        self._table: npt.NDArray[np.int32] | None = None
        if n_possible <= max(_MAX_TABLE, _TABLE_A_KEY * len(keys)):
            counts = np.bincount(keys, minlength=n_possible)
            self.distinct = np.flatnonzero(counts)
            self.counts = counts[self.distinct]
            self._table = np.full(n_possible, -1, np.int32)
            self._table[self.distinct] = np.arange(len(self.distinct), dtype=np.int32)
        else:
            self.distinct, self.counts = np.unique(keys, return_counts=True)

    def __len__(self) -> int:
        return len(self.distinct)

    def find(self, keys: Int) -> Int:
        """Return the number of each key."""
        if self._table is not None:
            return self._table[keys].astype(np.int64)
        places = np.searchsorted(self.distinct, keys)
        places[places == len(self.distinct)] = 0
        return np.where(self.distinct[places] == keys, places, -1)


@dataclass(frozen=True, slots=True)
class _Order:
    """One model's counts: contexts by (context of the order below, character before it)."""

    contexts: _Keys  # its counts: count(ctx)
    grams: _Keys  # its counts: count(ctx, c)
    kinds: Int  # k of each context: distinct characters after it


class NGrams:
    """Models of order 1 to `max_order`, fitted to documents over `vocab_size` tokens, BOS included."""

    def __init__(
        self,
        documents: Documents,
        vocab_size: int,
        max_order: int = MAX_ORDER,
        check_stop: CheckStop | None = None,
    ) -> None:
        self.vocab_size = vocab_size
        self._orders: list[_Order] = []
        targets, before = _scored(documents)
        context = np.zeros(len(targets), np.int64)
        n_possible = 1
        for order in range(1, max_order + 1):
            if check_stop:
                check_stop()
            keys = context if order == 1 else context * vocab_size + before(order - 1)
            contexts = _Keys(keys, n_possible)
            context = contexts.find(keys)
            n_possible = len(contexts) * vocab_size  # of grams here, of contexts one order up
            grams = _Keys(context * vocab_size + targets, n_possible)
            kinds = np.bincount(grams.distinct // vocab_size, minlength=len(contexts))
            self._orders.append(_Order(contexts, grams, kinds))

    def probabilities(self, documents: Documents) -> Iterator[Float]:
        """Yield, from order 1 up, the probability of each scored token, (documents.n_tokens,)."""
        V = self.vocab_size
        targets, before = _scored(documents)
        p = np.full(len(targets), 1.0 / V)
        context = np.zeros(len(targets), np.int64)
        for order, model in enumerate(self._orders, 1):
            known = context >= 0
            keys = context if order == 1 else context * V + before(order - 1)
            context = np.where(known, model.contexts.find(np.where(known, keys, 0)), -1)
            known = context >= 0
            at = np.where(known, context, 0)
            gram = model.grams.find(at * V + targets)
            count = np.where(gram >= 0, model.grams.counts[np.maximum(gram, 0)], 0)
            k = model.kinds[at]
            p = np.where(known, (count + k * p) / (model.contexts.counts[at] + k), p)
            yield p


def _scored(documents: Documents) -> tuple[Int, _Before]:
    """Return the scored tokens, and a function of k that gives the token k places before each."""
    tokens = documents.tokens.astype(np.int64)
    is_scored = np.ones(len(tokens), bool)
    is_scored[documents.offsets[:-1]] = False
    places = np.flatnonzero(is_scored)
    return tokens[places], _Before(tokens, places, documents)


class _Before:
    """The tokens before each scored one; BOS for what lies before its document."""

    def __init__(self, tokens: Int, places: Int, documents: Documents) -> None:
        self._tokens = tokens
        self._places = places
        self._starts = np.repeat(documents.offsets[:-1], documents.lengths + 1)

    def __call__(self, k: int) -> Int:
        return self._tokens[np.maximum(self._places - k, self._starts)]
