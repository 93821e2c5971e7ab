"""A picture, of bars and curves: what agents have spent, and on what."""

from __future__ import annotations

import json
import re

from tests.support.additions import Addition, Copy, Registration, completing, created, replaced

FILE = '''"""What agents have spent, and on what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bandits.pictures.panels import Bars, Curves, Line, Picture
from bandits.pictures.registration import Request, names_of, picture, slug_of

if TYPE_CHECKING:
    from bandits.arena.arena import Arena

KINDS = ("training", "evaluation", "generation")


@picture("spending", takes="agents", summary="what energy went into, and how it grew")
def spending(arena: Arena, request: Request) -> Picture:
    """Gather the energy of agents by what it was spent on."""
    names = names_of(arena, request)
    spent = [[float(getattr(arena.energy(name), kind)) for kind in KINDS] for name in names]
    totals = np.array(spent).sum(axis=0)
    panels = [
        Bars(
            title="Energy of all",
            x_label="share of the largest, %",
            rows=KINDS,
            values=(100 * totals / max(totals.max(), 1.0)).tolist(),
            texts=[f"{total:.3g}" for total in totals],
            full=100.0,
            alarms=[False] * len(KINDS),
        ),
        Curves(
            title="Energy by kind",
            x_label="kind",
            y_label="operations",
            lines=[
                Line(name, np.arange(3.0), np.array(of_one), place)
                for place, (name, of_one) in enumerate(zip(names, spent, strict=True))
            ],
        ),
    ]
    return Picture(title="spending", slug=slug_of(names, "spending"), panels=panels)
'''
# What tests/pictures/test_pictures.py demands of every picture, and what the gallery would say of it.
LAWS = """
from bandits.arena.arena import Arena
from tests.pictures import test_pictures as laws
with Arena() as arena:
    arena.create_agent(laws.LONG, n_embd=8)
    laws.test_every_picture_is_drawn_with_labels_and_units(arena, "spending")
"""
GALLERY = """
import draw_gallery
print(draw_gallery.page(""))
"""


def use(copy: Copy) -> None:
    text = copy.bandits(
        "train 20", "visualize spending", "visualize spending A B --terminal", "help visualize"
    )
    assert "spending: ~/pictures/A-spending.png\n" in text
    assert (copy.home / "pictures" / "A-spending.png").read_bytes().startswith(b"\x89PNG")
    assert re.search(
        r"^Energy of all \(share of the largest, %\)\n *training █+ \S+e\+", text, re.M
    )
    assert re.search(r"^Energy by kind$", text, re.M)
    assert re.search(r"^a A   b B$", text, re.M)
    assert re.search(r"^  visualize spending +what energy went into, and how it grew$", text, re.M)
    told = " ".join(text.split())
    assert "pareto, race, spending" in told
    assert "loss, schedule and spending take several" in told

    for columns, rows in ((40, 40), (80, 22)):  # 22 and the next prompt are a screen
        plain = {"COLUMNS": str(columns), "PYTHONIOENCODING": "ascii"}
        sketch = copy.bandits("visualize spending --terminal", **plain)
        assert sketch.isascii()
        assert max(map(len, sketch.splitlines())) <= columns
        assert len(sketch.splitlines()) <= rows

    completed, page = copy.python(completing("visualize spe") + GALLERY + LAWS).split("\n", 1)
    assert json.loads(completed) == [["spending"]]
    seen = "What energy went into, and how it grew"
    assert (
        f"\n\n## Spending\n\n![{seen}](images/gallery-spending.png)\n\n    visualize spending A Ada"
        f"\n\n{seen}.\n\n"
    ) in page


ADDITION = Addition(
    title="a picture",
    file="bandits/pictures/spending.py",
    edit=created(FILE),
    registration=Registration(
        file="bandits/pictures/__init__.py",
        edit=replaced(
            "# isort: on\n", "from bandits.pictures import spending  # noqa: F401\n# isort: on\n"
        ),
    ),
    use=use,
)
