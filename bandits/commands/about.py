"""What is running: about."""

from __future__ import annotations

import argparse
import platform

import cmd2
import numpy as np
from rich.text import Text

from bandits.commands.base import BanditsCommands
from bandits.shell.parsing import CommandParser, add_json, parser
from bandits.terminal.text import shown, tilde
from bandits.version import __version__


def _about_parser() -> CommandParser:
    command = parser(
        "Show the versions, the instruction set of the engine, the home folder and the dataset.",
        "about",
        "about --json",
    )
    add_json(command)
    return command


class AboutCommands(BanditsCommands):
    """The small print."""

    DEFAULT_CATEGORY = "Shell"

    @cmd2.with_argparser(_about_parser)
    def do_about(self, args: argparse.Namespace) -> None:
        """Show versions, the engine, the home folder and the dataset."""
        from importlib.metadata import version

        from bandits.model.builds import handicap, isa

        facts = {
            "version": __version__,
            "instruction_set": isa(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "cmd2": version("cmd2"),
            "home": str(self.arena.home),
            "dataset": self.arena.dataset_name,
            "agent": self.arena.current,
        }
        if args.json:
            self.say_json(facts)
            return
        lines = {
            "bandits": __version__,
            "engine": f"{isa()} (BANDITS_ISA chooses another)",
            "python": f"{facts['python']}, numpy {facts['numpy']}, cmd2 {facts['cmd2']}",
            "home": f"{tilde(self.arena.home)} (BANDITS_HOME chooses another)",
            "dataset": shown(self.arena.dataset_name),
            "agent": self.arena.current or "none",
        }
        for key, value in lines.items():
            self.say(f"{key:<8} {value}")
        if reason := handicap():
            self.say(Text(reason, style="yellow"))
