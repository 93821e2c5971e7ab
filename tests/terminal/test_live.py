"""The parts of the live views: what is kept of the losses, what is said of a race, what fits a frame."""

from __future__ import annotations

import itertools
import math
import random
import re
import sys

import numpy as np
import pytest
from rich.color import ColorSystem
from rich.console import Console
from rich.text import Text

from bandits.agent.agent import Progress
from bandits.terminal.columns import in_columns
from bandits.terminal.live.curves import Series, drawn, limits_of
from bandits.terminal.live.frames import Moment, race_frame, training_frame
from bandits.terminal.live.losses import MOST_BINS, Curve, window_of
from bandits.terminal.live.screen import written
from bandits.terminal.live.story import Race, story
from bandits.terminal.look import Look
from bandits.terminal.text import hint
from tests.support.paths import ROOT


def curve_of(losses: np.ndarray, n_chunks: int = 1, flops_a_step: int = 1000) -> Curve:
    """A curve that was given the losses in chunks."""
    curve, n_done = Curve(), 0
    for chunk in np.array_split(losses, n_chunks):
        n_done += len(chunk)
        curve.add(
            Progress(
                n_done, len(losses), n_done, chunk, 0.01 / max(1, n_done), n_done * flops_a_step
            )
        )
    return curve


def falling(n: int, end: float, speed: float = 5.0) -> np.ndarray:
    return end + (3.3 - end) * np.exp(-speed * np.arange(n) / n)


def race_of(a: np.ndarray, b: np.ndarray, **more: object) -> Race:
    return Race(
        names={"a": "Ada", "b": "Bob"},
        curves={"a": curve_of(a), "b": curve_of(b)},
        n_steps=max(len(a), len(b)),
        **more,  # type: ignore[arg-type]
    )


def plain(lines: list[Text]) -> list[str]:
    return [line.plain.rstrip() for line in lines]


