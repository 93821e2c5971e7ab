"""Many short texts side by side, read down the columns, each column as wide as its widest.

As rich's Columns lays them out, but ten thousand take a moment instead of seconds: a row is one text.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

GAP = 3


def in_columns(texts: Sequence[str], styles: Sequence[str], width: int) -> list[Text]:
    """Return rows of the texts, each in its style, in as many columns as fit `width` cells."""
    cells = [cell_len(text) for text in texts]
    lengths, widths = _layout(cells, width)
    starts = [sum(lengths[:k]) for k in range(len(lengths))]
    rows = []
    for r in range(max(lengths, default=0)):
        row = Text(no_wrap=True, overflow="ignore")
        last = sum(length > r for length in lengths) - 1
        for k in range(last + 1):
            n = starts[k] + r
            row.append(texts[n], styles[n])
            if k < last:
                row.append(" " * (widths[k] + GAP - cells[n]))
        rows.append(row)
    return rows


def _layout(cells: Sequence[int], width: int) -> tuple[list[int], list[int]]:
    """Return how many texts each column has, the first ones one more, and how wide each is."""
    n_columns = max(1, min(len(cells), (width + GAP) // (1 + GAP)))
    while True:
        fewest, more = divmod(len(cells), n_columns)
        lengths = [fewest + (k < more) for k in range(n_columns)]
        widths, start = [], 0
        for length in lengths:
            widths.append(max(cells[start : start + length], default=0))
            start += length
        if n_columns == 1 or sum(widths) + GAP * (n_columns - 1) <= width:
            return lengths, widths
        n_columns -= 1
