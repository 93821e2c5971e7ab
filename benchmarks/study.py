"""The C prototype of a study, built into a temporary folder.

STUDY_KERNEL names the folder of its sources, MGLIB a library that is built already.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from time import process_time
from types import ModuleType
from typing import Any

import numpy as np

from bandits import datasets
from benchmarks.sizes import Size, Work, documents_of, weights
from benchmarks.task import Skipped

ISAS = {"avx512": 512, "avx2": 2, "base": 1}  # of the prototype, by the engine's names


def build(into: Path) -> Path:
    """Return its library, compiled into a folder unless MGLIB names one.  Raises Skipped."""
    if "MGLIB" in os.environ:
        return Path(os.environ["MGLIB"])
    if "STUDY_KERNEL" not in os.environ:
        raise Skipped("STUDY_KERNEL names no folder of the study's prototype")
    script = Path(os.environ["STUDY_KERNEL"], "build.sh")
    if not script.is_file():
        raise Skipped(f"STUDY_KERNEL={script.parent} holds no build.sh")
    if shutil.which("gcc") is None:
        raise Skipped("no gcc to build the study's prototype")
    done = subprocess.run(
        ["bash", str(script)],
        env={**os.environ, "OUT": str(into)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Skipped(f"the study's prototype does not build: {done.stderr.strip()[-200:]}")
    return into / "libmg.so"


@cache
def load() -> ModuleType | None:
    """Return its mg.py, in STUDY_KERNEL, on the library that MGLIB names; None without them."""
    path = Path(os.environ.get("STUDY_KERNEL", ""), "mg.py")
    if "MGLIB" not in os.environ or not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location("mg", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _module() -> ModuleType:
    mg = load()
    if mg is None:
        raise Skipped("the study's prototype is not built")
    return mg


def _model(size: Size, isa: str, state: dict[str, Any]) -> Any:
    config = size.config
    model = _module().Model(
        config.n_embd, config.n_layer, config.n_head, config.block_size, config.vocab_size,
        isa=ISAS[isa],
    )  # fmt: skip
    model.set(np.concatenate([array.ravel() for array in state.values()]))
    return model


class StudyTraining:
    """Steps of training in one call."""

    clock = staticmethod(process_time)

    def __init__(self, isa: str, **size: Any) -> None:
        self.size = Size(**size)
        self._work = Work(self.size)
        self.model = _model(self.size, isa, weights(self.size.config))
        self.documents = _module().Docs(documents_of(self.size))
        loss = self.model.grad(self.documents, 0, self.size.batch_size)
        self.info = {"isa": isa, "loss": loss}

    def run(self, n: int) -> None:
        self.model.train(self.documents, n, batch=self.size.batch_size, lr=1e-4, decay=False)

    def work(self, n: int) -> float:
        return self._work.flops(n)


def _trained(n_embd: int, isa: str) -> Any:
    from benchmarks.engine_tasks import trained_model

    return _model(Size(n_embd=n_embd), isa, trained_model(n_embd).state_dict())


class StudyEvaluation:
    """The names held out for validation, scored; n times all of them."""

    clock = staticmethod(process_time)

    def __init__(self, isa: str, n_embd: int) -> None:
        self.model = _trained(n_embd, isa)
        names = datasets.load("names")
        self.documents = _module().Docs([names.encode(text) for text in names.validation.texts])
        self.n_documents = len(names.validation)
        self.info = {"n_documents": self.n_documents}

    def run(self, n: int) -> None:
        for _ in range(n):
            self.model.eval(self.documents)

    def work(self, n: int) -> float:
        return n * self.n_documents


class StudyGeneration:
    """n calls for n_documents each, side_by_side at a time; the work is tokens, BOS included."""

    clock = staticmethod(process_time)

    def __init__(self, isa: str, n_embd: int, n_documents: int, side_by_side: int) -> None:
        self.model = _trained(n_embd, isa)
        self.side_by_side = side_by_side
        self.tokens = np.zeros((n_documents, 16), np.int32)
        self.lengths = np.zeros(n_documents, np.int32)
        self.info: dict[str, Any] = {}
        self._n_tokens = 0

    def run(self, n: int) -> None:
        mg = _module()
        self._n_tokens = sum(
            mg._l.mg_generate(  # Model.generate would make strings too
                self.model.h, len(self.lengths), self.side_by_side, 1.0, seed,
                mg._p(self.tokens), mg._p(self.lengths),
            )
            for seed in range(1, n + 1)
        )  # fmt: skip

    def work(self, n: int) -> float:
        return self._n_tokens


TASKS = {
    "study": StudyTraining,
    "study_evaluation": StudyEvaluation,
    "study_generation": StudyGeneration,
}
