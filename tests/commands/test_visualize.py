"""`visualize` as a player meets it: in terminals of every kind, in pipes, with and without a viewer."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from bandits.arena.arena import Arena
from bandits.commands import COMMAND_SETS
from bandits.commands.pictures import PictureCommands
from bandits.pictures import PLOTS
from bandits.shell.app import BanditsShell
from tests.support.shelltools import bandits, commands, quick
from tests.support.terminal import Terminal

LONG = "W" * 32
SKETCHES = [f"visualize {what} --terminal" for what in PLOTS]


@pytest.fixture(scope="module")
def fought(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose current agent has trained, and a match against one of a long name."""
    home = tmp_path_factory.mktemp("home")
    with Arena(home) as arena:
        arena.create_agent(LONG, n_embd=8, n_layer=2, n_head=2)
        arena.train(30, LONG)
        arena.battle("A", LONG, 200)
        arena.switch_agent("A")
    return home


@pytest.fixture
def played(fought: Path, home: Path) -> Path:
    """A copy of that home."""
    shutil.copytree(fought, home)
    return home


@pytest.mark.parametrize("columns", [40, 80])
def test_every_picture_fits_every_terminal_and_needs_neither_colour_nor_unicode(
    played: Path, columns: int
) -> None:
    env = {"COLUMNS": str(columns), "LINES": "24", "NO_COLOR": "1", "PYTHONIOENCODING": "ascii"}
    printed = commands(played, *SKETCHES, f"visualize loss A {LONG} --terminal", env=env)
    assert printed.isascii()
    lines = printed.splitlines()
    assert max(map(len, lines)) <= columns
    assert len(lines) <= (22 if columns >= 80 else 40) * (len(SKETCHES) + 1)


def test_at_a_terminal_every_picture_fits_with_its_command_and_the_next_prompt(
    played: Path,
) -> None:
    terminal = Terminal(played)
    try:
        terminal.wait(r"\nA>")
        for line in SKETCHES:
            terminal.type(f"{line}\r")
            screen = [row.rstrip() for row in terminal._screen.display]
            assert f"A> {line}" in screen
            assert "A>" in screen[screen.index(f"A> {line}") + 1 :]
        assert "\x1b[38;5;32m" in terminal.raw  # the house's blue
        assert re.search(r"\x1b\[48;5;\d+m  ", terminal.raw)  # a heat map's cells
        assert terminal.end() == 0
    finally:
        terminal.process.close(force=True)


def test_the_signs_of_a_sketch_stand_for_its_values(played: Path) -> None:
    printed = commands(played, f"visualize loss A {LONG} --terminal")
    assert re.search(r"^a A .*   b W+…?W* ", printed, re.M)  # the legend's letters end the curves
    assert printed.count("bigram") == 1
    braille = [c for c in printed if "⠁" <= c <= "⣿"]
    assert len(braille) > 50
    assert (played / "pictures").exists() is False  # nothing was written


def test_tab_offers_the_matches_of_a_race_and_the_agents_of_all_else(played: Path) -> None:
    shell = BanditsShell(played, COMMAND_SETS)
    try:
        (pictures,) = shell.find_commandsets(PictureCommands)
        assert isinstance(pictures, PictureCommands)
        matches = [item.text for item in pictures.of_choices({"what": ["race"]}).items]
        agents = [item.text for item in pictures.of_choices({"what": ["loss"]}).items]
    finally:
        shell.close()
    assert (matches, agents) == (["1"], ["A", "B", LONG])


def test_a_path_is_one_line_however_narrow_the_pipe(played: Path, tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 30)
    folder.mkdir()
    printed = commands(played, f"visualize weights --save {folder}/w.svg", env={"COLUMNS": "40"})
    assert f"weights of A: {folder}/w.svg\n" in printed
    assert (folder / "w.svg").read_text().startswith("<?xml")


def test_what_looking_costs_is_said_and_charged(played: Path) -> None:
    def spent() -> int:
        with Arena(played) as arena:
            return arena.energy("A").evaluation

    before = spent()
    printed = commands(played, "visualize attention --terminal", "visualize loss --terminal")
    said = re.findall(r"^energy (.*)$", printed, re.M)
    assert len(said) == 1
    assert said[0].endswith("FLOP")
    assert spent() > before


