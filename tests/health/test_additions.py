"""A sign is added in one file: a stranger does so in a scratch copy of the package, and diagnoses with it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.shelltools import bandits

SIGN = '''\
"""How far the farthest weight has gone."""

import numpy as np

from bandits.health.examination import Part
from bandits.health.sign import Reading, sign


@sign(
    "largest weight",
    Part.WEIGHTS,
    healthy="at most 8",
    meaning="A weight far from the others drowns them.",
    ok_high=8.0,
    bad_high=100.0,
)
def largest_weight(exam):
    """The largest of all weights, whatever its sign."""
    weights = exam.agent.model.state_dict().values()
    yield Reading(max(float(np.abs(w).max()) for w in weights), exam.remedies.start_again())
'''


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A copy of the package with one file more."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "bandits", tmp_path / "clone" / "bandits", ignore=ignored)
    (tmp_path / "clone" / "bandits" / "health" / "signs" / "largest_weight.py").write_text(SIGN)
    return tmp_path / "clone"


def run(scratch: Path, home: Path, *lines: str) -> str:
    words = (word for line in lines for word in ("-c", line))
    done = bandits(home, *words, cwd=scratch, env={"PYTHONPATH": str(scratch)})
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_sign_in_a_file_of_its_own_is_diagnosed(scratch: Path, home: Path) -> None:
    healthy = run(scratch, home, "diagnose --explain")
    (row,) = [line.split() for line in healthy.splitlines() if line.startswith("largest weight ")]
    assert (row[-4:], row[2][:2]) == (["at", "most", "8", "ok"], "0.")  # of a normal, 0.08 wide
    assert "A weight far from the others drowns them." in healthy

    run(scratch, home, "config learning_rate 50", "train 5")
    report = json.loads(run(scratch, home, "diagnose --json"))
    names = [finding["name"] for finding in report["findings"]]
    assert names[:3] == ["largest weight", "weights not finite", "loss"]  # by part, file and line
    (finding,) = [f for f in report["findings"] if f["name"] == "largest weight"]
    assert finding["verdict"] == "bad"
    assert finding["value"] > 100.0
    assert finding["next"] == "create_agent A2 16 1 4; train 1000 A2"
