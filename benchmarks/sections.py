"""What `python -m benchmarks` measures, a section each; every result is plain data for the record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.bench import Bench, Row
from benchmarks.race import Entry, Worker, race
from benchmarks.sizes import Size, Work, growth, odd_sizes
from benchmarks.task import Skipped
from benchmarks.training import train

# ---- sizes that do not fit, and growth --------------------------------------------------------------


def odd(bench: Bench) -> list[Row]:
    """Sizes that are no multiples of 16, against the next that is."""
    rows = []
    with bench.engines(fast(bench)) as engines:
        for pair in bench.few(odd_sizes()):
            bench.say(f"odd sizes {pair[0]}")
            for isa, worker in engines.items():
                entries = [worker.enter(str(size), "engine", **size.as_dict()) for size in pair]
                race(entries, bench.seconds / 2)
                micros = [
                    Work(size).flops_a_document / entry.best * 1e6
                    for size, entry in zip(pair, entries, strict=True)
                ]
                rows.append(
                    {
                        "isa": isa,
                        "size": str(pair[0]),
                        "n_head": pair[0].n_head,
                        "next": str(pair[1]),
                        "microseconds": micros[0],
                        "microseconds_next": micros[1],
                        "ratio": micros[0] / micros[1],
                    }
                )
    return rows


def fast(bench: Bench) -> tuple[str, ...]:
    """The builds with a fused multiply-add of their own, or the only one."""
    return tuple(isa for isa in bench.isas if isa != "base") or bench.isas


def grow(bench: Bench) -> list[Row]:
    """One size after another grows, each beside the peak of the same moment."""
    rows = []
    with bench.engines(fast(bench)) as engines:
        for what, sizes in growth().items():
            before: dict[str, float] = {}
            for size in bench.few(sizes):
                bench.say(f"growth of {what}: {size}")
                entries = [
                    worker.enter(isa, "engine", **size.as_dict()) for isa, worker in engines.items()
                ]
                peaks = [worker.enter(isa, "peak") for isa, worker in engines.items()]
                race([*entries, *peaks], bench.seconds / 2)
                for peak in peaks:
                    bench.saw_peak(peak)
                for entry, peak in zip(entries, peaks, strict=True):
                    share = entry.best / peak.best
                    rows.append(
                        {
                            "what": what,
                            **size.as_dict(),
                            "isa": entry.name,
                            "microseconds": Work(size).flops_a_document / entry.best * 1e6,
                            "gflops": entry.best / 1e9,
                            "share_of_peak": share,
                            "over_the_size_before": share / before.get(entry.name, share),
                        }
                    )
                    before[entry.name] = share
    return rows


# ---- calls from Python ------------------------------------------------------------------------------


def calls(bench: Bench) -> list[Row]:
    """Agent.train(1), scoring and writing, as Python calls them, on the best instruction set."""
    isa = bench.isas[0]
    rows: list[Row] = []
    with bench.engines([isa]) as engines:
        worker, study = engines[isa], Worker()
        bench.say("Agent.train(1)")
        step = worker.enter("step", "engine", **Size(n_embd=16).as_dict())
        call = worker.enter("call", "agent_call")
        race([step, call], bench.seconds)
        micros = 1e6 / call.best - Work(Size(n_embd=16)).flops_a_document / step.best * 1e6
        rows.append(_call_row("what Agent.train(1) adds to its step, 16,1", "us", micros))
        for n_embd in (16, 64):
            bench.say(f"evaluation and generation, n_embd {n_embd}")
            rows.append(_evaluation(bench, worker, study, isa, n_embd))
            rows += _generation(bench, worker, study, isa, n_embd)
        study.close()
    return rows


def _call_row(what: str, unit: str, measured: float, of_study: float | None = None) -> Row:
    return {"what": what, "unit": unit, "measured": measured, "study": of_study}


def _evaluation(bench: Bench, worker: Worker, study: Worker, isa: str, n_embd: int) -> Row:
    entries = [worker.enter("engine", "evaluation", n_embd=n_embd)]
    entries += _of_study(study, "study_evaluation", isa=isa, n_embd=n_embd)
    race(entries, bench.seconds)
    times = [1e6 / entry.best for entry in entries]
    return _call_row(f"evaluation, a name, {n_embd},1", "us", times[0], *times[1:])


def _generation(bench: Bench, worker: Worker, study: Worker, isa: str, n_embd: int) -> list[Row]:
    rows = []
    for what, n_documents, side_by_side, study_too in (
        ("one at a time, 2,000 names a call", 2000, 1, True),
        ("32 at a time, 2,000 names a call", 2000, 32, True),
        ("32 names a call", 32, 32, False),
        ("1 name a call, most of it Python", 1, 1, False),
    ):
        asked = {"n_embd": n_embd, "n_documents": n_documents, "side_by_side": side_by_side}
        entries = [worker.enter("engine", "generation", **asked)]
        if study_too:
            entries += _of_study(study, "study_generation", isa=isa, **asked)
        race(entries, bench.seconds)
        rates = [entry.best / 1e6 for entry in entries]
        rows.append(
            _call_row(f"generation, {what}, {n_embd},1", "M tokens/s", rates[0], *rates[1:])
        )
    return rows


def _of_study(study: Worker, task: str, **arguments: Any) -> list[Entry]:
    try:
        return [study.enter("study", task, **arguments)]
    except Skipped:
        return []


# ---- threads and memory -----------------------------------------------------------------------------


def threads(bench: Bench) -> list[Row]:
    """Two agents in two threads against one, by the wall clock, on every core there is."""
    if len(bench.cores) < 2:
        bench.skipped["threads"] = "two threads need two cores"
        return []
    rows = []
    with bench.engines(bench.isas[:1], bench.cores) as engines:
        for n_embd in bench.few([16, 32, 64]):
            bench.say(f"two threads, n_embd {n_embd}")
            size = Size(n_embd=n_embd, batch_size=16)
            entries = [
                worker.enter(str(n), "threads", n_threads=n, **size.as_dict())
                for worker in engines.values()
                for n in (1, 2)
            ]
            race(entries, 2 * bench.seconds, slice_seconds=0.02)
            one, two = (entry.best for entry in entries)
            rows.append(
                {
                    "size": str(size),
                    "isa": bench.isas[0],
                    "gflops_of_one": one / 1e9,
                    "gflops_of_two": two / 1e9,
                    "ratio": two / one,
                    "ratio_of_medians": entries[1].median / entries[0].median,
                }
            )
    return rows


def memory(bench: Bench) -> list[Row]:
    """Bytes of a model and of a whole agent, each kind in a fresh process."""
    rows = []
    sizes = [(16, 1, 1), (16, 1, 16), (64, 1, 16), (64, 4, 16), (256, 4, 32)]
    for d, L, B in bench.few(sizes):
        size = Size(n_embd=d, n_layer=L, batch_size=B)
        bench.say(f"memory {size}")
        try:
            model, agent = (_memory(bench, size, agents) for agents in (False, True))
        except Skipped as reason:
            bench.skipped["memory"] = str(reason)
            break
        n_bytes = model.pop("bytes")
        rows.append(
            {"size": str(size), **model, "model_bytes": n_bytes, "agent_bytes": agent["bytes"]}
        )
    return rows


def _memory(bench: Bench, size: Size, agents: bool) -> Row:
    worker = Worker({"BANDITS_ISA": bench.isas[0]})
    try:
        return worker.enter("memory", "memory", agents=agents, **size.as_dict()).info
    finally:
        worker.close()


SECTIONS: dict[str, Callable[[Bench], list[Row]]] = {
    "train": train,
    "odd": odd,
    "calls": calls,
    "threads": threads,
    "memory": memory,
    "growth": grow,
}
