"""Settings of an agent: config."""

from __future__ import annotations

import argparse

import cmd2
from cmd2 import Choices
from rich.text import Text

from bandits.commands.base import BanditsCommands, add_agent_option
from bandits.model.settings import SETTINGS, Settings, setting_named
from bandits.shell.completion import words
from bandits.shell.help import describe_setting
from bandits.shell.parsing import CommandParser, UsageError, add_json, parser
from bandits.terminal.tables import Column, fitting


def _config_parser() -> CommandParser:
    command = parser(
        "Show or change how an agent trains and samples. A KEY alone shows its meaning, its default "
        "and what it may be.",
        "config",
        "config learning_rate",
        "config learning_rate 0.02",
        "config schedule cosine --agent B",
        "config batch_size default",
        overview="config batch_size 8",
    )
    command.add_argument(
        "key",
        metavar="KEY",
        nargs="?",
        help="the setting, such as learning_rate; all of them if left out",
        choices_provider=BanditsCommands.setting_choices,
    )
    command.add_argument(
        "value",
        metavar="VALUE",
        nargs="?",
        help="the new value; 'default' sets it back",
        choices_provider=SettingsCommands.value_choices,
    )
    add_agent_option(command)
    add_json(command)
    return command


class SettingsCommands(BanditsCommands):
    """The knobs."""

    DEFAULT_CATEGORY = "Training"

    def value_choices(self, arg_tokens: dict[str, list[str]]) -> Choices:
        """Return what players usually give a setting."""
        key = (arg_tokens.get("key") or [""])[0]
        return words([*(SETTINGS[key].usual if key in SETTINGS else ()), "default"])

    @cmd2.with_argparser(_config_parser)
    def do_config(self, args: argparse.Namespace) -> None:
        """Show or change how an agent trains and samples."""
        name = args.agent or self.arena.current
        before = self.arena.settings(args.agent)
        setting = None if args.key is None else setting_named(args.key)
        after = before
        if setting is not None and args.value is not None:
            if args.json:
                raise UsageError("config: --json shows settings, it changes none; leave out VALUE")
            text = str(setting.default) if args.value == "default" else args.value
            after = self.arena.set_setting(args.key, text, args.agent)
        if args.json:
            values = after.as_dict()
            self.say_json(
                {
                    "agent": name,
                    "settings": values if args.key is None else {args.key: values[args.key]},
                }
            )
        elif args.key is None:
            self._list(name, after)
        else:
            self._one(name, args.key, before, after)

    def _one(self, name: str, key: str, before: Settings, after: Settings) -> None:
        old, new = getattr(before, key), getattr(after, key)
        change = f"{old} → {new}" if old != new else f"{new}"
        self.say(f"{name}: {key} = {change}", *describe_setting(key, brief=old != new))

    def _list(self, name: str, settings: Settings) -> None:
        defaults = Settings()
        keys = list(SETTINGS)
        table = fitting(
            [
                Column("setting", keys, left=True, style="cyan"),
                Column("value", [_marked(settings, defaults, key) for key in keys], left=True),
                Column("meaning", [SETTINGS[key].meaning for key in keys], dropped=1, left=True),
            ],
            self.shell.width,
            wrapped="meaning",
        )
        changed = " (* changed)" if settings != defaults else ""
        self.say(
            f"settings of {name}{changed}",
            table,
            Text("config KEY explains one  ·  config KEY VALUE changes it", style="dim"),
        )


def _marked(settings: Settings, defaults: Settings, key: str) -> str:
    value = getattr(settings, key)
    return f"{value}" if value == getattr(defaults, key) else f"{value} *"
