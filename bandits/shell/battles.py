"""Battles and the leaderboard: battle, leaderboard."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

import cmd2
from rich.text import Text

from bandits.energy import format_flops
from bandits.reports import BattleReport
from bandits.shell.base import (
    BanditsCommands,
    CommandParser,
    UsageError,
    add_json,
    energy,
    parser,
    whole_number,
)
from bandits.shell.cards import battle_card
from bandits.shell.progress import ProgressLine
from bandits.shell.tables import Column, fitting
from bandits.shell.text import decimal, hint, percent, plural, significant

if TYPE_CHECKING:
    from rich.table import Table

    from bandits.leaderboard import LeaderboardRow


def _battle_parser() -> CommandParser:
    command = parser(
        "Train two agents side by side, then judge what they learned. Both keep the training; "
        "Ctrl-C stops it without a verdict.",
        "battle A B 100",
        "battle A B 100 --exhibition",
        "battle A B --energy 500M",
    )
    for name in ("a", "b"):
        command.add_argument(
            name,
            metavar=name.upper(),
            help="an agent",
            choices_provider=BanditsCommands.agent_choices,
        )
    command.add_argument("steps", metavar="STEPS", nargs="?", help="steps that both train")
    command.add_argument(
        "--energy", metavar="E", help="operations that both may spend instead: 5e8, 500M, 1.5G"
    )
    command.add_argument(
        "--exhibition", action="store_true", help="fight with copies: nothing changes"
    )
    command.add_argument("--seed", metavar="N", default="0", help="of the samples and verdict (0)")
    add_json(command)
    return command


def _leaderboard_parser() -> CommandParser:
    command = parser(
        "Rank the agents of this dataset: by league, and within it by score per energy.",
        "leaderboard",
        "leaderboard --json",
    )
    add_json(command)
    return command


class BattleCommands(BanditsCommands):
    """Who is better."""

    DEFAULT_CATEGORY = "Battle"

    @cmd2.with_argparser(_battle_parser)
    def do_battle(self, args: argparse.Namespace) -> None:
        """Let two agents fight."""
        example = f"battle {args.a} {args.b} 100"
        if (args.steps is None) == (args.energy is None):
            raise UsageError(f"battle needs either STEPS or --energy E; try '{example}'")
        n_steps = None if args.steps is None else whole_number(args.steps, "steps", example)
        budget = None
        if args.energy is not None:
            budget = energy(args.energy, f"battle {args.a} {args.b} --energy 500M")
        seed = whole_number(args.seed, "seed", f"{example} --seed 1")
        with self._cmd.stoppable() as stop, ProgressLine(args.a, args.b) as progress:
            report = self.arena.battle(
                args.a,
                args.b,
                n_steps,
                max_flops=budget,
                exhibition=args.exhibition,
                seed=seed,
                stop=stop,
                on_progress=progress.battle,
            )
        if args.json:
            self.say_json(report.as_dict())
        elif report.outcome.stopped:
            self._stopped(report)
        else:
            self.say(battle_card(report, self._cmd.width), _next(report))
        if stop():
            raise KeyboardInterrupt

    def _stopped(self, report: BattleReport) -> None:
        a, b = report.outcome.a, report.outcome.b
        kept = "nothing is kept of an exhibition" if report.exhibition else "the training is kept"
        self.say(
            f"stopped without a verdict: {report.name_a} did {plural(a.n_steps, 'step')}, "
            f"{report.name_b} {b.n_steps:,}; {kept}"
        )

    @cmd2.with_argparser(_leaderboard_parser)
    def do_leaderboard(self, args: argparse.Namespace) -> None:
        """Rank the agents of this dataset."""
        rows = self.arena.leaderboard()
        if args.json:
            self.say_json([row.as_dict() for row in rows])
            return
        self.say(_board(rows, self._cmd.width))
        for row in rows:
            if row.missing:
                self.say(Text(f"{row.name} is unranked: {row.missing}", style="dim"))


def _next(report: BattleReport) -> Text:
    a, b = report.name_a, report.name_b
    if report.winner is None:
        return hint(f"battle {a} {b} 500", "leaderboard", f"generate 20 {a}")
    loser = b if report.winner == a else a
    if report.outcome.reason == "forfeit":
        return hint(f"diagnose {loser}", "leaderboard", f"generate 20 {report.winner}")
    return hint(f"battle {a} {b} 500", "leaderboard", f"config batch_size 4 --agent {loser}")


def _board(rows: Sequence[LeaderboardRow], width: int) -> Table:
    records = [f"{row.wins}-{row.draws}-{row.losses}" for row in rows]
    columns = [
        Column("#", ["-" if row.rank is None else f"{row.rank}" for row in rows]),
        Column("agent", [row.name for row in rows], left=True, style="cyan"),
        Column("league", [row.league or "-" for row in rows], left=True),
        Column("shape", [str(row.config) for row in rows], dropped=5, left=True),
        Column("PPL", [decimal(row.perplexity) for row in rows], dropped=4),
        Column("uniq", [percent(row.uniqueness) for row in rows], dropped=6),
        Column("score", [f"{row.score:.0f}" for row in rows]),
        Column("energy", [format_flops(row.total_flops) for row in rows], dropped=3),
        Column("/MFLOP", [significant(row.score_per_mflop) for row in rows], dropped=2),
        Column("W-D-L", [*records], dropped=7),
        Column("rating", [decimal(row.rating, 1) for row in rows], dropped=8),
    ]
    return fitting(columns, width)
