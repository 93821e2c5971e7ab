"""The units of the MLP: how often each is above 0 after ReLU, and which are dead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bandits.health.signs.dead_units import dead_units
from bandits.pictures.panels import Bars, Curves, Line, Picture
from bandits.pictures.registration import Exhibit, Request, name_of, picture, slug_of

if TYPE_CHECKING:
    from bandits.arena.arena import Arena

MOST_LINES = 6
MOST_POINTS = 400


@picture(
    "activations",
    takes="agent",
    summary="how busy the MLP's units are; dead ones",
    exhibit=Exhibit(
        asked=Request(names=("Deep",)),
        seen=(
            "Left, the share of positions at which each unit is active, by layer; right, the dead "
            "units of each layer"
        ),
        look_for=(
            "Left: how often each unit of the MLP is above 0 after ReLU, the busiest first. Right: "
            "the units that are never. A layer in vermilion has lost more than half of them."
        ),
    ),
)
def activations(arena: Arena, request: Request) -> Picture:
    """Gather the share of positions at which each unit of each layer is active."""
    name = name_of(arena, request, "activations")
    seen = arena.activations(name)
    n_layer, n_units = seen.shares.shape
    dead = 100 * (seen.shares == 0).mean(axis=1)
    alarms = [dead_units.verdict(float(share)) != "ok" for share in dead]
    lines = []
    ranks = np.linspace(0, 100, n_units) if n_units > 1 else np.zeros(1)
    run = max(1, -(-n_units // MOST_POINTS))
    for layer, shares in enumerate(seen.shares):
        y = 100 * np.sort(shares)[::-1][::run].astype(np.float64)
        ordered = layer / (n_layer - 1) if n_layer > MOST_LINES else None
        lines.append(Line(f"layer{layer}", ranks[::run], y, layer, ordered=ordered))
    over = f"over {seen.n_positions:,} positions of {seen.n_documents} documents"
    return Picture(
        title=f"activations of {name}",
        slug=slug_of((name,), "activations"),
        n_columns=2,
        n_flops=seen.n_flops,
        panels=[
            Curves(
                title=f"Units of {name}, busiest first, {over}",
                x_label=f"unit (% of the {n_units:,} of a layer)",
                y_label="active at (% of positions)",
                lines=lines,
                y_limits=(-3, 103),
                x_limits=(0, 100),
                whole_x=False,
            ),
            Bars(
                title="Dead: active nowhere" + ("; more than is healthy" if any(alarms) else ""),
                x_label="% of the units of a layer",
                rows=[f"layer{layer}" for layer in range(n_layer)],
                values=dead.tolist(),
                texts=[
                    f"{round(share * n_units / 100):,} of {n_units:,}" for share in dead.tolist()
                ],
                full=100.0,
                alarms=alarms,
            ),
        ],
    )
