"""The build that is picked is never one of other sources.

One that is missing is in tests/shell/test_command_line.py.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bandits
from bandits.model import builds as engine

PACKAGE = Path(bandits.__file__).parent
CSRC = PACKAGE.parent / "csrc"


def about(folder: Path) -> subprocess.CompletedProcess[str]:
    """`python -m bandits -c about` in a folder whose bandits/ shadows the installed one."""
    return subprocess.run(
        [sys.executable, "-m", "bandits", "-c", "about"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.skipif(not CSRC.exists(), reason="csrc/ is not beside the installed package")
def test_a_build_of_other_sources_than_lie_beside_it_says_what_to_type(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "bandits")
    shutil.copytree(CSRC, tmp_path / "csrc")
    assert about(tmp_path).returncode == 0
    with (tmp_path / "csrc" / "norm.pxd").open("a") as kernel:
        kernel.write("# a newer kernel\n")
    done = about(tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "compiled from other sources" in done.stderr


@pytest.mark.skipif(not CSRC.exists(), reason="csrc/ is not beside the installed package")
def test_a_clone_without_a_build_does_not_take_that_of_another_clone(tmp_path: Path) -> None:
    """An editable install answers for every module of the package that the clone at hand lacks."""
    finder = (
        "import sys, importlib.util\n"
        "class Editable:\n"
        "    @staticmethod\n"
        "    def find_spec(name, path=None, target=None):\n"
        "        found = [p for p in __import__('pathlib').Path(sys.argv[1]).glob('*.so')\n"
        "                 if p.name.startswith(name.rpartition('.')[2] + '.')]\n"
        "        return importlib.util.spec_from_file_location(name, found[0]) if found else None\n"
        "sys.meta_path.append(Editable)\n"
        "from bandits.model import builds as engine\n"
        "try:\n"
        "    engine.build()\n"
        "except engine.EngineMissing as error:\n"
        "    sys.exit(str(error))\n"
    )
    shutil.copytree(PACKAGE, tmp_path / "bandits", ignore=shutil.ignore_patterns("*.so"))
    done = subprocess.run(
        [sys.executable, "-c", finder, str(PACKAGE)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "the engine is not compiled" in done.stderr


def test_a_slow_build_is_told_and_a_fast_one_is_not() -> None:
    if engine.isa() != "base":
        assert engine.handicap() is None
    if platform.machine() != "x86_64":
        pytest.skip("only on x86 is the portable build slow")
    code = "from bandits.model.builds import handicap; print(handicap())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "BANDITS_ISA": "base"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.startswith("BANDITS_ISA=base is set: the portable engine runs")
