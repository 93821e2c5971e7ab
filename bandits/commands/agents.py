"""Agents: agents, create_agent, switch_agent, clone_agent, rename_agent, delete_agent."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import cmd2
from rich.table import Table

from bandits.arena.reports import AgentReport
from bandits.commands.agent_tables import agent_column, note_on_marks, record_column
from bandits.commands.base import BanditsCommands, add_needed_agent
from bandits.shell.parsing import CommandParser, UsageError, add_json, parser, whole_number
from bandits.terminal.tables import Column, fitting
from bandits.terminal.text import decimal, hint, plural, shown
from bandits.wording import format_flops


def _agents_parser() -> CommandParser:
    command = parser("List the agents; the arrow marks the current one.", "agents", "agents --json")
    add_json(command)
    return command


def _create_parser() -> CommandParser:
    command = parser(
        "Create an agent and make it the current one. Left out, the sizes are microGPT's: 16 1 4.",
        "create_agent Ada",
        "create_agent Max 32 2 4 --seed 7",
        overview="create_agent Ada 32",
    )
    command.add_argument("name", metavar="NAME", help="a letter, then letters, digits, _ or -")
    command.add_argument("n_embd", nargs="?", help="width of the embedding (16)")
    command.add_argument("n_layer", nargs="?", help="number of layers (1)")
    command.add_argument("n_head", nargs="?", help="number of heads; divides n_embd (4)")
    command.add_argument(
        "--seed", metavar="N", default="42", help="order of the data, weights (42)"
    )
    command.add_argument(
        "--block-size", metavar="N", default="16", help="tokens that it sees at once (16)"
    )
    return command


def _one_agent(description: str, *examples: str) -> CommandParser:
    command = parser(description, *examples)
    add_needed_agent(command, "name")
    return command


def _switch_parser() -> CommandParser:
    return _one_agent("Make an agent the current one.", "switch_agent B")


def _clone_parser() -> CommandParser:
    command = _one_agent(
        "Copy an agent: weights, place in the data, settings, and what was spent on it.",
        "clone_agent A A2",
    )
    command.add_argument("new_name", metavar="NEW_NAME", help="the name of the copy")
    return command


def _rename_parser() -> CommandParser:
    command = _one_agent("Rename an agent.", "rename_agent A Ada")
    command.add_argument("new_name", metavar="NEW_NAME", help="what to call it from now on")
    return command


def _delete_parser() -> CommandParser:
    command = _one_agent(
        "Delete an agent; asks first, for nothing brings it back but a file that `save` wrote.",
        "delete_agent B",
        "delete_agent B --yes",
    )
    command.add_argument("--yes", action="store_true", help="do not ask")
    return command


class RosterCommands(BanditsCommands):
    """Who is in the arena."""

    DEFAULT_CATEGORY = "Agents"

    @cmd2.with_argparser(_agents_parser)
    def do_agents(self, args: argparse.Namespace) -> None:
        """List the agents."""
        rows = self.arena.agents()
        if args.json:
            self.say_json([row.as_dict() for row in rows])
        else:
            self.say(_agents_table(rows, self.shell.width))
            self.shell.note_busy()
            if note := note_on_marks(rows):
                self.say(note)

    @cmd2.with_argparser(_create_parser)
    def do_create_agent(self, args: argparse.Namespace) -> None:
        """Create an agent and make it the current one."""
        example = f"create_agent {args.name} 16 1 4"
        sizes = {
            key: whole_number(text, key, example)
            for key in ("n_embd", "n_layer", "n_head", "block_size")
            if (text := getattr(args, key)) is not None
        }
        seed = whole_number(args.seed, "seed", f"{example} --seed 42")
        row = self.arena.create_agent(args.name, **sizes, seed=seed)
        self.say(
            f"created {row.name}, now the current agent: {_shape(row)}",
            f"  {plural(row.config.n_params, 'weight')}  ·  seed {row.seed}  ·  "
            f"dataset {shown(row.dataset_name)}",
            hint("train 1000", "generate"),
        )

    @cmd2.with_argparser(_switch_parser)
    def do_switch_agent(self, args: argparse.Namespace) -> None:
        """Make an agent the current one."""
        row = self.arena.switch_agent(args.name)
        self.say(f"{row.name} is the current agent: {_shape(row)}, {plural(row.n_steps, 'step')}")

    @cmd2.with_argparser(_clone_parser)
    def do_clone_agent(self, args: argparse.Namespace) -> None:
        """Copy an agent under a new name."""
        row = self.arena.clone_agent(args.name, args.new_name)
        spent = format_flops(row.energy.total)
        self.say(
            f"{row.name} is a copy of {args.name}: {plural(row.n_steps, 'step')}, {spent} spent; "
            f"{self.arena.current} stays the current agent",
            hint(f"switch_agent {row.name}"),
        )

    @cmd2.with_argparser(_rename_parser)
    def do_rename_agent(self, args: argparse.Namespace) -> None:
        """Rename an agent."""
        row = self.arena.rename_agent(args.name, args.new_name)
        self.say(f"{args.name} is now called {row.name}")

    @cmd2.with_argparser(_delete_parser)
    def do_delete_agent(self, args: argparse.Namespace) -> None:
        """Delete an agent; asks first."""
        name = args.name
        if not args.yes:
            spent = format_flops(self.arena.energy(name).total)
            if not self.someone_to_ask:
                raise UsageError(f"nobody is there to be asked; try 'delete_agent {name} --yes'")
            if not self.shell.confirm(f"Delete {name}, on which {spent} were spent?"):
                self.say(f"{name} stays")
                return
        self.arena.delete_agent(name)
        current = self.arena.current
        now = f"the current agent is {current}" if current else "there are no agents left"
        self.say(f"deleted {name}; {now}")


def _shape(row: AgentReport) -> str:
    config = row.config
    return f"n_embd {config.n_embd}, n_layer {config.n_layer}, n_head {config.n_head}"


def _agents_table(rows: Sequence[AgentReport], width: int) -> Table:
    datasets = {row.dataset_name for row in rows}
    columns = [
        Column("", ["▸" if row.current else "" for row in rows], left=True),
        agent_column(rows),
        Column("shape", [str(row.config) for row in rows], dropped=2, left=True),
        Column("steps", [f"{row.n_steps:,}" for row in rows]),
        Column("loss", [_loss(row) for row in rows], dropped=3),
        Column("score", [decimal(row.score, 0) for row in rows]),
        Column("energy", [format_flops(row.energy.total) for row in rows], dropped=1),
        record_column(rows, dropped=4),
        Column("rating", [decimal(row.rating, 1) for row in rows], dropped=5),
    ]
    if len(datasets) > 1:
        names = [shown(row.dataset_name, 20) for row in rows]
        columns.append(Column("dataset", names, dropped=6, left=True))
    current = next((n for n, row in enumerate(rows) if row.current), None)
    return fitting(columns, width, strong=current)


def _loss(row: AgentReport) -> str:
    return "exploded" if row.diverged else decimal(row.loss, 3)
