"""A dataset: words of two syllables."""

from __future__ import annotations

import json
import re

from tests.support.additions import Addition, Copy, Registration, behind, completing, created


def use(copy: Copy) -> None:
    text = copy.bandits(
        "dataset",
        "dataset syllables",
        "create_agent Reader 8 1 2",
        "train 200",
        "generate 10",
        "verify Reader",
        "leaderboard",
    )
    assert re.search(r"syllables +400", text)
    assert "dataset syllables" in text
    assert "Reader is verified" in text
    assert re.search(r"^(1|-) +Reader ", text, re.MULTILINE)  # the leaderboard
    assert json.loads(copy.python(completing("dataset syl"))) == [["syllables"]]


ADDITION = Addition(
    title="a dataset",
    file="bandits/datasets/syllables.py",
    edit=created(
        '"""Words of two syllables, all that a few letters make."""\n\n'
        "from __future__ import annotations\n\n"
        "from itertools import product\n\n"
        "from bandits.datasets.builtin import BUILTIN\n"
        "from bandits.datasets.dataset import Dataset\n\n\n"
        '@BUILTIN.register("syllables")\n'
        "def syllables() -> Dataset:\n"
        '    """400 words of two syllables."""\n'
        '    words = map("".join, product("bdgk", "aeiou", "lmnr", "aeiou"))\n'
        '    return Dataset.from_documents(words, name="syllables")\n'
    ),
    registration=Registration(
        file="bandits/datasets/__init__.py",
        edit=behind(
            "from __future__ import annotations\n",
            "from bandits.datasets import syllables as _syllables  # noqa: F401",
        ),
    ),
    use=use,
)
