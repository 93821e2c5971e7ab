"""Train microGPT on a text file of your own, a document a line, and let it write ten more.

    python examples/own_file.py FILE [STEPS]

The whole file is trained on, unsplit, from seed 42 with microGPT's sizes and settings: give it the
names file that microGPT downloads and this is the published run, loss by loss.  Without a file it
takes the built-in names.
"""

from __future__ import annotations

import sys

from bandits import Agent, Dataset, datasets
from bandits.errors import BanditsError
from bandits.wording import format_flops


def main(arguments: list[str]) -> None:
    n_steps = int(arguments[1]) if len(arguments) > 1 else 1000
    if arguments:
        dataset = Dataset.from_file(arguments[0], split=None)
    else:
        names = datasets.load("names")
        dataset = Dataset.from_documents(names.documents, name="names", split=None)

    agent = Agent(dataset, seed=42)
    print(f"{dataset.name}: {len(dataset.train):,} documents, {dataset.vocab_size} tokens")
    print(f"{agent.model.n_params:,} parameters")

    for progress in agent.train(n_steps):
        loss = progress.losses[-50:].mean()
        print(f"step {progress.step:>5}  loss {loss:.4f}  {format_flops(progress.n_flops)}")

    for text in agent.texts(agent.generate(10, seed=0)):
        print(f"  {text}")
    print(f"spent {format_flops(agent.energy.total)}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BanditsError as error:
        sys.exit(f"{sys.argv[0]}: {error}")
