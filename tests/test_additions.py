"""One addition is one file and one registration: each is made in a copy of the package, and used there.

Whoever adds a kind of thing that others may add puts an `Addition` into ADDITIONS, and a row into
"Where to put things" of docs/ARCHITECTURE.md; the two are held to each other.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.additions import Addition, Copy, Line, behind, both, created, replaced
from tests.support.paths import ROOT
from tests.support.shelltools import commands, quick

SETTINGS = "bandits/model/settings.py"
# Rows of the table that no test performs: each is more than a file and a line, or has tests of its own.
NOT_PERFORMED = {
    "a command",
    "a picture",
    "a sign of `diagnose`",
    "an error with a way out to type",
    "a kernel",
    "a table or a column of arena.db",
    "an error that a player can cause",
}

# Programs for a copy.  This one opens what an earlier build left behind, in a folder of its own.
PLAY_ON = """
from pathlib import Path
from tempfile import TemporaryDirectory
from tests.support.earlier import left_behind, play_on
with TemporaryDirectory() as folder:
    play_on(left_behind(Path(folder) / "earlier"))
"""
VERIFY_THE_EARLIER_MATCH = """
from pathlib import Path
from tempfile import TemporaryDirectory
from bandits.arena.arena import Arena
from tests.support.earlier import left_behind
with TemporaryDirectory() as folder, Arena(left_behind(Path(folder) / "earlier")) as arena:
    assert arena.match(1).ruleset == 1
    assert arena.verify_match(1).verified
"""
COURSES = """
import json
from bandits.agent.course import course_as_dict
from bandits.arena.arena import Arena
with Arena() as arena:
    print(json.dumps([course_as_dict(arena.agent(name).course)["segments"] for name in ("A", "B")]))
"""


def completing(*lines: str) -> str:
    """Return the program that prints, as JSON, what Tab offers at the end of each line."""
    return f"""
import json, os
from pathlib import Path
from bandits.commands import COMMAND_SETS
from bandits.shell.app import BanditsShell
shell, found = BanditsShell(Path(os.environ["BANDITS_HOME"]), COMMAND_SETS), []
for line in {lines!r}:
    word = line.rpartition(" ")[2]
    found.append(shell.complete(word, line, len(line) - len(word), len(line)).items)
print(json.dumps([[item.text for item in items] for items in found]))
shell.close()
"""


def check_config(copy: Copy, printed: str) -> None:
    """Fail unless the JSON that ends what was printed is `config --json` by the copy's schema, made anew."""
    jsonschema = pytest.importorskip("jsonschema")
    copy.tool("json_page.py")
    schema = json.loads((copy.folder / "docs" / "schema" / "commands.json").read_text("utf-8"))
    part = {"$defs": schema["$defs"], "$ref": "#/$defs/config"}
    jsonschema.Draft202012Validator(part).validate(json.loads(printed[printed.index("\n{") :]))


# ---------------------------------------------------------- a setting


def use_the_setting(copy: Copy) -> None:
    text = copy.bandits(
        "config",
        "help damping",
        "config damping 0.25",
        "config learning_rate 0.02",
        "train 30",
        "config damping default",
        "train 30",
        "verify A",
        "save Ada",
        "load Ada --as Twin",
        "verify Ada.safetensors Twin",
        "battle Twin B 20",
        "verify 1",
        "config --json",
    )
    assert re.search(r"damping +0\.0 +share of the learning rate that is held back", text)
    assert "allowed: a number, 0 to 1" in text
    assert "A: damping = 0.0 → 0.25" in text
    assert "learning rate now 0.01455" in text  # (1 - 0.25) * 0.02 * (1 - 30 / 1000)
    assert text.count(" verified: ") == 4
    check_config(copy, text)
    assert "| `damping` | number |" in (copy.folder / "docs" / "JSON.md").read_text("utf-8")
    tab = completing("config dam", "config damping ")
    courses, (keys, values) = map(json.loads, copy.python(COURSES + tab + PLAY_ON).splitlines())
    assert courses == [
        [
            {"first_step": 0, "learning_rate": 0.02, "damping": 0.25},
            {"first_step": 30, "damping": 0.0},
        ],
        [{"first_step": 0}],
    ]
    assert (keys, values) == (["damping"], ["0", "0.5", "default"])


