"""The tutorial, played: each step waits for its effect and explains it with the player's own figures."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bandits.commands import COMMAND_SETS
from bandits.shell.app import BanditsShell
from bandits.tutorial.situation import Place
from bandits.tutorial.tutor import under_way
from tests.support.arenas import names_file
from tests.support.shelltools import commands, quick

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


def test_eight_steps_are_played_as_they_are_asked_with_a_new_process_in_the_middle(
    home: Path,
) -> None:
    first = play(home, *(line for lines in LINES[:4] for line in lines))
    assert "Tutorial 5/8" in first
    second = play(home, *(line for lines in LINES[4:] for line in lines))
    assert "Tutorial 4/8" not in second
    text = f"{first}\n{second}"
    tasks = {part[0]: asked(part) for part in text.split("─ Tutorial ")[1:]}
    assert list(tasks.values()) == LINES
    for step in range(1, 9):
        assert text.count(f"step {step} of 8 done") == 1
    framed = re.findall(r"(?:^[╭│╰].*\n)+", text, re.MULTILINE)
    lessons = [block for block in framed if "Tutorial" in block]  # what happened, what comes next
    assert max(block.count("\n") for block in lessons) <= 24
    assert max(map(len, text.splitlines())) <= 80
    assert "that was the tutorial" in second
    assert json.loads((home / "tutorial.json").read_text())["on"] is False
    rows = {row["name"]: row for row in json.loads(commands(home, "agents --json"))}
    assert set(rows) == {"A", "B", "Boom", "Wide"}
    assert rows["A"]["n_steps"] == 400


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


class Player:
    """A shell in this process; `type` returns what is printed."""

    def __init__(self, home: Path) -> None:
        self.shell = BanditsShell(home, COMMAND_SETS)

    def type(self, *lines: str) -> str:
        self.shell.stdout = io.StringIO()
        for line in lines:
            self.shell.onecmd_plus_hooks(line)
            assert not self.shell.failed, line
        return self.shell.stdout.getvalue()


@pytest.fixture
def player(home: Path) -> Iterator[Player]:
    player = Player(home)
    yield player
    player.shell.close()


def test_near_misses_get_a_hint_and_anything_else_works(player: Player) -> None:
    text = player.type(
        "tutorial", "train 20", "agents", "generate 5", "train 30", "about", "train 100"
    )
    assert "First look at what it writes" in said(text)
    assert "30 steps hardly show" in text
    assert "step 2 of 8 done" in text
    text = player.type(
        "tutorial", "diagnose", "evaluate B", "clone_agent A X", "config learning_rate 0.05 --agent X",
        "train 50 X", "config learning_rate 3 --agent X", "train 50 X",
    )  # fmt: skip
    assert "To measure its perplexity: evaluate" in said(text)
    assert "Now its learning rate: config learning_rate 10 --agent X" in said(text)
    assert "0.05 is brave, and X survives it" in said(text)
    assert "step 4 of 8 done" in text
    text = player.type(
        "tutorial", "tutorial skip", "generate 5", "config temperature 2", "generate 3"
    )
    assert "That was at temperature 1." in text
    assert text.index("That was at temperature 1") < text.index("step 6 of 8 done")
    text = player.type("tutorial", "battle A B 5 --exhibition", "leaderboard", "battle A B 5")
    assert "That one is not recorded" in text
    assert "step 7 of 8 done" in text


def test_it_works_with_other_agents_in_an_old_arena(player: Player) -> None:
    player.type(
        "create_agent Zoe 8 1 2", "train 1000", "delete_agent A --yes", "delete_agent B --yes"
    )
    shown = player.type("tutorial")
    assert "Zoe is a GPT of" in shown
    assert "has trained 1,000 steps" in shown
    for _ in range(8):  # Zoe is past her horizon: the tasks know a way
        shown = player.type(*asked(shown))
    assert "that was the tutorial" in shown


def test_a_dataset_of_ones_own_will_do(player: Player, tmp_path: Path) -> None:
    player.type(f"dataset {names_file(tmp_path / 'pets.txt')}", "create_agent Pet 8 1 2")
    shown = player.type("tutorial")
    assert "ten documents" in said(shown)
    for _ in range(8):
        shown = player.type(*asked(shown))
    assert "that was the tutorial" in shown


def test_it_works_without_any_agent(player: Player) -> None:
    shown = player.type("delete_agent A --yes", "delete_agent B --yes", "tutorial")
    assert asked(shown) == ["create_agent Ada"]
    shown = player.type("create_agent Ada", "tutorial")
    assert asked(shown) == ["generate 10"]


def test_back_skip_restart_and_off(home: Path, player: Player) -> None:
    assert "Tutorial 2/8" in player.type("tutorial skip")
    assert "Tutorial 1/8" in player.type("tutorial back", "tutorial back")
    assert "Tutorial 4/8" in player.type("tutorial skip; tutorial skip; tutorial skip")
    off = player.type("tutorial off", "train 200", "evaluate")
    assert "Tutorial" not in off
    assert "Tutorial 4/8" in player.type("tutorial")
    assert "Tutorial" not in commands(home, "train 200", "evaluate")  # one-shots are not disturbed
    assert "Tutorial 1/8" in player.type("tutorial restart")


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"version": 2}', "9" * 5000, '{"version":1,"step":99}', '{"version":1,"step":true}',
     '{"version":1,"step":1,"on":true,"pupil":"A","rival":"","base":{"A":{"loss":1}}}'],
)  # fmt: skip
def test_a_place_that_cannot_be_read_begins_anew(home: Path, player: Player, content: str) -> None:
    home.mkdir(exist_ok=True)
    (home / "tutorial.json").write_text(content)
    assert "Tutorial 1/8" in player.type("tutorial")
    Place.from_dict(json.loads((home / "tutorial.json").read_text()))


def test_a_place_that_cannot_be_kept_spoils_no_command(home: Path, player: Player) -> None:
    player.type("tutorial")
    (home / "tutorial.json").unlink()
    (home / "tutorial.json").mkdir()
    assert "the place in the tutorial cannot be kept" in said(player.type("energy"))
    assert "step 1 of 8 done" in player.type("generate 3")
    assert sorted(path.name for path in home.glob("tutorial*")) == ["tutorial.json"]


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_each_task_fits_its_screen(
    player: Player, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    printed = player.type(*["tutorial skip"] * 7)
    assert max(map(len, printed.splitlines())) == min(columns, 80)
    assert "…" not in printed


def test_the_prompt_greets_who_left_in_the_middle(home: Path) -> None:
    terminal_tools = pytest.importorskip("tests.support.terminal")
    commands(home, "tutorial", "tutorial skip")
    terminal = terminal_tools.Terminal(home)
    try:
        assert "tutorial: step 2 of 8 waits" in terminal.wait(r"\nA>")
        shown = terminal.type("train 300\r")
        assert "step 2 of 8 done" in shown
        terminal.type("tutorial off\r")
        assert terminal.end() == 0
    finally:
        terminal.process.close(force=True)
    assert not under_way(home)
