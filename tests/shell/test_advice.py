"""What to type about an error: the library says what is wrong, the shell how to go on."""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bandits import errors
from bandits.agent.agent import AtHorizon, HasDiverged, NotFinite
from bandits.agent.champion import NotAChampion
from bandits.arena.arena import Arena
from bandits.arena.battles import FightsItself, NoMatchYet
from bandits.arena.desk import NoAgents
from bandits.arena.library import NoDataset
from bandits.arena.looking import LongCourse, UnreadableText
from bandits.arena.proof import ChampionNameTaken, UnknownText, UnknownTextToVerify
from bandits.errors import BanditsError
from bandits.model.batch_memory import BatchTooLarge
from bandits.model.settings import NoSuchSetting
from bandits.outfile import CannotWrite
from bandits.pages.leaderboard import NobodyToReport
from bandits.pictures.attention import LastLayer
from bandits.pictures.loss import NoLossYet
from bandits.pictures.panels import Note
from bandits.pictures.pareto import NothingSpent
from bandits.pictures.race import CurvesNotKept, NobodyRan, NotAMatch
from bandits.pictures.registration import TooManyAgents
from bandits.pictures.schedule import HorizonReached
from bandits.shell.advice import in_full
from bandits.store.agents import DamagedAgent, NameTaken, NoAgent
from tests.test_layers import dotted
from tests.test_words_to_type import BELOW, words_to_type

MATCH: Any = SimpleNamespace(match_id=3, name_a="Ada", name_b="B")
FULL = PermissionError(13, "Permission denied")
TOLD = [
    (NoSuchSetting("xyz"), "no setting 'xyz' (config lists them)"),
    (
        BatchTooLarge(4096, 5 * 2**30, 512),
        "batch_size=4096 needs 5.0 GiB at these sizes, at most 4: try config batch_size 512",
    ),
    (NoAgents("there are no agents"), "there are no agents; make one with create_agent NAME"),
    (
        NoAgent("no agent 'Adda'; did you mean 'Ada'?"),
        "no agent 'Adda'; did you mean 'Ada'? (agents lists them)",
    ),
    (
        NameTaken("agent name 'A' is taken"),
        "agent name 'A' is taken; choose another (agents lists them)",
    ),
    (DamagedAgent("agent 'A' is damaged"), "agent 'A' is damaged; delete_agent removes it"),
    (FightsItself("A"), "agent 'A' cannot fight itself; clone it: clone_agent A NAME"),
    (NoMatchYet("no match is recorded yet"), "no match is recorded yet; try 'battle A B 100'"),
    (NoDataset("no dataset or file 'x'"), "no dataset or file 'x' (dataset lists them)"),
    (
        ChampionNameTaken("agent name 'A' is taken"),
        "agent name 'A' is taken; load it under another: load FILE --as NAME",
    ),
    (UnknownText("it is not here"), "it is not here; open its text first: dataset FILE"),
    (
        UnknownTextToVerify("it is not here"),
        "it is not here; name its text: verify FILE --dataset TEXT",
    ),
    (UnreadableText("the text is empty", "marian"), "the text is empty; try --text marian"),
    (
        AtHorizon(1000, 1000),
        "nothing to train: it has reached its horizon of 1,000 steps, where the learning rate is 0; "
        "try config horizon 2000 or config schedule constant",
    ),
    (
        HasDiverged(38),
        "nothing to train: its loss stopped being finite after step 38, so it cannot learn; "
        "load an earlier champion or create a new agent",
    ),
    (
        NotFinite("Ada", "weights"),
        "agent Ada exploded: its weights are not finite; try 'visualize loss Ada'",
    ),
    (
        NotAChampion(Path("a.txt"), "is not a safetensors file"),
        "champion file 'a.txt' is not a safetensors file; `save` writes champions",
    ),
    (
        CannotWrite(Path("x/a.svg"), "picture", FULL),
        "picture 'x/a.svg': permission denied; try --save elsewhere.svg",
    ),
    (
        NobodyToReport("no agent of dataset 'few' to report on"),
        "no agent of dataset 'few' to report on; try 'create_agent Ada'",
    ),
    (LastLayer(3, 4), "layer 3, the last of 4; --layer 0 shows the first"),
    (NoLossYet("Ada"), "agent Ada has no loss yet; try 'train 100 Ada'"),
    (
        NothingSpent("no agent of few has spent energy yet"),
        "no agent of few has spent energy yet; try 'train 100'",
    ),
    (
        CurvesNotKept(MATCH),
        "match 3 was fought before matches kept their curves; battle Ada B again to see a race",
    ),
    (
        NobodyRan(MATCH),
        "match 3 has no race: neither side could train; try 'visualize schedule Ada B'",
    ),
    (NotAMatch("a race is one match, not 2"), "a race is one match, not 2; try 'visualize race 1'"),
    (
        HorizonReached("Ada", 1000),
        "Ada has reached its horizon of 1,000 steps: config horizon 2000 --agent Ada",
    ),
    (
        TooManyAgents("weights", ("A", "B")),
        "weights is a picture of one agent, not of 2; try 'visualize weights A'",
    ),
]
PROBLEMS = [problem for problem, _ in TOLD]


@pytest.mark.parametrize(("problem", "line"), TOLD, ids=lambda x: type(x).__name__)
def test_the_shell_says_what_to_type(problem: BanditsError | Note, line: str) -> None:
    assert in_full(problem) == line
    assert not words_to_type(str(problem))


def test_what_has_no_way_out_is_said_as_it_is() -> None:
    assert in_full(errors.InvalidValue("n_embd=0 is out of range")) == "n_embd=0 is out of range"
    assert (
        in_full("a line of the shell's own; try 'help'") == "a line of the shell's own; try 'help'"
    )


def test_what_to_type_names_an_agent_that_is_not_the_current_one(home: Path) -> None:
    with Arena(home) as arena:
        for name in ("A", "B"):
            arena.set_setting("horizon", "5", name)
            arena.train(5, name)
        told = {}
        for name in ("A", "B"):
            with pytest.raises(AtHorizon) as caught:
                arena.train(1, name)
            assert (caught.value.agent, caught.value.n_steps, caught.value.horizon) == (name, 5, 5)
            told[name] = in_full(caught.value)
    assert told["A"].endswith("; try config horizon 10 or config schedule constant")
    assert told["B"].endswith(
        "; try config horizon 10 --agent B or config schedule constant --agent B"
    )


def test_a_note_on_a_course_that_is_long_says_how_to_have_it() -> None:
    assert in_full(LongCourse("it is left out")) == "it is left out; --replay waits for it"


def classes_with_facts() -> Iterator[type]:
    """The errors and notes that have a class of their own below the shell, in its files."""
    for path in BELOW:
        name = dotted(path)
        if name == "bandits.errors":
            continue
        for thing in vars(importlib.import_module(name)).values():
            here = isinstance(thing, type) and thing.__module__ == name and thing is not Note
            if here and issubclass(thing, (BanditsError, Note)):
                yield thing


def test_each_class_of_its_own_has_its_words() -> None:
    assert {*classes_with_facts()} == {type(problem) for problem in PROBLEMS}


@pytest.mark.parametrize(
    "error", [p for p in PROBLEMS if isinstance(p, BanditsError)], ids=lambda e: type(e).__name__
)
def test_an_error_is_the_same_in_another_process(error: BanditsError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (type(error), str(error), vars(error))
    assert in_full(copy) == in_full(error)
