"""What one may look at in an agent: its losses, gradients, attention, units and health.

The part of an Arena that shows an agent and leaves it as it is.  What runs the model is
charged to the agent as evaluation, in operations; what only reads its state, or replays its training,
is free.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bandits.agent.agent import Agent, NotFinite, Progress
from bandits.agent.history import LossHistory
from bandits.agent.recipe import Recipe
from bandits.agent.replay import Retraining
from bandits.arena.desk import Desk
from bandits.contest.ngrams import NGrams
from bandits.datasets import Dataset
from bandits.errors import InvalidValue, printable
from bandits.health.diagnosis import diagnose
from bandits.health.findings import DiagnoseReport
from bandits.health.norms import block_norms
from bandits.model.documents import Documents
from bandits.model.energy import Energy
from bandits.store.rows import AgentRow
from bandits.wording import format_flops

N_STOPS = 21  # steps of a training at which its gradients are looked at
N_READ = 64  # documents whose activations are looked at, at least; as `diagnose` does
LONG_FLOPS = 300 * 10**9  # of training: some ten seconds, which nobody waits for unasked


class UnreadableText(InvalidValue):
    """An agent cannot read a text.  example: one that it can."""

    def __init__(self, problem: str, example: str) -> None:
        self.example = example
        super().__init__(problem)


class NoCourse(str):
    """Why there are no gradients of an agent's past."""


