"""The picture of a run: microseconds against size, both logarithmic; below, the share of the peak."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.tables import name

Row = dict[str, Any]

# Okabe and Ito's colours, which all eyes can tell apart; markers differ too.
LOOKS = {
    ("engine", "avx512"): ("#D55E00", "o", "-"),
    ("engine", "avx2"): ("#E69F00", "s", "-"),
    ("engine", "base"): ("#E69F00", "D", ":"),
    ("study", "avx512"): ("#0072B2", "v", "--"),
    ("study", "avx2"): ("#56B4E9", "^", "--"),
    ("study", "base"): ("#56B4E9", "<", ":"),
    ("torch", ""): ("#009E73", "P", "-"),
    ("torch_compiled", ""): ("#009E73", "X", "--"),
    ("numpy", ""): ("#CC79A7", "h", "-"),
    ("scalar", ""): ("#000000", "*", "-"),
}


def draw(record: Row, path: Path) -> None:
    """Write the picture of what a record holds: training, growth, or both."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    training, growth = record.get("train"), record.get("growth")
    rows = [part for part in (training, growth) if part]
    figure = Figure(figsize=(11, 4.6 * max(1, len(rows))), dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    parts = iter(figure.subfigures(max(1, len(rows)), 1, squeeze=False)[:, 0])
    if training:
        _draw_training(next(parts), training)
    if growth:
        _draw_growth(next(parts), growth)
    figure.savefig(path)


def _draw_training(figure: Any, rows: list[Row]) -> None:
    axes = figure.subplots(1, 2, sharey=True)
    for axis, batch_size in zip(axes, (1, 16), strict=True):
        for key, (colour, marker, line) in LOOKS.items():
            points = sorted(
                (row["n_embd"], row["microseconds"])
                for row in rows
                if (row["who"], row["isa"]) == key
                and (row["n_layer"], row["batch_size"]) == (1, batch_size)
            )
            if points:
                label = name({"who": key[0], "isa": key[1]})
                axis.loglog(
                    *zip(*points, strict=True), line, color=colour, marker=marker, label=label
                )
        _finish(axis, "n_embd (one layer)", f"batch of {batch_size}")
    axes[0].set_ylabel("microseconds a document, best")
    handles = {h.get_label(): h for axis in axes for h in axis.get_lines()}
    figure.legend(handles.values(), handles.keys(), loc="outside right upper", frameon=False)
    figure.suptitle("A training step on one core, per document", x=0.01, ha="left")


def _draw_growth(figure: Any, rows: list[Row]) -> None:
    kinds = list(dict.fromkeys(row["what"] for row in rows))
    axes = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
    for axis, what in zip(axes, kinds, strict=True):
        for isa in dict.fromkeys(row["isa"] for row in rows):
            colour, marker, line = LOOKS["engine", isa]
            points = [
                (row[what.split()[0]], 100 * row["share_of_peak"])
                for row in rows
                if (row["what"], row["isa"]) == (what, isa)
            ]
            axis.semilogx(*zip(*points, strict=True), line, color=colour, marker=marker, label=isa)
        _finish(axis, what.split()[0], what)
        axis.set_ylim(0, 100)
    axes[0].set_ylabel("share of the FMA peak, %")
    axes[0].legend(frameon=False)
    figure.suptitle("How this engine's speed grows with size", x=0.01, ha="left")


def _finish(axis: Any, label: str, title: str) -> None:
    ticks = sorted({x for line in axis.get_lines() for x in line.get_xdata()})
    axis.set_xticks(ticks, [str(x) for x in ticks], fontsize=8)
    axis.minorticks_off()
    axis.grid(color="#e4e4e4")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_xlabel(label)
    axis.set_title(title, loc="left", fontsize=10)
