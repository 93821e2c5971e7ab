"""The weights of one agent: how those of each matrix are spread, beside how they began."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bandits.model.seeding import STANDARD_DEVIATION
from bandits.pictures.gradients import rows_of
from bandits.pictures.panels import Mark, Picture, Ridges
from bandits.pictures.registration import Exhibit, Request, name_of, picture, slug_of

if TYPE_CHECKING:
    from bandits.arena.arena import Arena

N_BINS = 81


@picture(
    "weights",
    takes="agent",
    summary="spread of each matrix, and how it began",
    example=Request(names=("B",)),
    exhibit=Exhibit(
        asked=Request(names=("Ada",)),
        seen="One distribution a weight matrix, wider than the dashed bell it began as",
        look_for=(
            "How the weights of each matrix are spread, beside the bell that all of them began as. "
            "Above 27 matrices, those of a layer share a row."
        ),
    ),
)
def weights(arena: Arena, request: Request) -> Picture:
    """Gather the distributions of an agent's weights."""
    name = name_of(arena, request, "weights")
    agent = arena.agent(name)
    rows = {row: w.astype(np.float64) for row, w in rows_of(agent.model.state_dict()).items()}
    finite = {row: w[np.isfinite(w)] for row, w in rows.items()}
    every = np.abs(np.concatenate(list(finite.values())))
    reach = max(4 * STANDARD_DEVIATION, float(np.percentile(every, 99.7)) if len(every) else 0.0)
    edges = np.linspace(-reach, reach, N_BINS + 1)
    centres = (edges[1:] + edges[:-1]) / 2
    notes = [] if agent.n_steps else [f"{name} is untrained: these are its random first weights"]
    n_beyond = int((every > reach).sum())
    if n_beyond:
        notes.append(f"{n_beyond:,} of {len(every):,} weights lie beyond ±{reach:.2g}")
    panel = Ridges(
        title=f"Weights of {name} after {agent.n_steps:,} steps",
        x_label="weight",
        rows=list(rows),
        counts=np.array([np.histogram(w, edges)[0] for w in finite.values()], np.float64),
        edges=edges,
        medians=[float(np.median(w)) if len(w) else np.nan for w in finite.values()],
        remarks=[_remark(rows[row], finite[row]) for row in rows],
        reference=("as they began", np.exp(-0.5 * (centres / STANDARD_DEVIATION) ** 2)),
    )
    return Picture(
        title=f"weights of {name}", slug=slug_of((name,), "weights"), panels=[panel], notes=notes
    )


def _remark(whole: np.ndarray, finite: np.ndarray) -> Mark:
    n_lost = len(whole) - len(finite)
    if n_lost:
        return Mark(f"{n_lost:,} not finite", 0, alarm=True)
    return Mark(f"spread {finite.std():.3f}", 0)
