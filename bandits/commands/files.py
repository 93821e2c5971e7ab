"""Champion files: save, load."""

from __future__ import annotations

import argparse

import cmd2

from bandits.commands.base import BanditsCommands, add_agent_option, path_of
from bandits.shell.parsing import CommandParser, parser
from bandits.terminal.text import hint, plural, tilde


def _save_parser() -> CommandParser:
    command = parser(
        "Write an agent to a champion file, to keep or to hand to a rival. Left out, the file is "
        "NAME.safetensors in the current folder.",
        "save",
        "save ~/champions/ada.safetensors --agent Ada",
    )
    command.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        help="the file to write, or a folder; an earlier champion there is replaced",
        completer=cmd2.Cmd.path_complete,
    )
    add_agent_option(command)
    return command


def _load_parser() -> CommandParser:
    command = parser(
        "Read an agent from a champion file and make it the current one.",
        "load ada.safetensors",
        "load ada.safetensors --as Rival",
        overview="load ada",
    )
    command.add_argument(
        "file",
        metavar="FILE",
        help="what `save` wrote; its ending may be left out",
        completer=cmd2.Cmd.path_complete,
    )
    command.add_argument(
        "--as", dest="name", metavar="NAME", help="a name in this arena; else the file's own"
    )
    return command


class FileCommands(BanditsCommands):
    """Agents that travel."""

    DEFAULT_CATEGORY = "Agents"

    @cmd2.with_argparser(_save_parser)
    def do_save(self, args: argparse.Namespace) -> None:
        """Write an agent to a champion file."""
        name = args.agent or self.arena.current
        path = self.arena.save(path_of(args.file) if args.file is not None else None, args.agent)
        self.say(f"saved {name} to {tilde(path)}")

    @cmd2.with_argparser(_load_parser)
    def do_load(self, args: argparse.Namespace) -> None:
        """Read an agent from a champion file."""
        path = path_of(args.file)
        row = self.arena.load(path, args.name)
        rivals = [
            other.name
            for other in self.arena.agents()
            if other.name != row.name and other.dataset_name == row.dataset_name
        ]
        self.say(
            f"loaded {row.name} from {tilde(path)}: {row.config}, {plural(row.n_steps, 'step')}; "
            "it is the current agent",
            hint(
                *([f"verify {row.name}"] if row.unverified else []),
                "generate",
                *(f"battle {row.name} {rival} 100" for rival in rivals[:1]),
            ),
        )
