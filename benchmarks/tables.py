"""Results as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]

NAMES = {
    "engine": "this engine",
    "study": "study's prototype",
    "torch": "PyTorch",
    "torch_compiled": "PyTorch, compiled",
    "numpy": "numpy float32",
    "scalar": "pure Python",
}


def name(row: Row) -> str:
    """Who it is, with the instruction set where it is chosen."""
    return f"{NAMES[row['who']]} {row['isa']}".strip()


def number(x: float | None, digits: int = 3) -> str:
    """With so many significant digits, never with an exponent."""
    if x is None:
        return "-"
    if abs(x) >= 10 ** (digits - 1):
        return f"{x:,.0f}"
    text = f"{x:.{digits}g}"
    return f"{x:.{digits}f}" if "e" in text else text


def percent(share: float | None) -> str:
    return "-" if share is None or share != share else f"{100 * share:.1f}%"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], n_left: int = 1) -> str:
    """Columns as wide as they need, the first n_left of them to the left."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = []
    for row in [heads, ["-" * w for w in widths], *rows]:
        cells = [
            text.ljust(w) if i < n_left else text.rjust(w)
            for i, (text, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def train_table(rows: list[Row]) -> str:
    """Everyone at every size."""
    cells, last = [], None
    for row in rows:
        cells.append(
            [
                row["size"] if row["size"] != last else "",
                name(row),
                number(row["microseconds"], 4),
                number(row["ratio_to_study"]),
                number(row["ratio_to_engine"]),
                number(row["gflops"]),
                percent(row["share_of_peak"]),
            ]
        )
        last = row["size"]
    heads = ["d,L,batch", "who", "us a document", "x study", "x engine", "GFLOP/s", "of peak"]
    return table(heads, cells, 2)


def odd_table(rows: list[Row]) -> str:
    cells = [
        [
            f"{row['size']} ({row['n_head']} heads)",
            row["next"],
            row["isa"],
            number(row["microseconds"], 4),
            number(row["microseconds_next"], 4),
            f"{row['ratio']:.3f}",
        ]
        for row in rows
    ]
    return table(["d,L,batch", "next", "isa", "us", "us of next", "ratio"], cells, 3)


def calls_table(rows: list[Row]) -> str:
    cells = [
        [row["what"], f"{number(row['measured'])} {row['unit']}", number(row["study"])]
        for row in rows
    ]
    return table(["call", "this engine", "study's"], cells)


def threads_table(rows: list[Row]) -> str:
    cells = [
        [
            row["size"],
            number(row["gflops_of_one"]),
            number(row["gflops_of_two"]),
            f"{row['ratio']:.3f}",
            f"{row['ratio_of_medians']:.3f}",
        ]
        for row in rows
    ]
    heads = ["d,L,batch", "GFLOP/s of one", "of two threads", "ratio", "of medians"]
    return table(heads, cells)


def memory_table(rows: list[Row]) -> str:
    cells = [
        [
            row["size"],
            f"{row['n_params']:,}",
            number(row["layout_floats_a_parameter"]),
            number(row["layout_activation_bytes"] / 1024),
            number((row["layout_model_bytes"] + row["layout_activation_bytes"]) / 1024),
            number(row["model_bytes"] / 1024),
            number(row["agent_bytes"] / 1024),
        ]
        for row in rows
    ]
    heads = ["d,L,batch", "parameters", "floats each", "activations KiB", "both KiB"]
    return table([*heads, "resident model", "resident agent"], cells)


def growth_table(rows: list[Row]) -> str:
    cells = []
    for row in rows:
        cells.append(
            [
                row["what"],
                f"{row['n_embd']},{row['n_layer']},{row['batch_size']},{row['block_size']}",
                row["isa"],
                number(row["microseconds"], 4),
                number(row["gflops"]),
                percent(row["share_of_peak"]),
                f"{row['over_the_size_before']:.2f}",
            ]
        )
    heads = ["what grows", "d,L,batch,block", "isa", "us a document", "GFLOP/s", "of peak"]
    return table([*heads, "over the size before"], cells, 3)


def bars_table(rows: list[Row]) -> str:
    cells = [
        [
            row["what"],
            f"{row['measured']:.3g}",
            f"at {row['at']} {row['bar']:.3g}",
            "met" if row["met"] else "MISSED",
            "" if row["stretch"] is None else f"{row['stretch']:.3g}",
            {None: "", True: "met", False: "missed"}[row["stretch_met"]],
        ]
        for row in rows
    ]
    return table(["figure", "measured", "bar", "", "stretch", ""], cells)


def report(record: Row) -> str:
    """The whole run."""
    peaks = ", ".join(f"{isa} {gflops:.1f}" for isa, gflops in record["peak_gflops"].items())
    parts = [
        f"{record['machine']['processor']}; {record['commit']}; core {record['machine']['core']}",
        f"peak of fused multiply-adds, GFLOP/s: {peaks or 'not measured'}",
    ]
    makers = {
        "train": train_table,
        "odd": odd_table,
        "calls": calls_table,
        "threads": threads_table,
        "memory": memory_table,
        "growth": growth_table,
        "bars": bars_table,
    }
    for section, make in makers.items():
        if record.get(section):
            parts.append(f"{TITLES[section]}\n\n{make(record[section])}")
    parts += [f"without {who}: {reason}" for who, reason in record["skipped"].items()]
    return "\n\n".join(parts) + "\n"


TITLES = {
    "train": "Training: best microseconds a document; times the study's prototype on the same "
    "instruction set; times this engine at its best",
    "odd": "Sizes that vectors of 16 do not fit",
    "calls": "Calls from Python",
    "threads": "Two agents in two threads",
    "memory": "Memory of an agent: by the layout, and resident",
    "growth": "Growth: n_embd, n_layer, batch, block_size",
    "bars": "Figures to hold",
}
