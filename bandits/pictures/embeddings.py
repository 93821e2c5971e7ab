"""The letters as an agent sees them: its token embeddings in two dimensions, by PCA."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bandits.agent.agent import NotFinite
from bandits.pictures.letters import KINDS, kind_of, sign
from bandits.pictures.panels import Dot, Floats, Picture, Points
from bandits.pictures.registration import Exhibit, Request, name_of, picture, slug_of

if TYPE_CHECKING:
    from bandits.arena.arena import Arena

MOST_LETTERS = 120


@picture(
    "embeddings",
    takes="agent",
    summary="the letters in two dimensions, by PCA",
    exhibit=Exhibit(
        asked=Request(names=("Ada",)),
        seen="Letters in a plane: the vowels lie together, apart from the consonants",
        look_for=(
            "The token embeddings on the two axes along which they differ most (PCA). Nobody told "
            "the agent what a vowel is."
        ),
    ),
)
def embeddings(arena: Arena, request: Request) -> Picture:
    """Gather the principal components of the token embeddings.  Raises NotFinite."""
    name = name_of(arena, request, "embeddings")
    agent = arena.agent(name)
    wte = agent.model.state_dict()["wte"].astype(np.float64)
    if not np.isfinite(wte).all():
        raise NotFinite(name, "embeddings")
    places, shares = principal_components(wte)
    vocabulary = agent.dataset.vocabulary
    counts = np.bincount(agent.dataset.train.tokens, minlength=len(wte))[:-1]
    shown = sorted(np.argsort(-counts, kind="stable")[:MOST_LETTERS].tolist())
    dots = [_dot(sign(vocabulary[i]), places[i], kind_of(vocabulary[i])) for i in shown]
    dots.append(_dot("BOS", places[-1], len(KINDS) - 1))
    notes = []
    if len(shown) < len(vocabulary):
        notes.append(f"the {MOST_LETTERS} commonest of {len(vocabulary):,} letters")
    if not agent.n_steps:
        notes.append(f"{name} is untrained: these are its random first weights; train it first")
    panel = Points(
        title=f"Letters as {name} sees them",
        x_label=f"first principal component ({shares[0]:.0%} of the variance)",
        y_label=f"second ({shares[1]:.0%})",
        dots=dots,
        groups=KINDS,
        glyphs=True,
    )
    return Picture(
        title=f"embeddings of {name}",
        slug=slug_of((name,), "embeddings"),
        panels=[panel],
        notes=notes,
    )


def _dot(label: str, place: Floats, group: int) -> Dot:
    return Dot(label, float(place[0]), float(place[1]), group)


def principal_components(rows: Floats) -> tuple[Floats, tuple[float, float]]:
    """Return the rows (n, d) on their two principal axes (n, 2), and the variance each axis explains.

    The sign of an axis is chosen so that its largest coordinate is positive: alike on every machine.
    """
    centred = rows - rows.mean(axis=0)
    U, S, _ = np.linalg.svd(centred, full_matrices=False)
    found = np.zeros((len(rows), 2))
    shares = [0.0, 0.0]
    total = float((S * S).sum())
    for axis in range(min(2, len(S))):
        places = U[:, axis] * S[axis]
        largest = places[np.argmax(np.abs(places))]
        found[:, axis] = places if largest >= 0 else -places
        shares[axis] = float(S[axis] ** 2) / total if total else 0.0
    return found, (shares[0], shares[1])
