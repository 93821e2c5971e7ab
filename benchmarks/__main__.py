"""python -m benchmarks: this engine beside others, in one run, on one core.

A complete run prints its tables and keeps them, with raw numbers and a picture, in
benchmarks/records/DATE-NAME/.  README.md says what is measured and how.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from bandits.model import builds as engine
from benchmarks import chart, record, study, tables
from benchmarks.bars import bars
from benchmarks.bench import Bench, pin
from benchmarks.sections import SECTIONS
from benchmarks.task import Skipped
from benchmarks.training import relate

FORMAT = 1
RECORDS = Path(__file__).parent / "records"


def arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        choices=list(SECTIONS),
        help="a section; may be repeated",
    )
    parser.add_argument("--quick", action="store_true", help="few sizes, little time: does it run?")
    parser.add_argument("--seconds", type=float, help="of each competitor at each size (default 2)")
    parser.add_argument("--core", type=int, help="the core to stay on (default: the last)")
    parser.add_argument("--name", default="run", help="of the record: records/DATE-NAME/")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers here")
    parser.add_argument("--png", type=Path, metavar="FILE", help="draw the picture here")
    return parser.parse_args(words)


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Run the sections that were asked for and return the record."""
    cores, core = pin(asked.core)
    bench = Bench(
        isas=engine.usable(),
        seconds=asked.seconds or (0.05 if asked.quick else 2.0),
        quick=asked.quick,
        cores=cores,
        say=lambda text: print(f"  {text} ..", file=sys.stderr, flush=True),
    )
    with tempfile.TemporaryDirectory() as folder:
        try:
            os.environ["MGLIB"] = str(study.build(Path(folder)))
        except Skipped as reason:
            bench.skipped["study"] = str(reason)
        results = {name: SECTIONS[name](bench) for name in asked.only or SECTIONS}
    relate(results.get("train", []), bench.peak)
    return {
        "format": FORMAT,
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": record.commit(),
        "machine": record.machine(core),
        "versions": record.versions(),
        "builds": record.builds(bench.isas),
        "seconds": bench.seconds,
        "peak_gflops": bench.peaks,
        "skipped": bench.skipped,
        **results,
        "bars": bars(results),
    }


def main(words: list[str] | None = None) -> None:
    asked = arguments(words)
    found = measure(asked)
    text = tables.report(found)
    print(text)
    outputs = {"json": asked.json, "png": asked.png, "txt": None}
    if not (asked.only or asked.quick):
        folder = RECORDS / f"{found['date'][:10]}-{asked.name}"
        folder.mkdir(parents=True, exist_ok=True)
        outputs["json"] = asked.json or folder / "raw.json"
        outputs["png"] = asked.png or folder / "chart.png"
        outputs["txt"] = folder / "tables.txt"
    if outputs["json"]:
        outputs["json"].write_text(as_json(found))
    if outputs["png"]:
        chart.draw(found, outputs["png"])
    if outputs["txt"]:
        outputs["txt"].write_text(text)
    for path in filter(None, outputs.values()):
        print(f"wrote {path}", file=sys.stderr)


def as_json(found: dict[str, Any]) -> str:
    """A line for each row, so that two records can be compared; NaN, which JSON lacks, is null."""
    parts = []
    for key, value in found.items():
        if isinstance(value, list):
            rows = ",\n".join("  " + json.dumps(_plain(row)) for row in value)
            parts.append(
                f" {json.dumps(key)}: [\n{rows}\n ]" if value else f" {json.dumps(key)}: []"
            )
        else:
            parts.append(f" {json.dumps(key)}: {json.dumps(_plain(value))}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


if __name__ == "__main__":
    main()
