"""Tables that fit: when the terminal is too narrow, the least telling columns are left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

_GAP = 3
_NARROWEST_WRAPPED = 24


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its header, its cells, and how soon it is left out (0: never)."""

    header: str
    cells: Sequence[str]
    dropped: int = 0
    left: bool = False
    style: str = ""


def fitting(
    columns: Iterable[Column], width: int, *, strong: int | None = None, wrapped: str = ""
) -> Table:
    """Return a table of at most `width` cells.

    Row number `strong` is set in bold; the column headed `wrapped` may take several lines.
    """
    kept = list(columns)
    while sum(_width(column, wrapped) + _GAP for column in kept) - _GAP > width:
        last = max(kept, key=lambda column: column.dropped)
        if last.dropped == 0:
            break
        kept.remove(last)
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1), pad_edge=False)
    for column in kept:
        table.add_column(
            column.header,
            justify="left" if column.left else "right",
            style=column.style,
            no_wrap=column.header != wrapped or not wrapped,
            overflow="ellipsis",
        )
    for n, cells in enumerate(zip(*(column.cells for column in kept), strict=True)):
        table.add_row(*(Text(cell) for cell in cells), style="bold" if n == strong else "")
    return table


def _width(column: Column, wrapped: str) -> int:
    if wrapped and column.header == wrapped:
        return _NARROWEST_WRAPPED
    return max(cell_len(text) for text in (column.header, *column.cells))
