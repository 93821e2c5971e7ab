"""Battles and the leaderboard: battle, leaderboard."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import cmd2
from rich.text import Text

from bandits.arena.reports import AgentReport, BattleReport
from bandits.commands.agent_tables import agent_column, note_on_marks, record_column
from bandits.commands.base import KEPT, BanditsCommands, add_needed_agent, far_worse
from bandits.shell.parsing import (
    CommandParser,
    UsageError,
    add_json,
    add_watch,
    energy,
    parser,
    watch_seconds,
    whole_number,
)
from bandits.terminal.card import at_horizon, battle_card
from bandits.terminal.live.losses import Curve
from bandits.terminal.live.story import Race
from bandits.terminal.live.view import RaceView, race_view
from bandits.terminal.progress import ProgressLine
from bandits.terminal.tables import Column, fitting
from bandits.terminal.text import Hint, decimal, hint, percent, plural, significant
from bandits.wording import format_flops

if TYPE_CHECKING:
    from rich.table import Table

    from bandits.contest.leaderboard import LeaderboardRow


def _battle_parser() -> CommandParser:
    command = parser(
        "Train two agents side by side, then judge what they learned. Both keep the training; "
        "Ctrl-C stops it without a verdict.",
        "battle A B 100",
        "battle A B 100 --exhibition",
        "battle A B --energy 500M",
        "battle A B 1000 --watch 10",
    )
    for name in ("a", "b"):
        add_needed_agent(command, name)
    command.add_argument("steps", metavar="STEPS", nargs="?", help="steps that both train")
    command.add_argument(
        "--energy", metavar="E", help="operations that both may spend instead: 5e8, 500M, 1.5G"
    )
    command.add_argument(
        "--exhibition", action="store_true", help="fight with copies: nothing changes"
    )
    command.add_argument("--seed", metavar="N", default="0", help="of the samples and verdict (0)")
    add_watch(command, "spread the race over so many seconds, for people to watch; at most 600")
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
        watch = (
            None
            if args.watch is None
            else watch_seconds(args.watch, f"battle {args.a} {args.b} 100 --watch 10")
        )
        if watch and args.json:
            raise UsageError("battle: --json draws no race to --watch; leave one of them out")
        rows = {row.name: row for row in self.arena.agents() if row.name in (args.a, args.b)}
        view = self._view(args, rows, n_steps, budget, watch)
        note = KEPT.format(f"{args.a} and {args.b}")
        with self.shell.stoppable(note, view.leave) as stopped, view:
            report = self.arena.battle(
                args.a,
                args.b,
                n_steps,
                max_flops=budget,
                exhibition=args.exhibition,
                seed=seed,
                on_progress=view.battle,
            )
            view.finish(report.outcome, stopped)
        if args.json:
            self.say_json(report.as_dict())
        elif report.outcome.stopped:
            self._stopped(report)
        else:
            self.say(battle_card(report, self.shell.width), _next(report, rows))
        if stopped():
            self.shell.interrupt()

    def _view(
        self,
        args: argparse.Namespace,
        rows: dict[str, AgentReport],
        n_steps: int | None,
        budget: int | None,
        watch: float | None,
    ) -> RaceView | ProgressLine:
        """Return what shows the battle while it is fought."""
        if args.json:
            return ProgressLine(args.a, args.b)
        ends: dict[str, int | None] = {}
        rates: dict[str, float] = {}
        for side, name in (("a", args.a), ("b", args.b)):
            if name in rows:  # else the arena will say so
                settings = rows[name].settings
                ends[side] = settings.steps_left(rows[name].n_steps)
                rates[side] = settings.learning_rate
        race = Race(
            names={"a": args.a, "b": args.b},
            curves={"a": Curve(), "b": Curve()},
            n_steps=n_steps or 0,
            max_flops=budget or 0,
            ends=ends,
            rates=rates,
        )
        return race_view(race, self.shell.stdout, watch)

    def _stopped(self, report: BattleReport) -> None:
        a, b = report.outcome.a, report.outcome.b
        if not report.exhibition:
            self.shell.session.note_training(report.name_a, a.n_steps)
            self.shell.session.note_training(report.name_b, b.n_steps)
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
        self.say(_board(rows, self.shell.width))
        if note := note_on_marks(rows):
            self.say(note)
        for row in rows:
            if row.missing:
                self.say(Text(f"{row.name} is unranked: {row.missing}", style="dim"))
        self.shell.note_busy()


def _next(report: BattleReport, rows: Mapping[str, AgentReport]) -> Hint:
    a, b = report.name_a, report.name_b
    uniform_loss = rows[a].config.uniform_loss
    for name, corner in ((a, report.outcome.a), (b, report.outcome.b)):
        if corner.diverged:  # no training can mend it
            return hint(f"diagnose {name}", "create_agent NAME", "leaderboard")
        if far_worse(corner.loss, uniform_loss):
            slower = f"config learning_rate 0.01 --agent {name}"
            return hint(f"diagnose {name}", slower, "create_agent NAME")
    for name in at_horizon(report):
        longer = f"config horizon {2 * rows[name].settings.horizon} --agent {name}"
        return hint(longer, "leaderboard", f"generate 20 {name}")
    if report.winner is None:
        return hint(f"battle {a} {b} 500", "leaderboard", f"generate 20 {a}")
    loser = b if report.winner == a else a
    return hint(f"battle {a} {b} 500", "leaderboard", f"config batch_size 4 --agent {loser}")


def _board(rows: Sequence[LeaderboardRow], width: int) -> Table:
    columns = [
        Column("#", ["-" if row.rank is None else f"{row.rank}" for row in rows]),
        agent_column(rows),
        Column("league", [row.league or "-" for row in rows], left=True),
        Column("shape", [str(row.config) for row in rows], dropped=5, left=True),
        Column("PPL", [decimal(row.perplexity) for row in rows], dropped=4),
        Column("uniq", [percent(row.uniqueness) for row in rows], dropped=6),
        Column("score", [f"{row.score:.0f}" for row in rows]),
        Column("energy", [format_flops(row.total_flops) for row in rows], dropped=3),
        Column("/MFLOP", [significant(row.score_per_mflop) for row in rows], dropped=2),
        record_column(rows, dropped=7),
        Column("rating", [decimal(row.rating, 1) for row in rows], dropped=8),
    ]
    return fitting(columns, width)
