"""A ruleset as a stranger would add one: other documents, other luck, another score, other leagues.

tests/contest/test_rulesets.py fights under it; tests/additions/ruleset.py puts this file into a copy of the
package, beside ruleset_1.py, and registers it there.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from itertools import accumulate

import numpy as np

from bandits.contest.house import House
from bandits.contest.judgement import Bool, Judgement
from bandits.contest.rules.ruleset import Validity
from bandits.contest.rules.ruleset_1 import Ruleset1
from bandits.model.documents import Documents
from bandits.model.energy import Energy
from bandits.model.exact import Float, Int
from bandits.model.gpt import GPT


class AnotherRuleset(Ruleset1):
    """Three flags per document make its C, weights make its seed, vowels make it valid."""

    number = 99
    n_samples = 400

    def validity(self, house: House) -> Validity:
        """Return the test of a name that somebody could shout."""

        def has_a_vowel(documents: Documents) -> Bool:
            return np.array([bool(set("aeiou") & set(text)) for text in documents.texts])

        return has_a_vowel

    def writing_seed(self, model: GPT, seed: int) -> int:
        """Return a seed that changes with the weights."""
        weights = b"".join(array.tobytes() for array in model.state_dict().values())
        digest = sha256(weights + b"\0" + str(seed).encode()).digest()
        return int.from_bytes(digest[:8], "big") % 2**63

    def flags(self, judgement: Judgement) -> list[Bool]:
        """Return the first valid occurrences, the copies of train, and those of the held-out documents."""
        written = judgement.written
        return [
            written.valid & written.first,
            written.ended & written.in_train,
            written.ended & written.in_held_out,
        ]

    def creativity(self, sums: Int, judgement: Judgement) -> Float:
        """Return what is valid and distinct, less the copies beyond those that a model hits by chance."""
        distinct, copied, hits = sums.astype(np.float64)
        by_chance = hits * judgement.n_train / judgement.n_held_out
        found = distinct - np.maximum(0.0, copied - by_chance)
        return np.asarray(np.maximum(0.0, found) / len(judgement.written), np.float64)

    def league_bits(self, h: Sequence[float]) -> dict[str, float]:
        """Return bars that never rise from one league to the next."""
        _, bronze, gold, platinum = accumulate(h[:4], min)
        bars = (platinum, gold, (bronze + gold) / 2, bronze)
        return dict(zip(self.leagues, bars, strict=True))

    def ranking_flops(self, energy: Energy) -> int:
        """Return what training took."""
        return energy.training


ANOTHER_RULESET = AnotherRuleset()