class LongCourse(NoCourse):
    """There could be, but training it anew takes long."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GradientCourse:
    """Gradients of the next minibatch by weight name, and their norms by block at steps of the past.

    missing: why there are no such steps, or None; norms: block to one norm a step, of the minibatch that
    came next.
    """

    gradients: Mapping[str, npt.NDArray[np.float32]]
    steps: tuple[int, ...]
    norms: Mapping[str, tuple[float, ...]]
    missing: NoCourse | None
    n_flops: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Attention:
    """Where an agent looks while it reads a text: of each of `layers`, float32 (n_head, T, T)."""

    text: str
    n_layer: int
    layers: tuple[int, ...]
    maps: tuple[npt.NDArray[np.float32], ...]
    n_flops: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Activations:
    """The share of positions at which each MLP unit is above 0, float64 (n_layer, 4 n_embd)."""

    shares: npt.NDArray[np.float64]
    n_positions: int
    n_documents: int
    n_flops: int


class Looking:
    """The agents of an open arena, to look at; see Arena."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def losses(self, name: str | None = None) -> LossHistory:
        """Return the loss of every step an agent has trained.  Raises UnknownName."""
        return self._desk.take(name)[1].history

    def gradients(self, name: str | None = None) -> dict[str, npt.NDArray[np.float32]]:
        """Return the gradients of an agent's next minibatch by weight name, and charge it.

        Raises: UnknownName, StoreError.
        """
        row, agent = self._desk.take(name)
        self._probe(row, agent, agent.settings.batch_size, "gradients")
        return agent.model.gradients()

    def gradient_course(
        self,
        name: str | None = None,
        *,
        replay: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> GradientCourse:
        """Return the gradients of an agent now and, by training it anew, at steps of its past.

        What is probed is charged, the replay is not; a long one needs replay=True.  If it is stopped, or
        on_progress raises, nothing is charged.
        Raises: UnknownName, StoreError.
        """
        row, agent = self._desk.take(name)
        _, n_flops = agent.model.probe(agent.next_documents(agent.settings.batch_size))
        found = agent.model.gradients()
        steps: list[int] = []
        norms: dict[str, list[float]] = {}
        missing = _no_course(agent, replay=replay)
        if missing is None:
            past = Retraining(Recipe.of(agent))
            for stop in _stops(agent.n_steps):
                for progress in past.to(stop):
                    if on_progress:
                        on_progress(progress)
                    self._desk.check_stop()
                if past.agent.n_steps < stop:
                    break
                batch = past.agent.next_documents(past.agent.settings.batch_size)
                _, cost = past.agent.model.probe(batch)
                n_flops += cost
                steps.append(stop)
                for block, norm in block_norms(past.agent.model.gradients()).items():
                    norms.setdefault(block, []).append(norm)
        agent.charge(Energy(evaluation=n_flops))
        self._desk.charge(row, agent, "gradients")
        return GradientCourse(
            gradients=found,
            steps=tuple(steps),
            norms={block: tuple(values) for block, values in norms.items()},
            missing=missing,
            n_flops=n_flops,
        )

    def attention(
        self, name: str | None = None, text: str | None = None, *, layer: int | None = None
    ) -> Attention:
        """Return where an agent looks while it reads a text, in one layer or all, and charge it.

        text: a typical document of validation if None.
        Raises: UnknownName; InvalidValue for a text or a layer it does not have; StoreError.
        """
        row, agent = self._desk.take(name)
        n_layer = agent.config.n_layer
        if layer is not None and not 0 <= layer < n_layer:
            raise InvalidValue(
                f"layer={layer} is not one of {row.name}'s; choose 0 to {n_layer - 1}"
            )
        _check_finite(row.name, agent)
        text = _text_for(row.name, agent, text)
        _, n_flops = agent.model.probe([agent.dataset.encode(text)])
        layers = tuple(range(n_layer)) if layer is None else (layer,)
        maps = tuple(agent.model.attention(i) for i in layers)
        agent.charge(Energy(evaluation=n_flops))
        self._desk.charge(row, agent, "attention")
        return Attention(text=text, n_layer=n_layer, layers=layers, maps=maps, n_flops=n_flops)

    def activations(self, name: str | None = None) -> Activations:
        """Return how often an agent's MLP units are active on its next documents, and charge it.

        Raises: UnknownName; InvalidValue if its weights are not finite; StoreError.
        """
        row, agent = self._desk.take(name)
        _check_finite(row.name, agent)
        n_documents = max(N_READ, agent.settings.batch_size)
        n_flops = self._probe(row, agent, n_documents, "activations")
        counts = [agent.model.relu_active(layer) for layer in range(agent.config.n_layer)]
        return Activations(
            shares=np.array([active / n for active, n in counts], np.float64),
            n_positions=counts[0][1],
            n_documents=n_documents,
            n_flops=n_flops,
        )

    def diagnose(self, name: str | None = None) -> DiagnoseReport:
        """Examine an agent's gradients, units and updates, and charge it.

        Raises: UnknownName, StoreError.
        """
        row, agent = self._desk.take(name)
        report = diagnose(agent)
        agent.charge(Energy(evaluation=report.n_flops))
        self._desk.charge(row, agent, "diagnose")
        return report

    def _probe(self, row: AgentRow, agent: Agent, n_documents: int, command: str) -> int:
        """Run an agent on its next documents as one minibatch, and charge it."""
        _, n_flops = agent.model.probe(agent.next_documents(n_documents))
        agent.charge(Energy(evaluation=n_flops))
        self._desk.charge(row, agent, command)
        return n_flops


def typical_text(dataset: Dataset, most: int) -> str:
    """Return the likeliest validation document of the median length, or `most` letters of it.

    Likeliest to the house trigram; of equals the first.
    """
    lengths = dataset.validation.lengths
    median = int(np.sort(lengths)[(len(lengths) - 1) // 2])
    texts = [text for text in dataset.validation.texts if len(text) == median]
    trigram = NGrams(dataset.train, dataset.vocab_size, 3)
    *_, p = trigram.probabilities(Documents.encode(texts, dataset.vocabulary))
    likelihood = np.log(p).reshape(len(texts), median + 1).sum(axis=1)
    return texts[int(np.argmax(likelihood))][:most]


def _stops(n_steps: int) -> list[int]:
    return sorted({round(i * n_steps / (N_STOPS - 1)) for i in range(N_STOPS)})


def _no_course(agent: Agent, *, replay: bool) -> NoCourse | None:
    """Return why the gradients of an agent's past are not to be had, or None."""
    if not agent.n_steps:
        return NoCourse("it is untrained, so its gradients have no course yet")
    recipe = Recipe.of(agent)
    try:
        recipe.check_known()
    except InvalidValue as reason:
        return NoCourse(str(reason))
    if agent.energy.training > LONG_FLOPS and not replay:
        cost = format_flops(agent.energy.training)
        return LongCourse(f"their course is left out: {cost} to train anew, not charged")
    return None


def _check_finite(name: str, agent: Agent) -> None:
    if not agent.model.is_finite():
        raise NotFinite(name, "weights")


def _text_for(name: str, agent: Agent, text: str | None) -> str:
    """Return the text, or a typical one.  Raises InvalidValue if the agent cannot read it."""
    most = agent.config.block_size - 1  # the first position reads BOS
    example = typical_text(agent.dataset, most)
    if not most:
        raise InvalidValue(
            f"agent {name} has a block_size of 1: it reads no letters and has nothing to attend to"
        )
    if text is None:
        return example
    if not text:
        raise UnreadableText("the text is empty", example)
    strangers = sorted(set(text) - set(agent.dataset.vocabulary))
    if strangers:
        shown = printable(strangers[0])
        raise UnreadableText(f"'{shown}' is not in the vocabulary of {agent.dataset.name}", example)
    if len(text) > most:
        raise UnreadableText(
            f"the text has {len(text):,} letters, {name} can look at {most} "
            f"(block_size {most + 1})",
            text[:most],
        )
    return text
