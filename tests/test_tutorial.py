"""The tutorial, played: each step waits for its effect and explains it with the player's own figures."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bandits.shell.scene import Place
from tests.shelltools import commands, quick

LINES = [  # of each step, what its task asks for
    ["generate 10"],
    ["train 300"],
    ["evaluate"],
    ["clone_agent A Boom", "config learning_rate 10 --agent Boom", "train 200 Boom"],
    ["create_agent Wide 32 1 4", "config batch_size 8", "train 300"],
    ["config temperature 0.5", "generate 10"],
    ["config temperature 1", "battle A Wide 100"],
    ["leaderboard"],
]


def asked(text: str) -> list[str]:
    """The commands that the last task of a text asks for."""
    return re.findall(r"│ (?:type|then)  (.*?) +│", text.rsplit("─ Tutorial ", 1)[-1])


def said(text: str) -> str:
    """A text without its frames and line breaks."""
    return re.sub(r"[\s│]+", " ", text)


def play(home: Path, *lines: str) -> str:
    done = quick(home, "-c", "tutorial", *(word for line in lines for word in ("-c", line)))
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def test_eight_steps_are_played_as_they_are_asked_across_processes(home: Path) -> None:
    shown = play(home)
    for step, lines in enumerate(LINES):
        assert f"Tutorial {step + 1}/8" in shown
        assert asked(shown) == lines
        shown = play(home, *lines)  # a process for each step
        assert f"step {step + 1} of 8 done" in shown
        frames = shown[shown.index("of 8 done") :].splitlines()
        assert len(frames) <= 24
        assert max(map(len, shown.splitlines())) <= 80
    assert "that was the tutorial" in shown
    assert json.loads((home / "tutorial.json").read_text())["on"] is False
    rows = {row["name"]: row for row in json.loads(commands(home, "agents --json"))}
    assert set(rows) == {"A", "B", "Boom", "Wide"}
    assert rows["A"]["n_steps"] == 400
    assert asked(play(home)) == []
    assert "Tutorial 1/8" in commands(home, "tutorial restart")


def test_explanations_hold_the_figures_of_the_arena(home: Path) -> None:
    text = said(play(home, *LINES[0], *LINES[1], *LINES[2]))
    rows = json.loads(commands(home, "agents --json"))
    assert f"to {rows[0]['loss']:.2f}: the means of its first 10 and its last 50" in text
    found = json.loads(commands(home, "evaluate --json"))
    assert f"2^{found['bits']:.2f} = {found['perplexity']:.2f}" in text
    text = said(play(home, *LINES[3], *LINES[4], *LINES[5], *LINES[6]))
    report = json.loads(commands(home, "battle A Wide 1 --exhibition --json"))
    assert report["outcome"]["a"]["n_steps"] == 1
    [quality, creativity, score] = re.findall(
        r"A: 1000 × 2 × ([\d.]+) × ([\d.]+) .*? = (\d+)", text
    )[0]
    q, c = float(quality), float(creativity)
    assert 2000 * q * c / (q + c) == pytest.approx(float(score), abs=2)  # three digits each
    assert re.search(r"Boom's loss went from 2\.\d\d to [\d.e+]+ in 200 steps", text)
    rows = {row["name"]: row for row in json.loads(commands(home, "agents --json"))}
    wide, a = rows["Wide"]["energy"]["training"] / 400, rows["A"]["energy"]["training"] / 400
    assert f"{wide / a:.0f} times as much as A" in text


def test_near_misses_get_a_hint_and_anything_else_works(home: Path) -> None:
    text = play(home, "train 20", "agents", "generate 5", "train 30", "about", "train 100")
    assert "First look at what it writes" in said(text)
    assert "30 steps hardly show" in text
    assert "step 2 of 8 done" in text
    text = play(home, "diagnose", "evaluate B", "clone_agent A X", "config learning_rate 0.05 --agent X",
                "train 50 X", "config learning_rate 3 --agent X", "train 50 X")  # fmt: skip
    assert "To measure its perplexity: evaluate" in said(text)
    assert "Now its learning rate: config learning_rate 10 --agent X" in said(text)
    assert "0.05 is brave, and X survives it" in said(text)
    assert "step 4 of 8 done" in text
    text = play(home, "tutorial skip", "generate 5", "config temperature 2", "generate 3")
    assert "That was at temperature 1." in text
    assert text.index("That was at temperature 1") < text.index("step 6 of 8 done")
    text = play(home, "battle A B 5 --exhibition", "leaderboard", "battle A B 5")
    assert "That one is not recorded" in text
    assert "step 7 of 8 done" in text


def test_it_works_with_other_agents_in_an_old_arena(home: Path) -> None:
    commands(
        home, "create_agent Zoe 8 1 2", "train 1000", "delete_agent A --yes", "delete_agent B --yes"
    )
    shown = play(home)
    assert "Zoe is a GPT of" in shown
    assert "has trained 1,000 steps" in shown
    for _ in range(8):  # Zoe is past her horizon: the tasks know a way
        shown = play(home, *asked(shown))
    assert "that was the tutorial" in shown
    assert "Zoe" in commands(home, "agents")


def test_it_works_without_any_agent(home: Path) -> None:
    commands(home, "delete_agent A --yes", "delete_agent B --yes")
    shown = play(home)
    assert asked(shown) == ["create_agent Ada"]
    shown = play(home, "create_agent Ada", "tutorial")
    assert asked(shown) == ["generate 10"]


def test_back_skip_restart_and_off(home: Path) -> None:
    assert "Tutorial 2/8" in commands(home, "tutorial skip")
    assert "Tutorial 1/8" in commands(home, "tutorial back", "tutorial back")
    assert "Tutorial 4/8" in commands(home, "tutorial skip; tutorial skip; tutorial skip")
    off = commands(home, "tutorial", "tutorial off", "train 200", "evaluate")
    assert "Tutorial 5/8" not in off
    assert "Tutorial 4/8" in commands(home, "tutorial")
    assert "Tutorial" not in commands(home, "train 200", "evaluate")  # one-shots are not disturbed
    assert "Tutorial 1/8" in commands(home, "tutorial restart")
    done = quick(home, "-c", "tutorial skp")
    assert done.returncode == 1
    assert "did you mean 'skip'?" in done.stderr


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"version": 2}', "9" * 5000, '{"version":1,"step":99}', '{"version":1,"step":true}',
     '{"version":1,"step":1,"on":true,"pupil":"A","rival":"","base":{"A":{"loss":1}}}'],
)  # fmt: skip
def test_a_place_that_cannot_be_read_begins_anew(home: Path, content: str) -> None:
    home.mkdir(exist_ok=True)
    (home / "tutorial.json").write_text(content)
    assert "Tutorial 1/8" in commands(home, "tutorial")
    Place.from_dict(json.loads((home / "tutorial.json").read_text()))


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_each_task_fits_its_screen(home: Path, columns: int) -> None:
    printed = commands(home, *["tutorial skip"] * 7, env={"COLUMNS": str(columns)})
    assert max(map(len, printed.splitlines())) <= min(columns, 80)
