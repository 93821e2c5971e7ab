"""ARCHITECTURE.md's row "a command", done as a stranger would: a copy, one new file, its registration."""

from __future__ import annotations

import filecmp
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.shelltools import environment

NEW_FILE = '''"""Applause: applaud."""

from __future__ import annotations

import argparse

import cmd2

from bandits.commands.base import BanditsCommands, add_agent
from bandits.shell.parsing import CommandParser, parser, whole_number


def _applaud_parser() -> CommandParser:
    command = parser("Clap for an agent, as often as it deserves.", "applaud 3", "applaud 3 B")
    command.add_argument("claps", metavar="CLAPS", help="how many")
    add_agent(command)
    return command


class ApplauseCommands(BanditsCommands):
    """What a crowd does."""

    DEFAULT_CATEGORY = "The crowd"

    @cmd2.with_argparser(_applaud_parser)
    def do_applaud(self, args: argparse.Namespace) -> None:
        """Clap for an agent."""
        claps = whole_number(args.claps, "claps", "applaud 3")
        self.say(f"{args.agent or self.arena.current}: {' '.join(['clap'] * claps)}")
'''
REGISTRATION = {  # of bandits/commands/__init__.py: what stands before what
    "from bandits.commands.applause import ApplauseCommands\n": "from bandits.commands.battles import",
    "    ApplauseCommands,\n": "    TutorialCommands,\n",
}
COPIED = ("bandits", "tools", "tests", "docs", "pyproject.toml")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository, with a command set that was not there."""
    folder = tmp_path_factory.mktemp("clone")
    ignored = shutil.ignore_patterns("__pycache__", "images")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder)
    (folder / "bandits" / "commands" / "applause.py").write_text(NEW_FILE)
    registry = folder / "bandits" / "commands" / "__init__.py"
    text = registry.read_text()
    for line, before in REGISTRATION.items():
        assert text.count(before) == 1
        text = text.replace(before, line + before)
    registry.write_text(text)
    return folder


def python(clone: Path, home: Path, *arguments: str) -> str:
    """What Python prints that runs in the copy."""
    path = os.pathsep.join([str(clone), str(clone / "tools")])
    done = subprocess.run(
        [sys.executable, *arguments], cwd=clone, env=environment(home, PYTHONPATH=path),
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def changed(mine: Path, theirs: Path) -> set[str]:
    """The files of a tree that the other has not, or has with other bytes."""
    files = [path for path in mine.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {
        str(path.relative_to(mine))
        for path in files
        if not (other := theirs / path.relative_to(mine)).is_file()
        or not filecmp.cmp(path, other, shallow=False)
    }


def test_a_command_is_one_file_and_its_registration(clone: Path, home: Path) -> None:
    said = python(clone, home, "-m", "bandits", "-c", "applaud 3", "-c", "applaud 1 B")
    assert said == "A: clap clap clap\nB: clap\n"
    assert changed(clone / "bandits", ROOT / "bandits") == {
        "commands/__init__.py",
        "commands/applause.py",
    }


def test_help_has_it_with_its_example_and_its_category(clone: Path, home: Path) -> None:
    overview = python(clone, home, "-m", "bandits", "-c", "help").splitlines()
    above = [line.split("  ")[0] for line in overview].index("Data and energy")
    assert re.match(r"The crowd {8}applaud 3 *$", overview[above + 1])
    explained = python(clone, home, "-m", "bandits", "-c", "help applaud")
    assert "Usage: applaud [-h] CLAPS [AGENT]" in explained
    assert "Clap for an agent, as often as it deserves." in explained
    assert re.search(r"Examples:\n +applaud 3\n +applaud 3 B", explained)


def test_shells_complete_it_and_the_man_page_names_it(clone: Path, home: Path) -> None:
    pytest.importorskip("shtab")
    pytest.importorskip("argparse_manpage")
    script = python(clone, home, "-m", "bandits", "--print-completion", "bash")
    words = re.search(r'_bandits_commands\(\) \{ compgen -W "([^"]*)"', script)
    assert words is not None
    assert "applaud" in words[1].split()
    page = python(clone, home, "-c", "import man_page; print(man_page.page())")
    assert ".TP\n.B applaud\nClap for an agent.\n" in page


def test_the_laws_of_help_hold_for_it(clone: Path, home: Path) -> None:
    laws = "example or overview or option or fits"
    python(clone, home, "-m", "pytest", "-q", "-n", "0", "tests/shell/test_help.py", "-k", laws)
