"""A class contest from files: prove every champion of a folder, hold the rules, let all fight all.

    python examples/class_contest.py [FOLDER] [--dataset FILE] [--budget MFLOP] [--seed N] [--report FILE]

FOLDER (hand-ins) has one file of `save` a pupil, named for the pupil.  A champion takes part if it is
verified, that is, trained again from its seed it is the same to the last bit, and if its training cost
no more than the budget, 500 MFLOP if it is not given.  The others are named with the reason.  Then
everybody fights everybody, as they were handed in: nobody is trained on.  The battles' seed should be
announced before the contest.  Nothing is kept but the report; your own arena is not touched.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from itertools import combinations
from pathlib import Path

from bandits import Arena, pages
from bandits.errors import BanditsError, printable
from bandits.wording import format_flops

UNAFFORDABLE = 1  # operations: a battle for so little trains nobody


def agent_name(file: Path, taken: list[str]) -> str:
    """Return a name for a file's agent that no other has: the file's, of letters, digits, _ and -."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", file.stem).strip("-")[:28]
    plain = plain if re.match(r"[A-Za-z]", plain) else f"x{plain}"
    names = [plain, *(f"{plain}-{n}" for n in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def admit(arena: Arena, file: Path, budget: int) -> str | None:
    """Load a champion that may take part, under its file's name; return why not, if it may not."""
    try:
        proof = arena.verify_file(file)
        if proof.difference is not None:
            return f"is not what it says: {proof.difference}"
        if proof.n_flops > budget:
            spent, limit = format_flops(proof.n_flops), format_flops(budget)
            return f"is over the budget: its training cost {spent}, allowed are {limit}"
        row = arena.load(file, agent_name(file, [row.name for row in arena.agents()]))
        if row.dataset_name != arena.dataset_name:
            arena.delete_agent(row.name)
            return f"learned {row.dataset_name}, not {arena.dataset_name}"
    except BanditsError as error:
        return f"cannot be used: {error}"
    return None


def play(arena: Arena, folder: Path, budget: int, seed: int) -> None:
    """Admit the champions of a folder, let all fight all, and print what came of it."""
    for starter in arena.agents():
        arena.delete_agent(starter.name)
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise BanditsError(f"folder '{printable(str(folder))}' holds no .safetensors file")
    for file in files:
        reason = admit(arena, file, budget)
        print(f"{printable(file.stem, 40):12} {reason or 'is verified'}")
    names = [row.name for row in arena.agents()]
    if len(names) < 2:
        raise BanditsError(f"{len(names)} of {len(files)} champions may take part; it takes 2")

    print(f"\n{len(names)} champions, {len(names) * (len(names) - 1) // 2} battles, seed {seed}")
    for a, b in combinations(names, 2):
        report = arena.battle(a, b, max_flops=UNAFFORDABLE, seed=seed)
        lead = abs(report.outcome.verdict.difference)
        print(f"{a} against {b}: {report.winner or 'a draw'} (lead {lead:.0f})")

    print("\nagent        league     score       energy  points/MFLOP  W-D-L")
    for row in arena.leaderboard():
        wins = f"{row.wins}-{row.draws}-{row.losses}"
        spent = format_flops(row.total_flops)
        league = row.league or "unranked"
        print(
            f"{row.name:12} {league:9} {row.score:6.0f} {spent:>12} {row.score_per_mflop:13.2f}  {wins}"
        )


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="A class contest from files.")
    parser.add_argument("folder", nargs="?", default="hand-ins", type=Path)
    parser.add_argument("--dataset", default="names", help="what the class learned (names)")
    parser.add_argument("--budget", default=500, type=int, help="of training, in MFLOP (500)")
    parser.add_argument("--seed", default=0, type=int, help="of the battles (0)")
    parser.add_argument("--report", default="class.html", type=Path, help="page to write")
    options = parser.parse_args(arguments)
    pages.check(options.report)  # before anything is computed
    with tempfile.TemporaryDirectory() as home, Arena(Path(home)) as arena:
        arena.use_dataset(options.dataset)
        play(arena, options.folder, options.budget * 1_000_000, options.seed)
        pages.save(options.report, pages.leaderboard_page(arena))
    print(f"\nreport: {options.report}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (BanditsError, OSError) as error:
        sys.exit(f"{sys.argv[0]}: {error}")
