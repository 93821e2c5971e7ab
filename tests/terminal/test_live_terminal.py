"""The live views at real terminals: what is on the screen, while it runs and when it is over."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.screens import REDRAWN, Run, at_terminal
from tests.support.shelltools import commands, quick
from tests.support.terminal import Terminal

BRAILLE = re.compile("[\u2801-\u28ff]")
COLOURS = re.compile(r"\x1b\[[0-9;]*(?:3[0-8]|4[0-8])[0-9;]*m")
HOUSE_BLUE, HOUSE_ORANGE = "\x1b[38;5;32m", "\x1b[38;5;172m"


@pytest.fixture
def terminal(home: Path) -> Iterator[Terminal]:
    """A terminal at its first prompt."""
    opened = Terminal(home)
    opened.wait(r"\nA>")
    yield opened
    opened.process.close(force=True)


def card_of(run: Run) -> str:
    return run.text[run.text.index("╭─") : run.text.index("─╯")]


def race_of(run: Run) -> str:
    return run.text[: run.text.index("╭─")]


def test_a_short_training_shows_its_finished_curve_once(home: Path) -> None:
    run = at_terminal(home, "train 600")
    assert run.exit_code == 0
    lines = run.text.splitlines()
    assert re.fullmatch(r"A trained +600 steps", lines[0])
    assert len(BRAILLE.findall(run.text)) > 60
    axis = next(n for n, line in enumerate(lines) if "└0" in line)
    assert re.search(r"0 ─+ 150 ─+ 300 ─+ 450 ─+ 600$", lines[axis])
    figures = lines[axis + 1]
    assert re.match(r"loss 2\.\d\d   perplexity \d+\.\d\d   \S+ steps/s   12\d MFLOP", figures)
    said = re.search(r"loss (\S+) \(mean of the last 50\)", run.text)
    assert said is not None
    assert figures.startswith(f"loss {float(said[1]):.2f} ")
    assert HOUSE_BLUE in run.raw


def test_a_watched_battle_is_the_same_battle(home: Path, tmp_path: Path) -> None:
    plain = at_terminal(home, "battle A B 300", "agents --json")
    watched = at_terminal(tmp_path / "other", "battle A B 300 --watch 1.2", "agents --json")
    assert REDRAWN.search(watched.raw)
    assert race_of(watched) == race_of(plain)  # the last frame, to the letter
    assert card_of(watched) == card_of(plain)
    assert watched.text.split("next:")[1] == plain.text.split("next:")[1]  # the agents: same bits
    assert HOUSE_BLUE in watched.raw
    assert HOUSE_ORANGE in watched.raw


def test_a_race_tells_of_its_leads_and_its_explosions(home: Path) -> None:
    run = at_terminal(
        home,
        "config learning_rate 0.0001 --agent A",
        "battle A B 400 --exhibition",
        "config learning_rate 1e30 --agent A",
        "battle A B 400",
    )
    first, second = run.text.split("A: learning_rate", 2)[1:]
    assert re.search(r"▪ step [\d,]+: B is first off the line, 3\.\d\d to 3\.\d\d", first)
    assert re.search(r"\nA ╌+┃━+╌* B  B leads by 0\.\d{3}\n", first)
    assert re.search(
        r"▪ step [23]: A explodes: its loss is no longer a number\. Learning rate 1e\+30 will do that",
        " ".join(second.split()),
    )
    assert re.search(r"\nA  exploded", second)
    assert "next: diagnose A" in second
    assert not re.search(r"next:.*battle", second)


def test_a_lead_that_changes_is_told_alike_each_time(home: Path) -> None:
    """Two seeds see other names, so their running means cross; the same battle, the same words."""
    told = []
    for _ in range(2):
        run = at_terminal(home, "create_agent C --seed 7", "battle A C 400", "delete_agent C --yes")
        told.append(re.findall(r"▪ .*", race_of(run)))
        home = home.parent / "again"
    assert told[0] == told[1]
    assert len(told[0]) >= 3
    assert any(" slips past " in line for line in told[0])
    assert re.fullmatch(r"▪ finish: .* nats.*", told[0][-1])


@pytest.mark.parametrize(("columns", "rows"), [(40, 10), (40, 24), (24, 6), (120, 40), (300, 6)])
def test_frames_fit_their_terminal(home: Path, columns: int, rows: int) -> None:
    run = at_terminal(home, "battle A B 40 --watch 0.4", columns=columns, rows=rows)
    assert run.exit_code == 0
    screen_rows = race_of(run).rstrip("\n").split("\n")
    assert len(screen_rows) <= rows - 1
    assert run.text.count("A aga") == 2  # one frame and the card: none was left behind above
    frames = REDRAWN.split(run.raw)
    assert len(frames) > 1
    for line in frames[-2].replace("\x1b[J", "").split("\r\n"):
        assert len(re.sub(r"\x1b\[[0-9;]*[mK]", "", line)) < columns


def test_a_terminal_made_narrower_gets_a_new_page(terminal: Terminal) -> None:
    def redrawn() -> bool:
        return bool(REDRAWN.search(terminal.raw, start))

    start = len(terminal.raw)
    terminal.process.send("battle A B 200 --watch 300\r")
    terminal.wait_until(redrawn, "a frame over another")
    start = len(terminal.raw)
    terminal.resize(50, 20)
    terminal.wait_until(redrawn, "a frame over one of the new page")
    terminal.type("\x03", r"\nA>")
    _, page = terminal.raw[start:].split("\x1b[H", 1)
    assert "\x1b[H" not in page.split("╭─")[0]  # one new page, and what follows is drawn over it
    assert REDRAWN.search(page.split("╭─")[0])
    for line in page.split("╭─")[0].split("\r\n"):
        assert len(re.sub(r"\x1b\[[0-9;]*[AJKmH]|\r", "", line)) < 50


def test_without_colours_the_curves_are_told_apart_all_the_same(home: Path) -> None:
    run = at_terminal(home, "battle A B 200 --watch 0.3", NO_COLOR="1")
    assert not COLOURS.findall(run.raw)
    assert len(BRAILLE.findall(run.text)) > 60


def test_a_terminal_without_such_letters_gets_ascii(home: Path) -> None:
    lines = ("battle A B 200", "train 50", "agents", "config batch_size 2")
    run = at_terminal(home, *lines, PYTHONIOENCODING="latin-1")
    assert run.exit_code == 0
    assert not BRAILLE.search(run.text)
    assert "\\u" not in run.text
    assert "\n> | A " in run.text
    assert "batch_size = 1 -> 2" in run.text
    assert re.search(r"\| +\*+o+", run.text)
    assert re.search(r"\nA \.*=*\|=*\.* B  [AB] leads by", run.text)


def test_a_dumb_terminal_and_json_get_no_frames(home: Path) -> None:
    dumb = at_terminal(home, "train 200 --watch 500", "battle A B 50 --watch 500", TERM="dumb")
    assert dumb.exit_code == 0
    assert "\x1b" not in dumb.raw
    assert "against" not in dumb.text.split("╭─")[0].split("+--")[0]
    json = at_terminal(home, "battle A B 50 --json")
    assert json.text.startswith("{")
    assert not BRAILLE.search(json.text)


def test_a_narrow_dumb_terminal_gets_narrow_tables(home: Path) -> None:
    lines = ("help", "agents", "leaderboard", "battle A B 50")
    dumb = at_terminal(home, *lines, columns=40, TERM="dumb")
    assert max(len(line) for line in dumb.raw.splitlines()) <= 40
    assert "…" not in dumb.text


def test_after_a_pause_the_next_frame_leaves_what_others_wrote(terminal: Terminal) -> None:
    end_of_a_frame = r"\nA [╌━]+┃[╌━]* B[^\n]*(\n▪.*)*"
    terminal.type("battle A B 300 --watch 300\r", end_of_a_frame)
    terminal.process.kill(signal.SIGSTOP)
    terminal.feed("\r\n[1]+ Stopped\r\n$ fg\r\n")  # as a shell would, below the frame
    terminal.process.kill(signal.SIGCONT)
    terminal.wait(r"\n\[1\]\+ Stopped\n\$ fg\nA against B [\s\S]*")
    text = terminal.type("\x03", r"\nA>")
    assert text.count("A against B   ") == 2  # the frame that was left, and the last
    assert terminal.end() == 0


def test_a_pipe_gets_no_frames_and_nobody_waits(home: Path) -> None:
    said = commands(home, "train 200 --watch 500", "battle A B 50 --watch 500")
    assert said.startswith("trained 200 steps")
    assert not BRAILLE.search(said)
    assert "\x1b" not in said


def test_ctrl_c_ends_the_watching_and_keeps_the_battle(terminal: Terminal) -> None:
    terminal.type("battle A B 100 --watch 300\r", r"[AB] leads by .*[\s\S]*")
    said = terminal.type("typed ahead\x03", r"\nA>[^\n]*")
    assert "wins by" in said
    assert "^C" not in said
    assert "0-0-1" in terminal.type("agents\r")


def test_no_other_seconds_are_taken(home: Path) -> None:
    refused = ["0", "-1", "nan", "inf", "abc", "1e9", "600.1"]
    typed = [f"{what} --watch={text}" for what in ("train 9", "battle A B 9") for text in refused]
    done = quick(home, "--keep-going", *(word for line in typed for word in ("-c", line)))
    assert done.returncode == 1
    assert done.stdout == ""
    rule = "must be seconds, more than 0 and at most 600; try"
    assert done.stderr.splitlines() == [
        *(f"error: watch={text} {rule} 'train 1000 --watch 5'" for text in refused),
        *(f"error: watch={text} {rule} 'battle A B 100 --watch 10'" for text in refused),
    ]
