"""vec.h, operation by operation, on every instruction set: one program, one output.

lanes/lanes.c is compiled with the flags of setup.py for each build, and for NEON by a cross compiler
whose program qemu runs (Debian: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user).
After a change of what an operation of vec.h computes, renew the golden output with

    python -m tests.model.test_lanes > tests/model/lanes/expected.txt

lanes/hard.c holds multiply-adds to whole numbers, in the cases that are hardest to round.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.support.paths import ROOT

EXPECTED = ROOT / "tests" / "model" / "lanes" / "expected.txt"

EXACT = ["-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]  # as in setup.py
FLAGS = {
    "avx512": ["-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mavx2", "-mfma"],
    "avx2": ["-mavx2", "-mfma"],
    "base": [],
}
X86 = platform.machine().lower() in ("x86_64", "amd64")


def compiled(compiler: list[str], folder: Path, name: str = "lanes") -> Path:
    """The program of this compiler and its flags; skips without the compiler."""
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"{compiler[0]} is not here")
    program, source = folder / name, ROOT / "tests" / "model" / "lanes" / f"{name}.c"
    command = [*compiler, *EXACT, f"-I{ROOT / 'csrc'}", str(source), "-o", str(program), "-lm"]
    subprocess.run(command, check=True, timeout=120)
    return program


def compiled_for(isa: str, compiler: str, folder: Path, name: str = "lanes") -> Path:
    """The program of one build; skips where this machine cannot run it."""
    if FLAGS[isa] and not X86:
        pytest.skip(f"{isa} is of x86-64")
    lanes = compiled([compiler, *FLAGS[isa]], folder)
    if subprocess.run([str(lanes), "--supported"], check=False).returncode:
        pytest.skip(f"this machine cannot run {isa}")
    return lanes if name == "lanes" else compiled([compiler, *FLAGS[isa]], folder, name)


def output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("compiler", ["cc", "clang"])
@pytest.mark.parametrize("isa", FLAGS)
def test_every_lane_operation_gives_the_golden_bits(
    isa: str, compiler: str, tmp_path: Path
) -> None:
    assert output([str(compiled_for(isa, compiler, tmp_path))]) == EXPECTED.read_text()


@pytest.mark.slow
@pytest.mark.skipif(not X86, reason="ARM flushes before it rounds, see lanes.c")
@pytest.mark.parametrize("isa", FLAGS)
def test_multiply_adds_are_rounded_once_where_that_is_hardest(isa: str, tmp_path: Path) -> None:
    """Five million cases of ten kinds in two modes: the instruction, or SSE2, against whole numbers."""
    said = output([str(compiled_for(isa, "cc", tmp_path, "hard")), "5000000"])
    cases = re.findall(r"^(.+): (\d+) cases, (\d+) of them wrong if rounded twice$", said, re.M)
    assert len(cases) == 20
    assert sum(int(n) for _, n, _ in cases) >= 100_000_000
    hard = {kind for kind, _, n_hard in cases if int(n_hard) >= 100}
    kinds = "few bits, half an ulp, around the smallest, around the largest, special, panel16"
    expected = {f"{mode} {kind}" for mode in ("ieee", "flushed") for kind in kinds.split(", ")}
    assert expected | {"ieee half a denormal"} <= hard


@pytest.mark.slow
def test_every_lane_operation_of_neon_gives_the_golden_bits(tmp_path: Path) -> None:
    if shutil.which("qemu-aarch64") is None:
        pytest.skip("qemu-aarch64 is not here")
    program = compiled(["aarch64-linux-gnu-gcc", "-static"], tmp_path)
    assert output(["qemu-aarch64", str(program)]) == EXPECTED.read_text()


def test_no_operation_of_the_lane_layer_is_left_out() -> None:
    """What csrc/lanes.pxd offers to the kernels has a line in the golden output, or is of another kind."""
    offered = re.findall(
        r"^    [\w ]+?\*? (\w+)\(", (ROOT / "csrc" / "lanes.pxd").read_text(), re.M
    )
    assert "fma16" in offered
    tested = set(re.findall(r"\w+", EXPECTED.read_text()))
    without_a_result = {"flush_denormals", "restore_denormals", "prefetch"}
    machines = {"cpu_has_avx2", "cpu_has_avx512"}
    assert set(offered) - without_a_result - machines - tested == set()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(output([str(compiled(["cc"], Path(folder)))]), end="")
