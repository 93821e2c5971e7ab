"""`help`: every command with an example on one screen, and what one command or setting means.

The overview is made of the command sets: their order, their categories, and their parsers' own examples.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from cmd2 import Choices, CommandSet, Completions, rich_utils, with_argparser
from cmd2.constants import COMMAND_FUNC_PREFIX
from cmd2.styles import Cmd2Style
from rich.table import Table
from rich.text import Text

from bandits.errors import UnknownName, did_you_mean, printable
from bandits.model.settings import SETTINGS, NoSuchSetting, is_chosen_at_birth, setting_named
from bandits.shell.completion import words
from bandits.shell.parsing import CommandParser, parser
from bandits.shell.strict_cmd2 import StrictCmd
from bandits.terminal.text import Hint, hint

# The commands that cmd2 brings, in the order in which one needs them.  Those that cmd2 writes the parser
# of too have no examples, so their line of the overview stands here.
OF_CMD2 = (
    "help",
    "history",
    "run_script",
    "alias list",
    "macro list",
    "set",
    "shell ls",
    "shortcuts",
    "quit",
)
_COLUMNS = 3
_WIDE = 78  # from here on each command is shown with its example


def commands_of(command_set: type[CommandSet[Any]]) -> list[str]:
    """Return the commands of a set in the order of its file."""
    return [
        name.removeprefix(COMMAND_FUNC_PREFIX)
        for name in vars(command_set)
        if name.startswith(COMMAND_FUNC_PREFIX)
    ]


def all_commands(command_sets: Sequence[type[CommandSet[Any]]]) -> list[str]:
    """Return the commands of all sets, then those of cmd2, in the order of the overview."""
    known = [name for command_set in command_sets for name in commands_of(command_set)]
    return [*known, *(line.split()[0] for line in OF_CMD2)]


def _help_parser() -> CommandParser:
    command = parser(
        "List the commands, or explain one: what it does, each option with its default, examples. "
        "It explains settings too.",
        "help",
        "help battle",
        "help learning_rate",
        "help alias create",
        overview="help battle",
    )
    command.add_argument(
        "-v", "--verbose", action="store_true", help="list the commands with a line on each"
    )
    command.add_argument(
        "topic",
        metavar="COMMAND",
        nargs="?",
        help="a command or a setting; a list of all commands if left out",
        choices_provider=HelpfulCmd.topics,
    )
    command.add_argument(
        "more",
        metavar="WORD",
        nargs=argparse.REMAINDER,
        help="a word of a command that has several, or the setting after config",
        completer=HelpfulCmd.complete_more,
    )
    return command


class HelpfulCmd(StrictCmd):
    """A command interpreter whose `help` fits the screen."""

    def __init__(self, *, command_sets: Sequence[CommandSet[Any]], **options: Any) -> None:
        super().__init__(command_sets=command_sets, **options)
        self._in_order = all_commands([type(command_set) for command_set in command_sets])

    def topics(self) -> Choices:
        """Return what `help` explains."""
        return words([*sorted(self.get_visible_commands()), *SETTINGS])

    def complete_more(
        self, text: str, line: str, begidx: int, endidx: int, arg_tokens: dict[str, list[str]]
    ) -> Completions:
        """Complete the settings after config, and the words of cmd2's commands that have several."""
        command = arg_tokens["topic"][0]
        if command == "config":
            return self.basic_complete(text, line, begidx, endidx, list(SETTINGS))
        func = self.get_command_func(command)
        asked = self.command_parsers.get(func) if func is not None else None
        try:
            known = list(asked.get_subparsers_action().choices) if asked else []
        except ValueError:
            known = []
        return self.basic_complete(text, line, begidx, endidx, known)

    @with_argparser(_help_parser)
    def do_help(self, args: argparse.Namespace) -> None:
        """List the commands, or explain one."""
        topic = args.topic
        if topic == "config" and args.more:
            topic = args.more[0]
            setting_named(topic)
        if topic is None:
            self._overview(verbose=args.verbose)
        elif topic in SETTINGS:
            self._setting(topic)
        elif (func := self.get_command_func(topic)) is not None:
            asked = self.command_parsers.get(func)
            if asked is None:
                self.poutput(f"{topic}: {func.__doc__ or ''}")
            else:
                asked.completer_class(asked, self).print_help(args.more, self.stdout)
        elif topic in self.aliases:
            self.poutput(f"{topic} is an alias of: {self.aliases[topic]}")
        elif topic in self.macros:
            self.poutput(f"{topic} is a macro: {self.macros[topic].value}")
        elif is_chosen_at_birth(topic):
            raise NoSuchSetting(topic)
        else:
            known = [*self.get_visible_commands(), *SETTINGS, *self.aliases, *self.macros]
            raise UnknownName(
                f"no help on '{printable(topic, 40)}'{did_you_mean(topic, known)} (help lists "
                "the commands)"
            )

    def _setting(self, key: str) -> None:
        self.poutput(f"a setting: config {key} VALUE [--agent AGENT]")
        for line in describe_setting(key):
            self.poutput(line, soft_wrap=False)

    def overview(self) -> dict[str, list[str]]:
        """Return by category an example of each command that may be seen, or its bare name."""
        visible = self.get_visible_commands()
        shown: dict[str, list[str]] = {}
        for name in dict.fromkeys([*self._in_order, *sorted(visible)]):
            if name in visible:
                shown.setdefault(self.category_of(name), []).append(self._example_of(name))
        return shown

    def _example_of(self, name: str) -> str:
        func = self.get_command_func(name)
        asked = self.command_parsers.get(func) if func is not None else None
        if isinstance(asked, CommandParser) and asked.overview:
            return asked.overview
        return next((line for line in OF_CMD2 if line.split()[0] == name), name)

    def _overview(self, *, verbose: bool) -> None:
        shown = self.overview()
        if verbose:
            self.poutput(self._one_a_line(shown), soft_wrap=False)
        elif self.width >= _WIDE:
            self.poutput(_with_examples(shown), soft_wrap=False)
        else:
            for category, lines in shown.items():
                self.poutput(_names_only(category, lines), soft_wrap=False)
        self.poutput(
            Text("help COMMAND explains one  ·  Tab completes  ·  tutorial teaches", style="dim"),
            soft_wrap=False,
        )

    def _one_a_line(self, shown: Mapping[str, Sequence[str]]) -> Table:
        table = Table.grid(padding=(0, 2))
        for category, lines in shown.items():
            table.add_row(Text(category, style=Cmd2Style.HELP_HEADER))
            for line in lines:
                name = line.split()[0]
                func = self.get_command_func(name)
                told = (func.__doc__ or "").strip().split("\n")[0] if func else ""
                table.add_row(Text(f"  {name}", style="cyan"), Text(told))
        return table

    @property
    def width(self) -> int:
        """Columns that what is printed may fill: the terminal's, or $COLUMNS."""
        return rich_utils.Cmd2GeneralConsole().width  # as it prints: a plain one takes dumb for 80


