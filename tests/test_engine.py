"""The build that is picked is never one of other sources; test_cli_outer.py has one that is missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import bandits

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
