"""Champion files: save, load."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import cmd2

from bandits.commands.base import BanditsCommands, add_agent_option, path_of
from bandits.errors import InvalidValue, StoreError, printable
from bandits.outfile import replace_file
from bandits.shell.parsing import CommandParser, UsageError, parser
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


def _export_parser() -> CommandParser:
    command = parser(
        "Write what you did since bandits was opened as a script: the commands that succeeded, aliases "
        "and scripts spelled out. Run in a fresh arena it gives the same agents, to the last bit.",
        "export script day.txt",
        "export script -",
        "export script day.txt --force",
        overview="export script -",
    )
    command.add_argument("what", metavar="script", choices=["script"], help="what to write: script")
    command.add_argument(
        "file",
        metavar="FILE",
        help="the file to write; - prints it",
        completer=cmd2.Cmd.path_complete,
    )
    command.add_argument("--force", action="store_true", help="replace a file without asking")
    return command


class ExportCommands(BanditsCommands):
    """What was done, to do it again."""

    DEFAULT_CATEGORY = "Shell"

    @cmd2.with_argparser(_export_parser)
    def do_export(self, args: argparse.Namespace) -> None:
        """Write this session's commands as a script."""
        session = self.shell.session
        if not session.lines:
            raise UsageError(
                "nothing to export: no command of this session has touched the arena yet; try "
                "'train 100' first"
            )
        if args.file == "-":
            self.shell.poutput(session.script(), end="", soft_wrap=True)
            return
        path = path_of(args.file)
        if self._may_write(path, force=args.force):
            _write(path, session.script())
            self.say(
                f"wrote {plural(len(session.lines), 'command')} to {tilde(path)}",
                hint(f"BANDITS_HOME=/tmp/again bandits {args.file}", lead="again in a fresh arena"),
            )

    def _may_write(self, path: Path, *, force: bool) -> bool:
        shown = printable(str(path), 200)
        if os.path.isdir(path):
            raise InvalidValue(f"'{shown}' is a folder; name a file in it")
        if not os.path.lexists(path):
            return True
        if not os.path.isfile(path):
            raise InvalidValue(f"'{shown}' is not a plain file; choose another")
        if force:
            return True
        if not self.someone_to_ask:
            raise UsageError(f"'{shown}' is there already; choose another file, or add --force")
        if self.shell.confirm(f"Replace {shown}?"):
            return True
        self.say(f"{shown} stays as it is")
        return False


def _write(path: Path, text: str) -> None:
    """Write the whole file or nothing.  Raises StoreError."""
    try:
        replace_file(path, text.encode())
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise StoreError(f"'{printable(str(path), 200)}' cannot be written: {reason}") from None
