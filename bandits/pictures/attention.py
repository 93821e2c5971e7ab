"""Where an agent looks: how each head weighs the letters behind it, for one text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bandits.pictures.letters import sign
from bandits.pictures.panels import Heat, Note, Picture
from bandits.pictures.registration import Exhibit, Request, name_of, picture, slug_of

if TYPE_CHECKING:
    from bandits.arena.arena import Arena

MOST_HEADS = 16
MOST_HEADS_WIDE = 4


@dataclass(frozen=True, slots=True)
class LastLayer(Note):
    """There are too many heads for one picture, so only a layer's are drawn."""

    layer: int
    n_layer: int

    def __str__(self) -> str:
        return f"layer {self.layer}, the last of {self.n_layer}"


@picture(
    "attention",
    takes="agent",
    summary="where each head looks",
    example=Request(text="anna"),
    options=("text", "layer"),
    exhibit=Exhibit(
        asked=Request(names=("Ada",), text="marianna"),
        seen="A triangle for each of four heads: where it looks while it reads marianna",
        look_for=(
            "One triangle a head. Each row is one moment of reading, the letter at the left just "
            "read; bright is where the head looks. No letter can look ahead, so the upper half is "
            "empty. Without a text it is a typical name of the validation split."
        ),
    ),
)
def attention(arena: Arena, request: Request) -> Picture:
    """Gather the attention of one layer, or of all if they are few.  Raises InvalidValue for a text."""
    name = name_of(arena, request, "attention")
    seen = arena.attention(name, request.text, layer=request.layer)
    n_layer, n_head = seen.n_layer, seen.maps[0].shape[0]
    notes: list[str | Note] = []
    layers = list(seen.layers)
    if len(layers) * n_head > MOST_HEADS:  # the last layer is nearest to the prediction
        if len(layers) > 1:
            notes.append(LastLayer(layers[-1], n_layer))
        layers = layers[-1:]
    n_shown = min(n_head, MOST_HEADS)
    if n_shown < n_head:
        notes.append(f"heads 1 to {n_shown} of {n_head:,}")
    tokens = ["BOS", *(sign(letter) for letter in seen.text)]
    above = np.triu(np.ones((len(tokens), len(tokens)), bool), 1)
    panels = []
    for layer in layers:
        weights = seen.maps[seen.layers.index(layer)]
        for head in range(n_shown):
            where = f"head {head}" if n_layer == 1 else f"layer {layer}, head {head}"
            values = np.where(above, np.nan, weights[head].astype(np.float64))
            panels.append(
                Heat(
                    title=where,
                    x_label="looks at",
                    y_label="reading",
                    rows=tokens,
                    columns=tokens,
                    values=values,
                    unit="share of attention",
                    note="a row reads, columns are looked at",
                )
            )
    return Picture(
        title=f"attention of {name} reading '{''.join(tokens[1:])}'",
        slug=slug_of((name,), "attention"),
        panels=panels,
        n_columns=min(MOST_HEADS_WIDE, n_shown),
        notes=notes,
        n_flops=seen.n_flops,
    )
