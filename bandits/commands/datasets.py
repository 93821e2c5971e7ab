"""Data and measurement: dataset, evaluate, energy."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace

import cmd2
from cmd2 import Completions

from bandits.arena.reports import DatasetReport
from bandits.commands.base import BanditsCommands, add_agent
from bandits.shell.parsing import CommandParser, add_json, parser
from bandits.terminal.tables import Column, fitting
from bandits.terminal.text import decimal, hint, plural, shown
from bandits.wording import format_flops

SPLITS = ("train", "validation", "test")


def _dataset_parser() -> CommandParser:
    command = parser(
        "List the datasets, or choose the one that new agents learn: a name, or your own text file "
        "with one document a line.",
        "dataset",
        "dataset names",
        "dataset ~/pokemon.txt",
        overview="dataset mine.txt",
    )
    command.add_argument(
        "source",
        metavar="NAME|FILE",
        nargs="?",
        help="a dataset that is listed, or a UTF-8 text file; the list if left out",
        completer=DataCommands.complete_source,
    )
    add_json(command)
    return command


def _evaluate_parser() -> CommandParser:
    command = parser(
        "Measure an agent's bits per token and perplexity. It costs energy; judging in a battle is free.",
        "evaluate",
        "evaluate B --split train",
        overview="evaluate B",
    )
    add_agent(command)
    command.add_argument(
        "--split",
        choices=SPLITS,
        default="validation",
        help="which documents: train, validation or test (validation)",
    )
    add_json(command)
    return command


def _energy_parser() -> CommandParser:
    command = parser(
        "Show what an agent and its ancestors have spent, in floating-point operations.",
        "energy",
        "energy B --json",
    )
    add_agent(command)
    add_json(command)
    return command


class DataCommands(BanditsCommands):
    """What agents learn from, and what it costs them."""

    DEFAULT_CATEGORY = "Data and energy"

    def complete_source(self, text: str, line: str, begidx: int, endidx: int) -> Completions:
        """Complete the names of datasets, and paths."""
        names = [item.text for item in self.dataset_choices()]
        named = self.shell.basic_complete(text, line, begidx, endidx, names)
        paths = self.shell.path_complete(text, line, begidx, endidx)
        return replace(paths, items=[*named.items, *paths.items])

    @cmd2.with_argparser(_dataset_parser)
    def do_dataset(self, args: argparse.Namespace) -> None:
        """List the datasets, or choose the one that new agents learn."""
        if args.source is not None:
            row = self.arena.use_dataset(os.path.expanduser(args.source))
            if args.json:
                self.say_json(row.as_dict())
            else:
                self.say(_describe(row), hint("create_agent NAME", "agents"))
            return
        rows = self.arena.datasets()
        if args.json:
            self.say_json([row.as_dict() for row in rows])
            return
        columns = [
            Column("", ["▸" if row.current else "" for row in rows], left=True),
            Column("dataset", [shown(row.name, 32) for row in rows], left=True, style="cyan"),
            Column("documents", [f"{row.n_documents:,}" for row in rows]),
            Column("train", [f"{row.n_train:,}" for row in rows], dropped=2),
            Column("validation", [f"{row.n_validation:,}" for row in rows], dropped=4),
            Column("test", [f"{row.n_test:,}" for row in rows], dropped=3),
            Column("tokens", [f"{row.vocab_size}" for row in rows], dropped=1),
            Column("agents", [f"{row.n_agents}" for row in rows], dropped=1),
        ]
        self.say(fitting(columns, self.shell.width))

    @cmd2.with_argparser(_evaluate_parser)
    def do_evaluate(self, args: argparse.Namespace) -> None:
        """Measure an agent's bits per token and perplexity."""
        report = self.arena.evaluate(args.agent, split=args.split)
        if args.json:
            self.say_json(report.as_dict())
            return
        self.say(
            f"{report.name} on the {report.split} split: {decimal(report.bits, 3)} bits per token, "
            f"perplexity {decimal(report.perplexity)}",
            f"  {plural(report.n_documents, 'document')}, {plural(report.n_tokens, 'token')}  ·  "
            f"energy {format_flops(report.n_flops)}",
        )

    @cmd2.with_argparser(_energy_parser)
    def do_energy(self, args: argparse.Namespace) -> None:
        """Show what an agent and its ancestors have spent."""
        name = args.agent or self.arena.current
        spent = self.arena.energy(args.agent)
        if args.json:
            self.say_json({"agent": name, **spent.as_dict(), "total": spent.total})
            return
        kinds = [*spent.as_dict().items(), ("total", spent.total)]
        table = fitting(
            [
                Column("energy", [kind for kind, _ in kinds], left=True),
                Column(name, [format_flops(n_flops) for _, n_flops in kinds]),
                Column("operations", [f"{n_flops:,}" for _, n_flops in kinds], dropped=1),
            ],
            self.shell.width,
            strong=len(kinds) - 1,
        )
        self.say(table)
        self.shell.note_busy(name)


def _describe(row: DatasetReport) -> str:
    return (
        f"new agents learn {shown(row.name)}: {plural(row.n_documents, 'document')} "
        f"({row.n_train:,} train, {row.n_validation:,} validation, {row.n_test:,} test), "
        f"{row.vocab_size} tokens"
    )
