"""Make a folder of champions as an imagined class would hand them in, two forgeries among them.

    python examples/hand_ins.py [FOLDER]

Seven pupils train an agent each, in an arena of their own, and save it.  Ida, Jo, Max and Noor keep to
the rules.  Olga trains for longer than the budget of 500 MFLOP allows, and says so.  Mallory trains as
long and rewrites the bill.  Trudy puts weights into her file that another agent learned at more expense.
examples/class_contest.py plays the contest.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from bandits import Arena
from bandits.agent.champion import read_champion, write_champion
from bandits.errors import BanditsError

# Sizes, settings and steps, as the pupils would type them.
PUPILS = {
    "ida": ((16, 1, 4), {"batch_size": "2"}, 1000),
    "jo": ((8, 1, 2), {"batch_size": "8", "learning_rate": "0.02"}, 1000),
    "max": ((32, 1, 4), {"horizon": "600"}, 600),
    "noor": ((6, 1, 1), {"learning_rate": "0.03", "horizon": "400"}, 400),
    "olga": ((16, 1, 4), {"batch_size": "16"}, 1000),
    "mallory": ((16, 1, 4), {"batch_size": "16"}, 1000),
    "trudy": ((16, 1, 4), {"batch_size": "2"}, 1000),
}


def hand_in(pupil: str, folder: Path) -> Path:
    """Train a pupil's agent in an arena of its own; return the champion file."""
    sizes, settings, n_steps = PUPILS[pupil]
    n_embd, n_layer, n_head = sizes
    with tempfile.TemporaryDirectory() as home, Arena(Path(home)) as arena:
        arena.create_agent(pupil.title(), n_embd=n_embd, n_layer=n_layer, n_head=n_head)
        for key, value in settings.items():
            arena.set_setting(key, value)
        arena.train(n_steps)
        return arena.save(folder / f"{pupil}.safetensors")


def rewrite_the_bill(file: Path, share: float) -> None:
    """Let a champion state only a share of what its training cost."""
    champion = read_champion(file)
    energy = champion.state.energy
    cheaper = replace(energy, training=int(energy.training * share))
    write_champion(file, champion.name, replace(champion.state, energy=cheaper))


def take_the_weights(file: Path, other: Path) -> None:
    """Let a champion have the weights of another of its size, and all else stay as it was."""
    champion, strong = read_champion(file), read_champion(other)
    write_champion(file, champion.name, replace(champion.state, weights=strong.state.weights))


def main(arguments: list[str]) -> None:
    folder = Path(arguments[0] if arguments else "hand-ins")
    folder.mkdir(parents=True, exist_ok=True)
    files = {pupil: hand_in(pupil, folder) for pupil in PUPILS}
    rewrite_the_bill(files["mallory"], 0.19)
    take_the_weights(files["trudy"], files["olga"])
    print(f"{len(files)} champions in {folder}: {', '.join(file.name for file in files.values())}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (BanditsError, OSError) as error:
        sys.exit(f"{sys.argv[0]}: {error}")
