"""The table: this engine and all others at every size, best microseconds a document."""

from __future__ import annotations

from typing import Any

from benchmarks.bench import Bench, Row
from benchmarks.race import Entry, Worker, race
from benchmarks.sizes import Size, Work, training_sizes
from benchmarks.task import Skipped

HEATS = 3  # with fresh processes, since where memory lies is luck worth a tenth
MOST_SLICES_KEPT = 200  # in the record, of each competitor and size
COMPILED_PAUSE = "torch.compile takes minutes; a run without --quick has it"
OTHERS = ("torch", "torch_compiled", "numpy", "scalar")

Key = tuple[str, str]  # who, and its instruction set or ""


def train(bench: Bench) -> list[Row]:
    """Microseconds a document of everyone at every size."""
    rows: list[Row] = []
    others = {name: Worker() for name in OTHERS}
    for size in bench.few(training_sizes()):
        bench.say(f"training {size}")
        rates: dict[Key, list[float]] = {}
        info: dict[Key, dict[str, Any]] = {}
        n_heats = 1 if bench.quick else HEATS
        for heat in range(n_heats):
            for key, entry in _heat(bench, size, n_heats, others if heat == 0 else {}).items():
                rates.setdefault(key, []).extend(entry.rates)
                info[key] = entry.info
        work = Work(size)
        rows += [_row(size, key, rates[key], info[key], work) for key in rates]
    for worker in others.values():
        worker.close()
    return rows


def _heat(bench: Bench, size: Size, n_heats: int, others: dict[str, Worker]) -> dict[Key, Entry]:
    """One race, with this engine and the study's prototype in fresh processes."""
    study = Worker()
    with bench.engines(bench.isas) as engines:
        wanted: list[tuple[str, str, Worker, dict[str, str]]] = []
        wanted += [("engine", isa, engines[isa], {}) for isa in bench.isas]
        wanted += [("study", isa, study, {"isa": isa}) for isa in bench.isas]
        wanted += [(name, "", worker, {}) for name, worker in others.items()]
        entries: dict[Key, Entry] = {}
        for who, isa, worker, more in wanted:
            entry = _enter(bench, who, size, worker, more)
            if entry:
                entries[who, isa] = entry
        peaks = [engines[isa].enter(isa, "peak") for isa in bench.isas]
        race([*entries.values(), *peaks], bench.seconds / n_heats)
        for peak in peaks:
            bench.saw_peak(peak)
    study.close()
    return entries


def _enter(
    bench: Bench, who: str, size: Size, worker: Worker, more: dict[str, str]
) -> Entry | None:
    if who == "torch_compiled" and bench.quick:
        bench.skipped[who] = COMPILED_PAUSE
    if who in bench.skipped:
        return None
    try:
        return worker.enter(who, who, **more, **size.as_dict())
    except Skipped as reason:
        bench.skipped[f"{who} {size}" if who == "scalar" else who] = str(reason)
        return None


def _row(size: Size, key: Key, rates: list[float], info: dict[str, Any], work: Work) -> Row:
    """A competitor at a size; `relate` adds what needs the others."""
    micros = sorted(work.flops_a_document / rate * 1e6 for rate in rates)
    return {
        **size.as_dict(),
        "size": str(size),
        "who": key[0],
        "isa": key[1],
        "microseconds": micros[0],
        "microseconds_median": micros[len(micros) // 2],
        "gflops": max(rates) / 1e9,
        "loss": info.get("loss"),
        "n_slices": len(micros),
        "microseconds_of_slices": micros[:: -(-len(micros) // MOST_SLICES_KEPT)],
    }


def relate(rows: list[Row], peak: float) -> None:
    """Add each row's time over the study's, over this engine's best, and its share of the peak.

    This engine and the study are compared on the same instruction set, others with the best of each.
    """
    best: dict[tuple[str, str, str], float] = {}
    for row in rows:
        if row["who"] in ("engine", "study"):
            for isa in (row["isa"], ""):
                key = (row["size"], row["who"], isa)
                best[key] = min(best.get(key, row["microseconds"]), row["microseconds"])
    for row in rows:
        own = row["isa"] if row["who"] in ("engine", "study") else ""
        for other, isa in (("study", own), ("engine", "")):
            over = best.get((row["size"], other, isa))
            row[f"ratio_to_{other}"] = row["microseconds"] / over if over else None
        row["share_of_peak"] = row["gflops"] / peak