A_SETTING = Addition(
    title="a setting of agents",
    file=SETTINGS,
    edit=both(
        replaced(
            "    temperature: float = _setting(\n",
            "    damping: float = _setting(\n"
            "        0.0,\n"
            "        Number(at_least=0.0, at_most=1.0),\n"
            '        "share of the learning rate that is held back",\n'
            '        usual=("0", "0.5"),\n'
            "    )\n"
            "    temperature: float = _setting(\n",
        ),
        replaced(
            "        return schedules.learning_rates(\n",
            "        return (1.0 - self.damping) * schedules.learning_rates(\n",
        ),
    ),
    use=use_the_setting,
)


# ---------------------------------------------------------- a schedule


def use_the_schedules(copy: Copy) -> None:
    text = copy.bandits(
        "help schedule",
        *(f"config horizon 20 --agent {name}" for name in ("A", "B")),
        "config schedule square",
        "train 50",
        "config schedule root --agent B",
        "train 50 B",
        "diagnose B",
        "verify A B",
        "battle A B 10",
        "visualize schedule A B --terminal",
        "config --json --agent B",
    )
    assert "linear, cosine, square (all fall to 0 at the horizon), constant or root" in text
    assert "A is at step 20" in text
    assert text.count("the schedule is complete: at the horizon of 20 steps") == 1
    assert "B is at step 50" in text
    assert "learning rate now 0.005345" in text  # 0.01 / sqrt(1 + 50 / 20)
    assert text.count(" verified: ") == 2
    assert re.search(r"at its horizon: it trained 0 of the steps", text)  # A, and not B
    assert "to come (root)" in text
    check_config(copy, text)
    assert json.loads(copy.python(completing("config schedule ro"))) == [["root"]]


A_SCHEDULE = Addition(
    title="a learning-rate schedule",
    file="bandits/model/schedules.py",
    edit=replaced(
        "def learning_rates(\n",
        '@schedule("square", ends=True)\n'
        "def square(step: Float, horizon: int) -> Float:\n"
        '    """(1 - step / horizon)^2."""\n'
        "    return (1.0 - step / horizon) ** 2\n\n\n"
        '@schedule("root", ends=False)\n'
        "def root(step: Float, horizon: int) -> Float:\n"
        '    """1 / sqrt(1 + step / horizon)."""\n'
        "    return 1.0 / np.sqrt(1.0 + step / horizon)\n\n\n"
        "def learning_rates(\n",
    ),
    use=use_the_schedules,
)


# ---------------------------------------------------------- a dataset


def use_the_dataset(copy: Copy) -> None:
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


A_DATASET = Addition(
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
    registration=Line(
        file="bandits/datasets/__init__.py",
        behind="from __future__ import annotations",
        text="from bandits.datasets import syllables as _syllables  # noqa: F401",
    ),
    use=use_the_dataset,
)


# ---------------------------------------------------------- a ruleset


def use_the_ruleset(copy: Copy) -> None:
    def scores(printed: str) -> list[float]:
        board, _ = json.JSONDecoder().raw_decode(printed[printed.index("[\n") :])
        return [row["score"] for row in board]

    first = commands(copy.home, "battle A B 150", "leaderboard --json")  # before the addition
    assert "ruleset 1 " in first  # on the card
    text = copy.bandits("leaderboard --json", "battle A B 150", "verify 1 2")
    assert scores(text) != scores(first)  # those kept are ruleset 1's: all are judged anew
    assert "ruleset 99 " in text
    assert "2 of 2 verified" in text
    copy.python(VERIFY_THE_EARLIER_MATCH)
    without = quick(copy.home, "-c", "verify 1 2")
    assert "match 1 is verified" in without.stdout
    assert "under ruleset 99, which this version of bandits does not know" in without.stderr


A_RULESET = Addition(
    title="a ruleset",
    file="bandits/contest/rules/ruleset_99.py",
    edit=both(
        created((ROOT / "tests" / "support" / "another_ruleset.py").read_text("utf-8")),
        both(
            replaced("ruleset import Validity\n", "ruleset import Validity, register\n"),
            replaced("= AnotherRuleset()\n", "= register(AnotherRuleset())\n"),
        ),
    ),
    registration=Line(
        file="bandits/contest/rules/__init__.py",
        behind="from __future__ import annotations",
        text="from bandits.contest.rules import ruleset_99 as _ruleset_99  # noqa: F401",
    ),
    use=use_the_ruleset,
)


# ---------------------------------------------------------- all of them

ADDITIONS = (A_SETTING, A_SCHEDULE, A_DATASET, A_RULESET)


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
        copy, register = places[addition.title]
        folder = addition.file.rpartition("/")[0]
        assert folder in copy, addition.title
        if addition.registration is not None:
            assert addition.registration.file.removesuffix("__init__.py") in register
        else:
            assert addition.file in copy


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