@pytest.mark.parametrize("n", [1, 7, 50, MOST_BINS - 1, MOST_BINS, 5 * MOST_BINS + 3, 40_000])
def test_a_running_mean_is_the_mean_of_the_losses_before_it(n: int) -> None:
    losses = np.random.default_rng(n).normal(2.5, 0.4, n)
    curve = curve_of(losses)
    width = max(1, 2 ** math.ceil(math.log2((n + 1) / MOST_BINS))) if n >= MOST_BINS else 1
    window = max(50, width)
    for end in {n, n // 2, n // 3} - {0}:
        exact = losses[max(0, max(end, min(10, n)) - window) : max(end, min(10, n))].mean()
        slack = 1e-12 if width == 1 else 4 * width * 0.4 / window + 0.4 / math.sqrt(window)
        assert curve.mean_until([end], window)[0] == pytest.approx(exact, abs=slack)


def test_how_losses_were_chunked_changes_no_bit_of_the_curve() -> None:
    losses = np.random.default_rng(1).normal(2.5, 0.4, 30_000)
    steps = np.arange(1, 30_001, 7)
    once = curve_of(losses).mean_until(steps, 750)
    for n_chunks in (2, 13, 1_000):
        assert np.array_equal(once, curve_of(losses, n_chunks).mean_until(steps, 750))


def test_a_curve_occupies_the_same_however_long_it_is() -> None:
    curve = Curve()
    chunk = np.full(16_384, 2.5)
    for k in range(1, 2_001):
        curve.add(Progress(k * len(chunk), 10**9, 0, chunk, 0.01, k))
    assert curve.n_steps == 2_000 * 16_384
    kept = sum(sys.getsizeof(value) for value in vars(curve).values())
    pending = sum(losses.nbytes for losses in curve._pending)
    assert kept + pending < 1_500_000
    assert curve.mean_until([curve.n_steps], 10_000)[0] == 2.5


def test_the_first_loss_that_is_not_finite_ends_the_curve() -> None:
    curve = curve_of(np.array([3.0, 2.9, np.inf]))
    assert (curve.exploded_at, curve.n_steps) == (3, 2)
    assert curve_of(np.array([np.nan])).exploded_at == 1


def test_a_lead_must_be_clear_before_it_counts() -> None:
    a = np.full(640, 2.5)
    level = race_of(a, a + 0.005)
    assert [event.side for event in story(level, 1.0)] == []
    b = a + np.where(np.arange(640) < 320, 0.1, -0.1)
    changed = story(race_of(a, b), 1.0, finished=True)
    assert [event.side for event in changed] == ["a", "b", "b"]
    assert changed[0].text == "Ada is first off the line, 2.50 to 2.60"
    assert changed[1].text == "Bob slips past Ada, 2.48 to 2.50"
    assert changed[2].text == "Bob holds off Ada by 0.10 nats; over to the judge"


def test_a_story_grows_and_never_changes_what_was_said() -> None:
    rng = np.random.default_rng(3)
    race = race_of(
        falling(2_000, 2.3) + rng.normal(0, 0.4, 2_000),
        falling(2_000, 2.3, 9) + rng.normal(0, 0.4, 2_000),
    )
    whole = story(race, 1.0)
    assert len(whole) >= 3
    for until in np.linspace(0, 1, 30):
        said = story(race, float(until))
        assert said == whole[: len(said)]
        assert all(event.at <= until for event in said)


def test_mirrored_corners_tell_the_mirrored_story() -> None:
    a, b = falling(800, 2.2, 3), falling(800, 2.4, 12)
    there, back = story(race_of(a, b), 1.0, finished=True), story(race_of(b, a), 1.0, finished=True)
    swapped = {"Ada": "Bob", "Bob": "Ada"}
    assert len(there) > 2
    for one, other in zip(there, back, strict=True):
        assert {one.side, other.side} == {"a", "b"}
        assert re.sub("Ada|Bob", lambda name: swapped[name[0]], one.text) == other.text


def test_an_explosion_is_the_last_word() -> None:
    a, b = falling(500, 2.3), falling(500, 2.3)
    dead = np.append(b[:200], np.nan)
    told = story(race_of(a, dead, rates={"b": 10.0}), 1.0, finished=True)
    assert told[-1].alarm
    assert told[-1].where == "step 201"
    assert told[-1].text == (
        "Bob explodes: its loss is no longer a number. Learning rate 10 will do that"
    )
    b[250:] = 40.0
    told = story(race_of(a, b, rates={"b": 3.0}), 1.0, finished=True)
    assert told[-1].alarm
    assert "Bob blows up, to a loss of " in told[-1].text


def test_a_battle_for_energy_is_compared_at_equal_energy() -> None:
    cheap, dear = np.linspace(3.3, 2.3, 1_000), np.linspace(3.3, 2.3, 1_000)
    race = Race(
        names={"a": "Ada", "b": "Bob"},
        curves={"a": curve_of(cheap, 9, 1_000), "b": curve_of(dear[:250], 9, 4_000)},
        max_flops=1_000_000,
    )
    assert race.now() == 1.0
    lead = race.lead(0.5)
    assert lead is not None
    assert lead == pytest.approx(0.375, abs=0.03)  # 500 steps against 125, of 0.001 each
    assert race.where(0.5) == "500 kFLOP"
    assert race_frame(race, 1.0, Moment(finished=True), (79, 23), Look())


def test_every_size_of_frame_is_kept() -> None:
    rng = random.Random(5)
    a, b = falling(900, 2.3), np.append(falling(900, 2.2)[:600], np.inf)
    race = race_of(a, b, rates={"a": 0.01, "b": 1e30})
    for width, rows in itertools.product((23, 31, 40, 79, 119, 299), (5, 6, 8, 9, 12, 23, 39, 99)):
        until, moment = rng.random(), Moment(61.0, {"a": 2e6, "b": 3e3}, "", rng.random() < 0.5)
        for look in (Look(), Look(False, False)):
            frames = [
                race_frame(race, until, moment, (width, rows), look),
                training_frame(
                    "A" * 32, race.curves["a"], 900, 900 * until, moment, (width, rows), look
                ),
            ]
            for frame in frames:
                assert 1 <= len(frame) <= rows
                assert max(line.cell_len for line in frame) <= width
                if not look.braille:
                    assert "".join(plain(frame)).isascii()


def test_the_screen_is_given_what_rich_would_write() -> None:
    race = race_of(falling(900, 2.3), np.append(falling(600, 2.2), np.inf), rates={"b": 1e30})
    colours = Console(color_system="256", force_terminal=True)
    for line in race_frame(race, 1.0, Moment(finished=True), (79, 23), Look()):
        as_rich = "".join(
            style.render(text, color_system=ColorSystem.EIGHT_BIT) if style else text
            for text, style, _ in line.render(colours)
        )
        trailing = re.compile(r" +(\x1b\[0m)?$")
        assert trailing.sub(r"\1", written(line, colours=True)) == trailing.sub(r"\1", as_rich)
        assert written(line, colours=False) == line.plain.rstrip()


def test_a_chart_shows_the_curve_where_it_is() -> None:
    xs = np.linspace(0, 1, 100)
    down = Series("a", xs, 1.0 - xs)
    lines = plain(
        drawn([down], 46, 10, xmax=1.0, limits=(0.0, 1.0), x_labels=["0", "1"], look=Look())
    )
    assert len(lines) == 11
    starts = [line[6:].find(next((c for c in line[6:] if c > "\u2800"), "")) for line in lines[:10]]
    assert starts == sorted(starts)
    assert starts[0] <= 1
    assert lines[0].startswith("1.00 ┤")
    assert lines[9].startswith("0.00 ┤")


def test_one_that_explodes_does_not_flatten_the_other() -> None:
    xs = np.linspace(0, 1, 50)
    low, high = limits_of(
        [Series("a", xs, np.linspace(3.3, 2.3, 50)), Series("b", xs, 10.0**xs * 99)]
    )
    assert low == pytest.approx(2.3)
    assert high < 4
    assert limits_of([Series("a", xs, np.full(50, np.nan))]) == (0.0, 1.0)


def test_windows_grow_with_the_course() -> None:
    assert [window_of(n) for n in (1, 1_000, 2_000, 20_000)] == [50, 50, 50, 500]


def test_the_picture_of_the_readme_is_the_race_that_the_tool_draws(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import draw_race

    assert draw_race.picture() == draw_race.PICTURE.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
def test_a_hint_never_breaks_a_command(width: int) -> None:
    import io

    from rich.console import Console

    commands = ["battle Ada Barbara 500", "leaderboard", "config batch_size 4 --agent Barbara"]
    console = Console(file=io.StringIO(), width=width)
    console.print(hint(*commands), soft_wrap=True)
    shown = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    for command in commands:
        assert sum(command in line for line in shown) == 1
    longest = max(map(len, commands)) + len("next: ")
    assert max(map(len, shown)) <= max(width, longest)


def test_columns_are_read_downwards_and_fit() -> None:
    texts = [f"{k:03}" + "x" * (k % 5) for k in range(101)]
    rows = [row.plain for row in in_columns(texts, [""] * 101, 80)]
    assert max(map(len, rows)) <= 80
    table = [row.split() for row in rows]
    n_columns = max(map(len, table))
    down = [row[k] for k in range(n_columns) for row in table if k < len(row)]
    assert down == texts
