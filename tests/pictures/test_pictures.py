"""Pictures: what each shows of an agent, whatever became of it, and the file that it becomes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from bandits.agent.smoothing import trailing_means
from bandits.arena.arena import Arena
from bandits.contest.judge import judge_for
from bandits.drawing.canvas import check, figure_of, save
from bandits.drawing.curves import grouped, style_of
from bandits.drawing.lettering import drawable
from bandits.drawing.style import SERIES
from bandits.errors import BadFile, InvalidValue, UnknownName
from bandits.pictures import PLOTS, Picture, Request
from bandits.pictures.embeddings import principal_components
from bandits.pictures.loss import NoLossYet, _came_back, _limits, _steps_beyond
from bandits.pictures.panels import (
    Bars,
    Curves,
    Dot,
    Heat,
    Line,
    Mark,
    Panel,
    Points,
    Ridges,
)
from bandits.pictures.pareto import front
from bandits.pictures.race import CurvesNotKept
from bandits.shell.advice import in_full
from bandits.terminal.look import Look
from bandits.terminal.pictures import sketch

LONG = "W" * 32


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """A trained A, an untrained B, a wide agent of a long name, one that exploded, and a match."""
    with Arena(tmp_path_factory.mktemp("arena")) as opened:
        opened.train(300, "A")
        opened.create_agent(LONG, n_embd=8, n_layer=3, n_head=2, block_size=8)
        opened.train(60, LONG)
        opened.create_agent("Wild", n_embd=8, n_head=2)
        opened.set_setting("learning_rate", "1e30", "Wild")
        opened.train(50, "Wild")
        opened.clone_agent("A", "A2")
        opened.battle("A2", LONG, 40)
        yield opened


def drawn(arena: Arena, what: str, *names: str, **options: object) -> Picture:
    return PLOTS.get(what).gather(arena, Request(names=names, **options))  # type: ignore[arg-type]


def curves(picture: Picture, panel: int = 0) -> Curves:
    found = picture.panels[panel]
    assert isinstance(found, Curves)
    return found


# Loss


def test_the_loss_is_every_step_its_trailing_mean_and_the_house_n_grams(arena: Arena) -> None:
    picture = drawn(arena, "loss", "A")
    (line,) = curves(picture).lines
    losses = arena.losses("A").losses
    assert line.faint is not None
    np.testing.assert_array_equal(line.faint[1], losses)
    np.testing.assert_allclose(
        line.y[[0, 5, 299]], [losses[0], losses[:6].mean(), losses[-15:].mean()]
    )
    at = {mark.label: mark.at for mark in curves(picture).levels}
    h = judge_for(arena.agent("A").dataset).h
    assert at["uniform guess"] == pytest.approx(math.log(27))
    assert at["bigram"] == pytest.approx(h[1] * math.log(2))
    assert (picture.slug, picture.n_flops) == ("A-loss", 0)


def test_an_exploded_loss_is_cut_where_it_exploded_and_says_so(arena: Arena) -> None:
    n_steps = arena.agent("Wild").n_steps
    picture = drawn(arena, "loss", "Wild", "A")
    wild = curves(picture)
    assert [(mark.at, mark.alarm) for mark in wild.events] == [(n_steps + 1, True)]
    assert np.isfinite(wild.lines[0].y).all()
    assert wild.y_limits is not None
    assert wild.y_limits[1] < 10  # A is not flattened
    assert f"cut at step {n_steps:,}" in picture.notes[0]


def test_a_peak_that_was_left_behind_is_no_explosion() -> None:
    x, uniform = np.arange(1.0, 201.0), 3.3
    y = np.r_[np.full(20, 30.0), np.linspace(4.0, 2.4, 180)]
    back = Line("Back", x, trailing_means(y, 10), 0, (x, y))
    lost = Line("Lost", x, trailing_means(y[::-1], 10), 1, (x, y[::-1]))
    limits, log_y = _limits([back], uniform, [2.1])
    assert not log_y
    assert limits[1] < 5
    assert _steps_beyond(back, limits[1]).tolist() == list(range(1, 21))
    assert _limits([lost], uniform, [2.1])[1]
    assert (_came_back(back, uniform), _came_back(lost, uniform)) == (True, False)


def test_who_has_not_trained_has_no_loss(arena: Arena) -> None:
    with pytest.raises(NoLossYet, match="agent B has no loss yet") as caught:
        drawn(arena, "loss", "A", "B")
    assert caught.value.agent == "B"


def test_forty_lines_are_told_apart() -> None:
    x = np.arange(3.0)
    styles = [style_of(Line(f"{n}", x, x, n)) for n in range(40)]
    assert len({(style["color"], str(style["linestyle"])) for style in styles}) == 40
    assert len(set(SERIES)) == 6


def test_levels_too_near_for_two_labels_share_one() -> None:
    marks = [Mark("c", 3.0), Mark("a", 1.0), Mark("b", 1.05)]
    assert grouped(marks, 0.1) == [(1.05, "a, b"), (3.0, "c")]


# What is seen by running an agent


def charged(arena: Arena, what: str, name: str, **options: object) -> Picture:
    """Draw, and check that exactly what it states was charged, as evaluation."""
    before = arena.energy(name)
    picture = drawn(arena, what, name, **options)
    spent = arena.energy(name)
    assert (spent.training, spent.generation) == (before.training, before.generation)
    assert spent.evaluation - before.evaluation == picture.n_flops > 0
    return picture


def test_gradients_have_a_distribution_and_a_course(arena: Arena) -> None:
    expected = arena.gradients("A")
    picture = charged(arena, "gradients", "A")
    ridges = picture.panels[0]
    assert isinstance(ridges, Ridges)
    assert list(ridges.rows) == list(expected)
    wte = np.abs(expected["wte"])
    assert ridges.medians[0] == pytest.approx(np.log10(np.median(wte[wte > 0])), rel=1e-4)
    assert ridges.remarks[0].label == f"{100 * (wte == 0).mean():.0f}% zero"
    course = curves(picture, 1)
    assert [line.label for line in course.lines] == ["wte", "wpe", "lm_head", "layer0"]
    assert course.lines[0].x.tolist() == [15.0 * n for n in range(21)]
    agent = arena.agent("A")
    agent.model.probe(agent.next_documents(1))
    norms = {name: np.linalg.norm(g.astype(float)) for name, g in agent.model.gradients().items()}
    assert course.lines[2].y[-1] == pytest.approx(
        norms["lm_head"]
    )  # the replay ends where A stands


def test_gradients_without_a_past_are_a_distribution_and_a_line(arena: Arena) -> None:
    picture = drawn(arena, "gradients", "B")
    assert (len(picture.panels), len(picture.notes)) == (1, 1)
    assert "untrained" in picture.notes[0]


def test_a_long_replay_waits_to_be_asked_for(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bandits.arena.looking.LONG_FLOPS", 10**6)
    picture = drawn(arena, "gradients", "A")
    assert len(picture.panels) == 1
    (note,) = picture.notes
    assert in_full(note).endswith("to train anew, not charged; --replay waits for it")
    assert len(drawn(arena, "gradients", "A", replay=True).panels) == 2


def test_attention_is_a_triangle_a_head_whose_rows_are_whole(arena: Arena) -> None:
    picture = charged(arena, "attention", "A", text="anna")
    assert len(picture.panels) == 4
    for panel in picture.panels:
        assert isinstance(panel, Heat)
        assert list(panel.rows) == ["BOS", "a", "n", "n", "a"]
        assert np.isnan(panel.values[np.triu_indices(5, 1)]).all()
        np.testing.assert_allclose(np.nansum(panel.values, axis=1), 1.0, rtol=1e-5)  # float32
    assert [p.title for p in drawn(arena, "attention", LONG).panels][-1] == "layer 2, head 1"
    assert [p.title for p in drawn(arena, "attention", LONG, layer=1).panels] == [
        "layer 1, head 0",
        "layer 1, head 1",
    ]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"text": ""}, "the text is empty; try --text marian"),
        ({"text": "añna"}, "'ñ' is not in the vocabulary of names; try --text marian"),
        ({"text": "x\x1b[31m"}, r"'\\x1b' is not in"),
        ({"text": "a" * 16}, r"has 16 letters, A can look at 15 \(block_size 16\)"),
        ({"layer": 1}, "layer=1 is not one of A's; choose 0 to 0"),
        ({"layer": -1}, "layer=-1 is not one of"),
    ],
)
def test_a_text_that_cannot_be_read_costs_nothing(
    arena: Arena, options: dict[str, object], line: str
) -> None:
    before = arena.energy("A")
    with pytest.raises(InvalidValue) as caught:
        drawn(arena, "attention", "A", **options)
    assert re.search(line, in_full(caught.value))
    assert arena.energy("A") == before


def test_activations_are_shares_of_positions_and_count_the_dead(arena: Arena) -> None:
    picture = charged(arena, "activations", LONG)
    bars = picture.panels[1]
    assert isinstance(bars, Bars)
    assert list(bars.rows) == ["layer0", "layer1", "layer2"]
    agent = arena.agent(LONG)
    agent.model.probe(agent.next_documents(64))
    n_active, n_positions = agent.model.relu_active(2)
    active = n_active / n_positions
    np.testing.assert_allclose(curves(picture).lines[2].y, 100 * np.sort(active)[::-1])
    assert bars.values[2] == pytest.approx(100 * (active == 0).mean())


# What is free


@pytest.mark.parametrize("what", ["loss", "embeddings", "weights", "schedule", "pareto", "race"])
def test_what_only_reads_is_free(arena: Arena, what: str) -> None:
    before = [row.energy for row in arena.agents()]
    assert drawn(arena, what, *([] if what in ("pareto", "race") else ["A"])).n_flops == 0
    assert [row.energy for row in arena.agents()] == before


@pytest.mark.parametrize("what", ["embeddings", "attention", "activations"])
def test_who_exploded_has_nothing_to_show(arena: Arena, what: str) -> None:
    if arena.agent("Wild").model.is_finite():
        pytest.skip("it exploded in its loss alone")
    with pytest.raises(InvalidValue, match=r"Wild exploded: its .* not finite"):
        drawn(arena, what, "Wild")


def test_letters_are_where_their_principal_components_put_them(arena: Arena) -> None:
    panel = drawn(arena, "embeddings", "A").panels[0]
    assert isinstance(panel, Points)
    wte = arena.agent("A").model.state_dict()["wte"].astype(float)
    centred = wte - wte.mean(axis=0)
    values, axes = np.linalg.eigh(centred.T @ centred)
    first = np.abs(centred @ axes[:, -1])
    assert [dot.label for dot in panel.dots][:3] == ["a", "b", "c"]
    assert len(panel.dots) == 27
    np.testing.assert_allclose([abs(dot.x) for dot in panel.dots], first, rtol=1e-6)
    assert f"{values[-1] / values.sum():.0%}" in panel.x_label


def test_a_letter_that_the_font_lacks_is_its_code_point() -> None:
    assert [drawable(sign) for sign in ("a", "é", "␣", "中", "BOS")] == [
        "a",
        "é",
        "␣",
        "U+4E2D",
        "BOS",
    ]


def test_one_dimension_has_one_component() -> None:
    places, shares = principal_components(np.array([[1.0], [2.0], [6.0]]))
    assert shares == (1.0, 0.0)
    np.testing.assert_allclose(places, [[-2, 0], [-1, 0], [3, 0]], atol=1e-12)


def test_weights_are_all_counted_or_said_to_lie_beyond(arena: Arena) -> None:
    picture = drawn(arena, "weights", "A")
    panel = picture.panels[0]
    assert isinstance(panel, Ridges)
    n_beyond = int(picture.notes[0].split()[0].replace(",", "")) if picture.notes else 0
    assert panel.counts.sum() + n_beyond == arena.agent("A").model.n_params
    assert "untrained" in " ".join(drawn(arena, "weights", "B").notes)


def test_the_schedule_shows_what_was_and_where_the_agent_stands(arena: Arena) -> None:
    picture = drawn(arena, "schedule", "A")
    past, ahead = curves(picture).lines
    (dot,) = curves(picture).dots
    assert (past.x[0], past.y[0]) == (0, 0.01)
    assert (dot.x, dot.y) == (300, pytest.approx(0.007))
    assert (ahead.dashed, ahead.x[-1], ahead.y[-1]) == (True, 1000, 0.0)


def test_the_front_holds_those_that_none_beats(arena: Arena) -> None:
    rows = [row for row in arena.leaderboard() if row.total_flops]
    best = front(rows)
    for row in rows:
        beaten = [o for o in rows if o.total_flops <= row.total_flops and o.score > row.score]
        tied = [o for o in best if o.score >= row.score and o.total_flops <= row.total_flops]
        assert (row in best) == (not beaten and row.score > 0 and tied == [row])
    picture = drawn(arena, "pareto")
    assert isinstance(picture.panels[0], Points)
    assert len(picture.panels[0].dots) == len(rows)
    n_idle = len(arena.leaderboard()) - len(rows)
    assert [note for note in picture.notes if note.startswith(f"{n_idle} agent")] or not n_idle


def test_a_race_is_what_the_match_kept(arena: Arena) -> None:
    match = arena.matches()[-1]
    picture = drawn(arena, "race")
    first = curves(picture).lines[0]
    assert first.faint is not None
    assert first.faint[1].tolist() == match.outcome["a"]["curve"]["losses"]
    assert match.winner == "a"
    assert "A2 wins by" in curves(picture).title
    assert drawn(arena, "race", str(match.match_id)).title == picture.title


def test_a_race_that_cannot_be_shown_says_why(arena: Arena) -> None:
    for name, line in (("99", "no match 99"), ("x", "match=x is not the number of a match")):
        with pytest.raises((UnknownName, InvalidValue), match=line):
            drawn(arena, "race", name)
    with arena._desk.store.transaction():  # a match as an earlier bandits stored it
        arena._desk.store.database.execute(
            "INSERT INTO matches (ruleset, dataset_name, dataset_sha256, a_id, b_id, a_name, b_name,"
            " winner, outcome) SELECT ruleset, dataset_name, dataset_sha256, a_id, b_id, a_name, b_name,"
            " winner, json_remove(outcome, '$.a.curve', '$.b.curve') FROM matches"
        )
    try:
        with pytest.raises(CurvesNotKept, match="before matches kept their curves") as caught:
            drawn(arena, "race")
        assert caught.value.names[0] == "A2"
    finally:
        with arena._desk.store.transaction():
            arena._desk.store.database.execute(
                "DELETE FROM matches WHERE id = (SELECT max(id) FROM matches)"
            )


# Files


@pytest.mark.parametrize("what", list(PLOTS))
def test_every_picture_is_drawn_with_labels_and_units(arena: Arena, what: str) -> None:
    of_agents = PLOTS.get(what).takes in ("agent", "agents")
    picture = drawn(arena, what, *([LONG] if of_agents else []))
    assert_labelled(figure_of(picture), picture)


def assert_labelled(figure: Figure, picture: Picture) -> None:
    """Each panel has its title and its labels; of heat maps, which share theirs, one has them."""
    drawn = list(zip(figure.axes, picture.panels, strict=False))
    for axes, panel in drawn:
        assert axes.get_title(loc="left") == panel.title
        if isinstance(panel, Curves):
            assert len(axes.lines) >= len(panel.lines) + len(panel.levels)
        if not isinstance(panel, Heat):
            assert axes.get_xlabel() == panel.x_label
            assert axes.get_ylabel() == getattr(panel, "y_label", "")  # rows have names instead
    maps = [(axes, panel) for axes, panel in drawn if isinstance(panel, Heat)]
    for axes, panel in maps:
        assert any(other.get_xlabel() == panel.x_label for other, _ in maps)
        assert any(other.get_ylabel() == panel.y_label for other, _ in maps)
        assert axes.get_images()


def one_of_each() -> list[Panel]:
    x = np.arange(5.0)
    names = ["one", "two"]
    return [
        Bars(title="bars", x_label="%", rows=names, values=[3.0, 9.0], texts=["3", "9"], full=10.0,
             alarms=[False, True]),
        Heat(title="left", x_label="to", y_label="from", rows=["a", "b"], columns=["a", "b", "c"],
             values=np.full((2, 3), 0.5), unit="share"),
        Heat(title="right", x_label="to", y_label="from", rows=["a", "b"], columns=["a", "b", "c"],
             values=np.eye(2, 3), unit="share"),
        Curves(title="curves", x_label="step", y_label="loss (nats)", lines=[Line("one", x, x)]),
        Points(title="points", x_label="x", y_label="y", dots=[Dot("one", 1, 1), Dot("two", 2, 3)],
               groups=["all"]),
        Ridges(title="ridges", x_label="weight", rows=names, counts=np.eye(2, 4), medians=[0.5, 1.0],
               edges=np.arange(5.0), remarks=[Mark("", 0), Mark("odd", 0)]),
    ]  # fmt: skip


@pytest.mark.parametrize("n_columns", [1, 2, 3])
@pytest.mark.parametrize("first", range(6))
def test_a_picture_begins_with_any_form_and_mixes_them(first: int, n_columns: int) -> None:
    panels = one_of_each()
    panels = panels[first:] + panels[:first]
    picture = Picture(title="all of it", slug="all", panels=panels, n_columns=n_columns)
    assert_labelled(figure_of(picture), picture)
    for look in (Look(), Look(braille=False, colours=False)):
        lines = [line.plain for line in sketch(picture, 60, 60, look)]
        assert max(map(len, lines)) <= 60
        titles = ["bars", "left", "curves", "points", "ridges"]
        at = [next(n for n, line in enumerate(lines) if line.startswith(t)) for t in titles]
        rotated = [titles.index(p.title) for p in panels if p.title in titles]
        if first != 2:  # which begins between two heat maps
            assert [at[n] for n in rotated] == sorted(at)


def one_line() -> Picture:
    x = np.arange(5.0)
    panel = Curves(
        title="$one$",
        x_label="step",
        y_label="loss (nats)",
        lines=[Line("a", x, x)],
        dots=[Dot("b", 1, 1)],
    )
    return Picture(title="one", slug="one", panels=[panel])


@pytest.mark.parametrize(
    ("name", "start"), [("p.png", b"\x89PNG"), ("p.SVG", b"<?xml"), ("p.pdf", b"%PDF")]
)
def test_the_ending_chooses_the_format_and_a_picture_its_bytes(
    tmp_path: Path, name: str, start: bytes
) -> None:
    save(one_line(), tmp_path / name)
    first = (tmp_path / name).read_bytes()
    assert first.startswith(start)
    save(one_line(), tmp_path / name)
    assert (tmp_path / name).read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == [name]  # nothing half-written is left


def test_what_cannot_be_saved_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match=r"must end in .png, .svg or .pdf; try p.png"):
        check(tmp_path / "p.bmp")
    (tmp_path / "file").write_text("")
    for folder in ("file", "misspelt"):
        with pytest.raises(BadFile, match="its folder does not exist"):
            check(tmp_path / folder / "p.png")
    (tmp_path / "p.png").mkdir()
    with pytest.raises(BadFile, match="it is a folder"):
        check(tmp_path / "p.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "p.png"]


def test_a_full_disk_leaves_the_earlier_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "p.svg"
    path.write_text("earlier")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(BadFile, match="no space left on device"):
        save(one_line(), path)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("p.svg", "earlier")]


def test_an_unknown_picture_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'loss'"):
        PLOTS.get("los")
