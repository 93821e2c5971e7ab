"""The gradients of one agent: how large they are in every weight matrix, and how they came to be so.

A layer whose gradients are orders of magnitude below its neighbours' learns nothing; one far above them
is about to explode.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bandits.pictures.panels import Curves, Line, Mark, Picture, Ridges
from bandits.pictures.registration import Exhibit, Request, name_of, picture, short, slug_of

if TYPE_CHECKING:
    from bandits.arena.arena import Arena
    from bandits.arena.looking import GradientCourse

MOST_ROWS = 27  # matrices; with more, those of a layer share a row
N_BINS = 60
MOST_LINES = 6
_PLACES = {"wte": 0, "wpe": 1, "lm_head": 2}
Arrays = Mapping[str, npt.NDArray[np.float32]]


@picture(
    "gradients",
    takes="agent",
    summary="by weight matrix, and their course",
    options=("replay",),
    exhibit=Exhibit(
        asked=Request(names=("Ada",)),
        seen=(
            "Left, the spread of the gradients of each weight matrix; right, their norms over the "
            "training"
        ),
        look_for=(
            "Left: how large the gradients of the next minibatch are, matrix by matrix, on a scale "
            "of powers of ten. A row far left of the others learns nothing; one far right is about "
            "to explode. Zeros are the letters and positions that the minibatch does not have, and "
            "dead units. Right: the norm of each block at twenty-one moments of the training. They "
            "are found by training the agent anew from its seed, which is free; a training of "
            "minutes waits until it is asked for."
        ),
    ),
)
def gradients(arena: Arena, request: Request) -> Picture:
    """Gather the gradients of the documents that the agent would see next, and of those before."""
    name = name_of(arena, request, "gradients")
    seen = arena.gradient_course(name, replay=request.replay, on_progress=request.on_progress)
    panels: list[Ridges | Curves] = [_distribution(name, seen.gradients)]
    if seen.steps:
        panels.append(_course(seen))
    notes = [seen.missing] if seen.missing else []
    return Picture(
        title=f"gradients of {name}",
        slug=slug_of((name,), "gradients"),
        panels=panels,
        n_columns=2,
        notes=notes,
        n_flops=seen.n_flops,
    )


def _distribution(name: str, found: Arrays) -> Ridges:
    rows = rows_of(found)
    sizes = {row: np.abs(values.astype(np.float64)) for row, values in rows.items()}
    used = {row: size[np.isfinite(size) & (size > 0)] for row, size in sizes.items()}
    exponents = {row: np.log10(size) for row, size in used.items()}
    every = np.concatenate(list(exponents.values()))
    low, high = np.percentile(every, [0.5, 100]) if len(every) else (-3.0, 0.0)
    edges = np.linspace(low - 0.1, high + 0.1, N_BINS + 1)
    return Ridges(
        title=f"Gradients of {short(name, 24)}",
        x_label="|gradient| of the next minibatch (nats per unit of weight); tick: median",
        rows=list(rows),
        counts=np.array([np.histogram(e, edges)[0] for e in exponents.values()], np.float64),
        edges=edges,
        medians=[float(np.median(e)) if len(e) else np.nan for e in exponents.values()],
        remarks=[_remark(sizes[row], len(used[row])) for row in rows],
        power_of_ten=True,
    )


def _remark(size: npt.NDArray[np.float64], n_used: int) -> Mark:
    """What the shape cannot show: zeros, and values that are not finite."""
    n_lost = int((~np.isfinite(size)).sum())
    n_zero = len(size) - n_lost - n_used
    if n_lost:
        return Mark(f"{n_lost:,} not finite", 0, alarm=True)
    return Mark(f"{100 * n_zero / len(size):.0f}% zero" if n_zero else "", 0)


def rows_of(arrays: Arrays) -> dict[str, npt.NDArray[np.float32]]:
    """Return the entries of each matrix, or of each layer if there are too many matrices for a picture."""
    if len(arrays) <= MOST_ROWS:
        return {name: array.ravel() for name, array in arrays.items()}
    blocks: dict[str, list[npt.NDArray[np.float32]]] = {}
    for name, array in arrays.items():
        blocks.setdefault(name.partition(".")[0], []).append(array.ravel())
    return {block: np.concatenate(parts) for block, parts in blocks.items()}


def _course(seen: GradientCourse) -> Curves:
    steps = np.array(seen.steps, np.float64)
    layers = [block for block in seen.norms if block.startswith("layer")]
    many = len(seen.norms) > MOST_LINES
    lines: list[Line] = []
    for block, norms in seen.norms.items():
        y = np.array(norms, np.float64)
        y[~(np.isfinite(y) & (y > 0))] = np.nan
        ordered = None
        if many and block in layers:
            ordered = layers.index(block) / (len(layers) - 1)
        lines.append(Line(block, steps, y, _PLACES.get(block, len(lines)), ordered=ordered))
    return Curves(
        title="Their course over the training",
        x_label="step",
        y_label="norm of the gradient of the next minibatch",
        lines=lines,
        log_y=True,
    )