def _with_examples(shown: Mapping[str, Sequence[str]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=max(map(len, shown)), style=Cmd2Style.HELP_HEADER)
    for category, lines in shown.items():
        for n in range(0, len(lines), _COLUMNS):
            cells = [_example(line) for line in lines[n : n + _COLUMNS]]
            cells += [Text()] * (_COLUMNS - len(cells))
            table.add_row(Text("" if n else category), *cells)
    return table


def _example(line: str) -> Text:
    name, _, rest = line.partition(" ")
    return Text.assemble((name, "cyan"), f" {rest}" if rest else "")


def _names_only(category: str, lines: Sequence[str]) -> Text:
    text = Text.assemble((f"{category}: ", Cmd2Style.HELP_HEADER))
    for n, line in enumerate(lines):
        text.append(", " if n else "")
        text.append(line.split()[0], style="cyan")
    return text


def describe_setting(key: str, *, brief: bool = False) -> list[Text | Hint]:
    """Return the lines that explain a setting: its meaning, default, range and usual values."""
    setting = SETTINGS[key]
    lines: list[Text | Hint] = [Text(f"  {setting.meaning}", style="dim")]
    if not brief:
        lines += [
            Text(f"  default: {setting.default}"),
            Text(f"  allowed: {setting.allowed}"),
            Text(f"  usual: {', '.join(setting.usual[:3])}"),
            hint(f"config {key} {setting.another}", f"config {key} default"),
        ]
    return lines
