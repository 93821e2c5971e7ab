"""A command: it claps for an agent."""

from __future__ import annotations

import re

import pytest

from tests.support.additions import Addition, Copy, Registration, both, created, replaced

FILE = '''"""Applause: applaud."""

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
# What tests/shell/test_help.py demands of every command.
LAWS = """
import os
from pathlib import Path
from bandits.commands import COMMAND_SETS
from bandits.shell.app import BanditsShell
from tests.shell import test_help as laws
shell = BanditsShell(Path(os.environ["BANDITS_HOME"]), COMMAND_SETS)
examples = [line for lines in shell.overview().values() for line in lines]
assert "applaud 3" in examples
laws.test_every_command_has_one_example_that_its_parser_takes(shell, examples)
laws.test_the_overview_is_made_of_the_command_sets_in_their_order(shell, examples)
laws.test_every_option_says_what_it_means(shell)
shell.close()
"""


def use(copy: Copy) -> None:
    lines = copy.bandits("help", "applaud 3", "applaud 1 B", "help applaud", COLUMNS="80")
    overview, _, explained = lines.partition("A: clap clap clap\nB: clap\n")
    assert re.search(r"^Data and energy .*\nThe crowd {8}applaud 3 *\nShell ", overview, re.M)
    narrow = copy.bandits("help", COLUMNS="40")
    assert narrow.index("Data and energy: ") < narrow.index("The crowd: applaud\nShell: ")
    for columns, text in ((80, overview), (40, narrow)):
        assert max(map(len, text.splitlines())) <= columns
        assert len(text.splitlines()) < 24  # the prompt wants one
    assert "Usage: applaud [-h] CLAPS [AGENT]" in explained
    assert "Clap for an agent, as often as it deserves." in explained
    assert re.search(r"Examples:\n +applaud 3\n +applaud 3 B", explained)
    copy.python(LAWS)

    script = copy.run("-m", "bandits", "--print-completion", "bash")
    words = re.search(r'_bandits_commands\(\) \{ compgen -W "([^"]*)"', script)
    assert words is not None
    assert "applaud" in words[1].split()

    pytest.importorskip("argparse_manpage")
    copy.tool("man_page.py")
    page = (copy.folder / "docs" / "bandits.1").read_text("utf-8")
    assert ".TP\n.B applaud\nClap for an agent.\n" in page


ADDITION = Addition(
    title="a command",
    file="bandits/commands/applause.py",
    edit=created(FILE),
    registration=Registration(
        file="bandits/commands/__init__.py",
        edit=both(
            replaced(
                "from bandits.commands.battles import",
                "from bandits.commands.applause import ApplauseCommands\n"
                "from bandits.commands.battles import",
            ),
            replaced("    TutorialCommands,\n", "    ApplauseCommands,\n    TutorialCommands,\n"),
        ),
    ),
    use=use,
)