REFUSED = [
    ("visualize", "missing WHAT"),
    ("visualize los", r"no picture 'los'; did you mean 'loss'\?"),
    ("visualize \x1b[31m", r"no picture '\\x1b"),
    ("visualize loss Nobody", "no agent 'Nobody'"),
    ("visualize loss B", "B has no loss yet; try 'train 100 B'"),
    ("visualize weights A B", "a picture of one agent, not of 2; try 'visualize weights A'"),
    ("visualize pareto Nobody", "no agent 'Nobody'"),
    ("visualize race 1 2", "a race is one match, not 2"),
    ("visualize race 12345678901234567890", "is not the number of a match"),
    ("visualize race 77", "no match 77"),
    ("visualize loss --text anna", "visualize loss does not take --text; try 'visualize loss"),
    ("visualize attention --layer one", "layer=one is not a whole number"),
    ("visualize attention --layer 9", "layer=9 is not one of A's"),
    ('visualize attention --text ""', "the text is empty"),
    ("visualize attention --text Käthe", "'K' is not in the vocabulary of names"),
    ("visualize loss --save", "expected"),
    ("visualize loss --save ~nobody-at-all/a.png", "its folder does not exist"),
    ("visualize loss --save /nowhere/a.png", "its folder does not exist"),
    ("visualize loss --save a.gif", "must end in .png, .svg or .pdf; try a.png"),
    ("visualize loss --save /dev/null/a.png", "picture '/dev/null/a.png'"),
]


def test_bad_input_is_one_line_and_free(played: Path) -> None:
    with Arena(played) as arena:
        before = [row.energy for row in arena.agents()]
    words = [word for line, _ in REFUSED for word in ("-c", line)]
    done = quick(played, "--keep-going", *words)
    assert done.returncode == 1
    errors = done.stderr.splitlines()
    assert len(errors) == len(REFUSED), done.stderr
    for error, (line, expected) in zip(errors, REFUSED, strict=True):
        assert re.match("error: ", error), line
        assert re.search(expected, error), f"{line}: {error}"
    with Arena(played) as arena:
        assert [row.energy for row in arena.agents()] == before


@pytest.mark.skipif(sys.platform != "linux", reason="the name of the viewer is Linux's")
def test_show_hands_the_file_to_the_viewer(played: Path, tmp_path: Path) -> None:
    viewer = tmp_path / "bin" / "xdg-open"
    viewer.parent.mkdir()
    viewer.write_text(
        f'#!/bin/sh\necho "$1" > {tmp_path}/shown.new\nmv {tmp_path}/shown.new {tmp_path}/shown\n'
    )
    viewer.chmod(0o755)
    env = {"DISPLAY": ":0", "PATH": f"{viewer.parent}:{os.environ['PATH']}"}
    commands(
        played,
        "visualize schedule --show",
        f"shell while [ ! -e {tmp_path}/shown ]; do :; done",
        env=env,
    )
    assert (tmp_path / "shown").read_text() == f"file://{played}/pictures/A-schedule.png\n"


@pytest.mark.skipif(sys.platform != "linux", reason="other desktops always have a viewer")
def test_without_a_display_nothing_is_shown_and_nothing_paid(played: Path, tmp_path: Path) -> None:
    """Not even by a browser in the terminal, which the standard library would fall back on."""
    lynx = tmp_path / "bin" / "lynx"
    lynx.parent.mkdir()
    lynx.write_text(f"#!/bin/sh\ntouch {tmp_path}/shown\n")
    lynx.chmod(0o755)
    env = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "BROWSER": ""}
    with Arena(played) as arena:
        before = arena.energy("A")
    for path in (os.environ["PATH"], f"{lynx.parent}:{os.environ['PATH']}"):
        done = bandits(played, "-c", "visualize attention --show", env={**env, "PATH": path})
        assert done.returncode == 1
        assert done.stderr == (
            "error: no window can be opened here: there is no display; "
            "leave --show out, or try --terminal\n"
        )
    assert not (tmp_path / "shown").exists()
    with Arena(played) as arena:
        assert arena.energy("A") == before
