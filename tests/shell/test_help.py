"""`help`, near misses and Tab: what a player can find out without leaving the prompt."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bandits.commands import COMMAND_SETS
from bandits.errors import InvalidValue
from bandits.model.settings import SETTINGS, Settings
from bandits.shell.app import BanditsShell
from bandits.shell.help import OF_CMD2, all_commands, commands_of
from bandits.shell.parsing import CommandParser, actions_of
from tests.support.shelltools import commands, quick


@pytest.fixture
def shell(home: Path) -> Iterator[BanditsShell]:
    """A shell in this process."""
    opened = BanditsShell(home, COMMAND_SETS)
    yield opened
    opened.close()


@pytest.fixture
def examples(shell: BanditsShell) -> list[str]:
    """The overview's example of each command, in its order."""
    return [line for lines in shell.overview().values() for line in lines]


def parser_of(shell: BanditsShell, name: str) -> Any:
    func = shell.get_command_func(name)
    assert func is not None, name
    return shell.command_parsers.get(func)


def test_every_command_has_one_example_that_its_parser_takes(
    shell: BanditsShell, examples: list[str]
) -> None:
    assert sorted(line.split()[0] for line in examples) == sorted(shell.get_visible_commands())
    of_cmd2 = {line.split()[0]: line for line in OF_CMD2}
    for line in examples:
        name = line.split()[0]
        parser = parser_of(shell, name)
        assert isinstance(parser, CommandParser)
        assert parser.overview == line or of_cmd2[name] == line, f"{name} has no example"
        for example in (line, *parser.examples):
            assert shlex.split(example)[0] == name
            parser.parse_args(shlex.split(example)[1:])


def test_the_overview_is_made_of_the_command_sets_in_their_order(
    shell: BanditsShell, examples: list[str]
) -> None:
    overview = shell.overview()
    assert list(overview) == list(dict.fromkeys(s.DEFAULT_CATEGORY for s in COMMAND_SETS))
    for command_set in COMMAND_SETS:
        names = [line.split()[0] for line in overview[command_set.DEFAULT_CATEGORY]]
        assert [name for name in names if name in commands_of(command_set)] == commands_of(
            command_set
        )
    assert [line.split()[0] for line in examples] == all_commands(COMMAND_SETS)  # as completed


def test_every_option_says_what_it_means(shell: BanditsShell) -> None:
    for name in shell.get_visible_commands():
        for action in actions_of(parser_of(shell, name)):
            subcommands = action.nargs == argparse.PARSER
            assert action.help or subcommands, (name, action.dest)


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (40, 24), (120, 40)])
def test_help_fits_a_screen_and_names_all(
    home: Path, examples: list[str], columns: int, rows: int
) -> None:
    text = commands(home, "help", env={"COLUMNS": str(columns)})
    lines = text.splitlines()
    assert len(lines) < rows  # the prompt wants one
    assert max(map(len, lines)) <= columns
    for line in examples:
        shown = line if columns >= 78 else line.split()[0]
        assert re.search(rf"(^|  |[,:] ){re.escape(shown)}(,| |$)", text, re.MULTILINE), line


def test_a_setting_explains_itself(home: Path) -> None:
    lines = [f"{way} {key}" for key in SETTINGS for way in ("config", "help", "help config")]
    text = commands(home, *lines)
    for key, setting in SETTINGS.items():
        assert text.count(f"  default: {setting.default}\n  allowed: {setting.allowed}\n") >= 3
        assert f"config {key} default" in text
        for value in setting.usual:
            Settings().with_value(key, value)


def test_the_range_that_is_shown_is_the_range_that_is_checked() -> None:
    assert str(SETTINGS["batch_size"].allowed) == "a whole number, 1 to 4,096"
    assert str(SETTINGS["beta1"].allowed) == "a number, 0 to below 1"
    assert str(SETTINGS["temperature"].allowed) == "a number, 0.01 to 100"
    assert str(SETTINGS["learning_rate"].allowed) == "a number, 0 or more"
    for key, inside, outside in (
        ("batch_size", "4096", "4097"), ("batch_size", "1", "0"), ("beta1", "0", "1"),
        ("temperature", "100", "101"), ("temperature", "0.01", "0.009"), ("learning_rate", "0", "-1"),
    ):  # fmt: skip
        Settings().with_value(key, inside)
        with pytest.raises(InvalidValue):
            Settings().with_value(key, outside)


NEAR_MISSES = {
    "trian 5": "train",
    "help trian": "train",
    "help learning_rat": "learning_rate",
    "train 5 --backgruond": "--background",
    "generate --sed 3": "--seed",
    "evaluate --split tset": "test",
    "alias crate x y": "create",
    "switch_agent AA": "A",
    "config batchsize 4": "batch_size",
    "config schedule linera": "linear",
    "help config horizn": "horizon",
    "dataset nams": "names",
    "visualize los": "loss",
    "tutorial skp": "skip",
    "export scrpt x": "script",
}
NONSENSE = ["help \x1b[31m", "help 'a b'", "train 5 --x\x1b[1m", "help " + "x" * 999]


def test_a_near_miss_is_answered_with_what_was_meant_and_nonsense_with_one_line(home: Path) -> None:
    lines = [*NEAR_MISSES, *NONSENSE]
    done = quick(home, "--keep-going", *(word for line in lines for word in ("-c", line)))
    assert (done.returncode, done.stdout) == (1, "")
    answers = done.stderr.splitlines()
    assert len(answers) == len(lines)
    for answer, meant in zip(answers, NEAR_MISSES.values(), strict=False):
        assert f"did you mean '{meant}'?" in answer
    for answer in answers:
        assert answer.startswith("error: ")
        assert answer.isprintable()
        assert len(answer) < 400


def test_tab_completes_all_that_can_be_named(home: Path, tmp_path: Path) -> None:
    terminal_tools = pytest.importorskip("tests.support.terminal")
    (tmp_path / "contest.txt").write_text("agents\n")
    terminal = terminal_tools.Terminal(home)
    try:
        terminal.wait(r"\nA>")
        for keys, completed in (
            ("tutor\t", "tutorial"),
            ("train 100 \t\t", r"B +8/1/2, 0 steps"),
            ("battle A B 5 --exh\t", "--exhibition"),
            ("config sched\t", "schedule"),
            ("config schedule cos\t", "cosine"),
            ("config batch_size \t\t", r"4\s+16\s+default"),
            ("config temperature 1 --agent \t\t", r"B +8/1/2, 0 steps"),
            ("evaluate --split val\t", "validation"),
            ("dataset na\t", "names"),
            ("dataset con\t", r"dataset contest\.txt"),
            ("run_script con\t", r"run_script contest\.txt"),
            ("export script con\t", r"export script contest\.txt"),
            ("visualize gra\t", "gradients"),
            ("help config ho\t", "horizon"),
            ("help leader\t", "leaderboard"),
            ("tutorial res\t", "restart"),
            ("report lea\t", "leaderboard"),
        ):
            terminal.process.send("\x15" + keys)
            terminal.wait(rf"{completed}\s*")
        terminal.process.send("\x15")
        assert terminal.end() == 0
    finally:
        terminal.process.close(force=True)
