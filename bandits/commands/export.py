"""What this session did, as a script: export."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import cmd2

from bandits.commands.base import BanditsCommands, path_of
from bandits.errors import InvalidValue, StoreError, printable
from bandits.outfile import replace_file
from bandits.shell.parsing import CommandParser, UsageError, parser
from bandits.terminal.text import hint, plural, tilde


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
