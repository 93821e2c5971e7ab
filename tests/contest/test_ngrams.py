"""The house n-grams against a slow Witten-Bell written from its formula."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from bandits.contest import ngrams
from bandits.contest.ngrams import NGrams
from bandits.datasets import load
from bandits.model.documents import Documents

BOS = "\0"


class PlainWittenBell:
    """p_n(c | ctx) by recursion over strings, as RULES defines it."""

    def __init__(self, texts, vocab_size, max_order):
        self.vocab_size, self.max_order = vocab_size, max_order
        self.after = defaultdict(Counter)
        for text in texts:
            for context, c in self.places(text):
                for n in range(max_order):
                    self.after[context[len(context) - n :]][c] += 1

    def places(self, text):
        padded = BOS * (self.max_order - 1) + text + BOS
        for i in range(self.max_order - 1, len(padded)):
            yield padded[i - self.max_order + 1 : i], padded[i]

    def p(self, order, context, c):
        if order == 0:
            return 1 / self.vocab_size
        lower = self.p(order - 1, context[1:], c)
        seen = self.after.get(context)
        if seen is None:
            return lower
        k = len(seen)
        return (seen[c] + k * lower) / (seen.total() + k)


@pytest.fixture(scope="module")
def split_names():
    names = load("names")
    return names, names.train.texts[:600], (*names.test.texts[:200], "zzzz", "q", "")


@pytest.mark.parametrize("max_table", [2**22, 0], ids=["tables", "sorted keys"])
def test_every_probability_is_the_formulas(split_names, max_table, monkeypatch):
    monkeypatch.setattr(ngrams, "_MAX_TABLE", max_table)
    monkeypatch.setattr(ngrams, "_TABLE_A_KEY", 0)
    names, train, test = split_names
    plain = PlainWittenBell(train, names.vocab_size, 6)
    model = NGrams(Documents.encode(train, names.vocabulary), names.vocab_size)
    found = list(model.probabilities(Documents.encode(test, names.vocabulary)))
    assert len(found) == 6
    places = [place for text in test for place in plain.places(text)]
    for order, p in enumerate(found, 1):
        wanted = [plain.p(order, context[6 - order :], c) for context, c in places]
        assert p.tolist() == wanted  # the same IEEE operations in the same order: equal bits


def test_probabilities_after_any_context_sum_to_one(split_names):
    names, train, _ = split_names
    model = NGrams(Documents.encode(train, names.vocabulary), names.vocab_size)
    for stem in ("", "a", "mari", "xqz"):
        texts = [stem + c for c in names.vocabulary] + [stem]  # every continuation, BOS too
        documents = Documents.encode(texts, names.vocabulary)
        ends = np.cumsum(documents.lengths + 1)
        for p in model.probabilities(documents):
            continuations = [*(p[ends[:-1] - 2]), p[ends[-1] - 1]]
            assert math.fsum(continuations) == pytest.approx(1.0, abs=1e-12)  # 27 roundings


def test_an_unseen_context_leaves_it_to_the_order_below():
    model = NGrams(Documents.encode(["ab", "ab"], "abc"), 4, max_order=2)
    p1, p2 = model.probabilities(Documents.encode(["ca"], "abc"))
    # order 1: 6 tokens of 3 kinds; c: (0 + 3/4) / 9, a: (2 + 3/4) / 9, BOS: (2 + 3/4) / 9
    assert p1.tolist() == [0.75 / 9, 2.75 / 9, 2.75 / 9]
    # BOS was followed twice by a alone; c never seen; a twice by b alone
    assert p2.tolist() == [(0.75 / 9) / 3, 2.75 / 9, (2.75 / 9) / 3]
