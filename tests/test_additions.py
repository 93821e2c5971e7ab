"""One addition is one file and one registration: each is made in a copy of the package, and used there.

Whoever adds a kind of thing that others may add puts a file with an `Addition` into tests/additions/, and a
row into "Where to put things" of docs/ARCHITECTURE.md; the two are held to each other.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.additions import ADDITIONS
from tests.support.additions import PLAY_ON, Addition, Copy, behind
from tests.support.paths import ROOT

NOT_PERFORMED = {"a kernel"}  # two files of csrc and one of bandits/model, compiled


@pytest.mark.parametrize("addition", ADDITIONS, ids=lambda addition: addition.title)
def test_one_file_and_one_registration_are_enough(addition: Addition, tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    copy.make(addition)
    addition.use(copy)


def test_the_architecture_says_where_things_are_put_as_they_are_put_here() -> None:
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text("utf-8")
    _, _, table = text.partition("## Where to put things")
    rows = re.findall(r"^\| (an? [^|]+) \| ([^|]+) \| ([^|]+) \|$", table.partition("##")[0], re.M)
    places = {title.strip(): (copy, register) for title, copy, register in rows}
    assert set(places) == NOT_PERFORMED | {addition.title for addition in ADDITIONS}
    for addition in ADDITIONS:
        to_copy, register = places[addition.title]
        is_new = not (ROOT / addition.file).exists()
        assert (addition.file.rpartition("/")[0] if is_new else addition.file) in to_copy
        if addition.registration is not None:
            assert addition.registration.file.removesuffix("__init__.py") in register
        else:
            assert "bandits/" not in register


# ---------------------------------------------------------- what is remembered

# Of sizes and meters there is a field each, whose use lies elsewhere; what is stored has to outlive it.
FIELDS = {
    "a size": (
        "bandits/model/config.py",
        behind("    block_size: int = 16", "    mlp_ratio: int = 4"),
        "from bandits import GPTConfig\n"
        "assert 'mlp_ratio' not in GPTConfig().identity()\n"
        "assert GPTConfig(mlp_ratio=2).identity()['mlp_ratio'] == 2\n"
        "assert GPTConfig.from_dict({'n_embd': 8}).mlp_ratio == 4\n",
    ),
    "a meter of energy": (
        "bandits/model/energy.py",
        behind("    evaluation: int = 0", "    search: int = 0"),
        "from bandits.model.energy import Energy\n"
        "assert Energy(1, 2, 3, 4).total == 10\n"
        "assert Energy(search=4) + Energy(1, search=3) - Energy(search=2) == Energy(1, search=5)\n"
        "assert Energy.from_dict({'training': 1}).search == 0\n",
    ),
}


@pytest.mark.parametrize("what", FIELDS)
def test_what_was_remembered_outlives_a_field_more(what: str, tmp_path: Path) -> None:
    file, edit, use = FIELDS[what]
    copy = Copy(tmp_path)
    copy.edit(file, edit)
    assert copy.changed() == {file}
    copy.python(use + PLAY_ON)
