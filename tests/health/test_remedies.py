"""What diagnose tells a player to type is complete, runs as it stands, and cures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bandits import datasets
from tests.support.shelltools import commands, quick

DISEASES = {
    "learning rate 10": ["config learning_rate 10", "train 300"],
    "learning rate 10, untrained": ["config learning_rate 10"],
    "learning rate 0.1 at 64": ["create_agent W 64 1 4", "config learning_rate 0.1", "train 900"],
    "learning rate 0.01 at 64, batch size 1": ["create_agent W 64 1 4", "train 1000"],
    "300 documents": [
        "dataset few.txt",
        "create_agent W 64 1 4",
        "config batch_size 16",
        "train 400",
    ],
    "horizon passed": ["train 1000"],
    "horizon left behind": ["train 500", "config horizon 300"],
    "learning rate 1e-7": ["config learning_rate 1e-7", "train 200"],
    "learning rate 1e-7, at its end": ["config learning_rate 1e-7", "train 1000"],
    "learning rate 0": ["config learning_rate 0"],
}
RARE = {
    "learning rate 0.1 at 64",
    "learning rate 10, untrained",
    "horizon left behind",
    "learning rate 1e-7",
    "learning rate 0",
}


def few_names(folder: Path) -> None:
    every = datasets.load("names").documents[::99][:300]
    (folder / "few.txt").write_text("\n".join(every), encoding="utf-8")


def diagnosis(home: Path, name: str = "") -> dict[str, Any]:
    report: dict[str, Any] = json.loads(commands(home, f"diagnose {name} --json"))
    return report


@pytest.mark.parametrize(
    "disease",
    [pytest.param(name, marks=pytest.mark.slow if name in RARE else ()) for name in DISEASES],
)
def test_what_a_sick_agent_is_told_to_type_cures_it(
    home: Path, tmp_path: Path, disease: str
) -> None:
    few_names(tmp_path)
    commands(home, *DISEASES[disease], cwd=tmp_path)
    report = diagnosis(home)
    assert report["verdict"] != "ok"
    sick = [finding for finding in report["findings"] if finding["verdict"] != "ok"]
    assert all(finding["hint"] and finding["next"] for finding in sick)
    commands(home, sick[0]["next"])
    patient = sick[0]["next"].split()[-1]  # the last command trains it
    cured = diagnosis(home, patient)
    left = [finding for finding in cured["findings"] if finding["verdict"] != "ok"]
    # Who has been trained to the end of a schedule is told so, and nothing else.
    assert [finding["name"] for finding in left] in ([], ["learning rate now"]), left


def test_the_screen_shows_the_commands_one_a_line(home: Path) -> None:
    done = quick(home, "-c", "config learning_rate 10", "-c", "train 200", "-c", "diagnose")
    assert done.returncode == 0
    tail = done.stdout.split("verdict\n")[-1]
    assert "\n  create_agent A2 16 1 4\n  train 1000 A2\nA is ill" in tail
    assert tail.count("it will not recover") == 1  # one cure for several signs


@pytest.mark.parametrize(
    ("size", "columns", "rows"),
    [("16 1 4", 80, 24), ("8 2 2", 120, 24), ("8 6 2", 80, 24), ("16 1 4", 40, 40)],
)
def test_a_healthy_diagnosis_fits_a_screen(home: Path, size: str, columns: int, rows: int) -> None:
    commands(home, f"create_agent Well {size}", "train 600")
    env = {"COLUMNS": str(columns), "NO_COLOR": "1"}
    lines = commands(home, "diagnose", env=env).splitlines()
    assert any("Well is healthy" in line for line in lines)
    assert len(lines) < rows - 1  # the command above, the prompt below
    assert max(map(len, lines)) <= columns


def test_explain_says_what_every_sign_means_and_the_plain_table_does_not(home: Path) -> None:
    commands(home, "train 600")
    findings = diagnosis(home)["findings"]
    plain, explained = (
        " ".join(commands(home, line).split()) for line in ("diagnose", "diagnose --explain")
    )
    for finding in findings:
        meaning = " ".join(finding["meaning"].split())
        assert meaning.endswith(".")
        assert meaning in explained
        assert meaning not in plain


def test_a_new_name_is_one_that_is_free(home: Path) -> None:
    commands(home, "create_agent A2", "create_agent A3", "config learning_rate 10 --agent A")
    commands(home, "train 50 A")
    sick = [f for f in diagnosis(home, "A")["findings"] if f["next"]]
    assert sick[0]["next"].startswith("create_agent A4 ")
