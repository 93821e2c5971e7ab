"""A competitor's own process: makes tasks, runs slices of them, and says how long those took.

    python -m benchmarks.worker

reads one JSON request a line and answers each with one: {"make": NAME, "arguments": {..}} gives a task's
number and what it has to tell; {"run": NUMBER, "n": N} gives the seconds of n units and the work in
them.  Processes, because the engine's build is chosen once in each, and none shall disturb another.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from typing import Any

from benchmarks.task import Skipped, Task

MODULE_OF = {
    "engine": "engine_tasks",
    "peak": "engine_tasks",
    "agent_call": "engine_tasks",
    "evaluation": "engine_tasks",
    "generation": "engine_tasks",
    "threads": "engine_tasks",
    "memory": "memory",
    "study": "study",
    "study_evaluation": "study",
    "study_generation": "study",
    "numpy": "slow_tasks",
    "scalar": "slow_tasks",
    "torch": "torch_gpt",
    "torch_compiled": "torch_gpt",
}


def make(name: str, arguments: dict[str, Any]) -> Task:
    """Return the task of this name.  Raises Skipped."""
    module = import_module(f"benchmarks.{MODULE_OF[name]}")
    task: Task = module.TASKS[name](**arguments)
    return task


def answer(tasks: list[Task | None], request: dict[str, Any]) -> dict[str, Any]:
    """Do what a request asks."""
    if "make" in request:
        try:
            tasks.append(make(request["make"], request["arguments"]))
        except Skipped as reason:
            return {"skipped": str(reason)}
        return {"task": len(tasks) - 1, "info": tasks[-1].info}  # type: ignore[union-attr]
    if "drop" in request:
        tasks[request["drop"]] = None
        return {}
    task, n = tasks[request["run"]], request["n"]
    assert task is not None
    started = task.clock()
    task.run(n)
    return {"seconds": task.clock() - started, "work": task.work(n)}


def main() -> None:
    """Answer until there is nothing more to read."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    tasks: list[Task | None] = []
    for line in sys.stdin:
        print(json.dumps(answer(tasks, json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
