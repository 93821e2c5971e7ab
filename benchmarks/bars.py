"""The figures that the engine is to hold, and whether a run held them."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]

# size -> (at most so many times the study's prototype on AVX-512, stretch)
RATIOS = {
    "16,1,1": (1.15, 0.9),
    "16,1,16": (1.15, 0.9),
    "32,1,1": (1.15, 0.95),
    "32,1,16": (1.15, 0.95),
    "64,1,1": (1.12, 0.95),
    "64,1,16": (1.12, 0.95),
    "128,1,16": (1.10, 1.0),
    "64,4,16": (1.10, 1.0),
    "256,4,32": (1.10, 0.95),
}
AVX2_RATIO = 1.15
ODD_RATIO = 1.0
THREADS_RATIO = 1.85
FLOATS_A_PARAMETER = 5.0
CLIFF = 0.8  # of the share of the peak at the size before
CALLS = {  # what -> (bar, whether less is better)
    "what Agent.train(1) adds to its step, 16,1": (25.0, True),
    "evaluation, a name, 16,1": (0.9, True),
    "generation, one at a time, 2,000 names a call, 16,1": (3.5, False),
    "generation, 32 at a time, 2,000 names a call, 16,1": (5.5, False),
    "generation, one at a time, 2,000 names a call, 64,1": (0.45, False),
    "generation, 32 at a time, 2,000 names a call, 64,1": (0.85, False),
}


def bars(results: dict[str, list[Row]]) -> list[Row]:
    """A row for each figure that this run measured: what, measured, bar, met, and the stretch."""
    rows = []
    for row in results.get("train", []):
        ratio = row.get("ratio_to_study")
        if row["who"] != "engine" or ratio is None:
            continue
        what = f"train {row['size']} on {row['isa']} over the study's"
        if row["isa"] == "avx512" and row["size"] in RATIOS:
            rows.append(_bar(what, ratio, *RATIOS[row["size"]]))
        elif row["isa"] == "avx2":
            rows.append(_bar(what, ratio, AVX2_RATIO))
    for row in results.get("odd", []):
        what = f"train {row['size']} over {row['next']}, {row['n_head']} heads, on {row['isa']}"
        rows.append(_bar(what, row["ratio"], ODD_RATIO))
    for row in results.get("calls", []):
        if row["what"] in CALLS:
            bar, less = CALLS[row["what"]]
            rows.append(_bar(f"{row['what']}, {row['unit']}", row["measured"], bar, less=less))
    for row in results.get("threads", []):
        what = f"two threads over one, {row['size']}"
        rows.append(_bar(what, row["ratio"], THREADS_RATIO, less=False))
    for row in results.get("memory", []):
        resident = row["model_bytes"] - row["layout_activation_bytes"]
        what = f"floats a parameter, activations aside, {row['size']}"
        rows.append(_bar(what, resident / 4 / row["n_params"], FLOATS_A_PARAMETER))
    grown: dict[tuple[str, str], list[float]] = {}
    for row in results.get("growth", []):
        grown.setdefault((row["what"], row["isa"]), []).append(row["over_the_size_before"])
    for (what, isa), ratios in grown.items():
        what = f"least share of the peak over the size before, growth of {what} on {isa}"
        rows.append(_bar(what, min(ratios), CLIFF, less=False))
    return rows


def _bar(
    what: str, measured: float, bar: float, stretch: float | None = None, *, less: bool = True
) -> Row:
    met = measured <= bar if less else measured >= bar
    return {
        "what": what,
        "measured": measured,
        "bar": bar,
        "at": "most" if less else "least",
        "met": met,
        "stretch": stretch,
        "stretch_met": None if stretch is None else measured <= stretch,
    }
