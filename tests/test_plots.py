"""Pictures: labelled, with units, of any shape of data, and in the format that the name asks for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bandits.errors import BadFile, InvalidValue, UnknownName
from bandits.plots import PLOTS, save
from bandits.plots.gradients import draw_gradients
from bandits.plots.loss import draw_loss

UNIFORM = float(np.log(27))


def _figure() -> Figure:
    figure = Figure()
    FigureCanvasAgg(figure)
    return figure


def _losses(n: int) -> tuple[np.ndarray, np.ndarray]:
    steps = np.arange(1, n + 1)
    return steps, 2.3 + np.exp(-steps / 100.0)


@pytest.mark.parametrize("n", [1, 2, 59, 61, 1000])
def test_loss_is_drawn_for_any_number_of_steps(n: int) -> None:
    figure = _figure()
    draw_loss(figure, "Ada", *_losses(n), uniform=UNIFORM)
    figure.canvas.draw()
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "loss (nats per token)")
    assert "Ada" in axes.get_title(loc="left") + axes.get_title()
    assert len(axes.lines[0].get_xdata()) == n


@pytest.mark.parametrize("last", [np.nan, np.inf, 1e30])
def test_an_exploded_loss_is_still_a_picture(last: float) -> None:
    steps, losses = _losses(100)
    losses[-1] = last
    figure = _figure()
    draw_loss(figure, "Ada", steps, losses, uniform=UNIFORM)
    figure.canvas.draw()
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert ("no longer finite" in labels) == (not np.isfinite(last))


def test_gradients_name_every_matrix_and_what_a_bar_cannot_show() -> None:
    ordinary = np.linspace(-1, 1, 64, dtype=np.float32).reshape(8, 8)
    zero, spoiled = np.zeros((8, 8), np.float32), ordinary.copy()
    spoiled[0, 0] = np.nan
    figure = _figure()
    gradients = {"wte": ordinary, "wpe": zero, "layer0.mlp_fc1": spoiled}
    draw_gradients(figure, "Ada", gradients)
    figure.canvas.draw()
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(gradients)
    assert axes.get_xscale() == "log"
    assert "|gradient|" in axes.get_xlabel()
    assert [text.get_text() for text in axes.texts] == ["100% zero", "1 not finite"]


@pytest.mark.parametrize(
    ("name", "start"), [("p.png", b"\x89PNG"), ("p.SVG", b"<?xml"), ("p.pdf", b"%PDF")]
)
def test_the_ending_chooses_the_format(tmp_path: Path, name: str, start: bytes) -> None:
    save(lambda figure: draw_loss(figure, "A", *_losses(5), uniform=UNIFORM), tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)


def test_what_cannot_be_saved_is_refused(tmp_path: Path) -> None:
    def never(figure: Figure) -> None:
        raise AssertionError("drawn for nothing")

    with pytest.raises(InvalidValue, match=r"must end in .png, .svg or .pdf; try p.png"):
        save(never, tmp_path / "p.bmp")
    (tmp_path / "file").write_text("")
    for folder in ("file", "misspelt"):
        with pytest.raises(BadFile, match="its folder does not exist"):
            save(never, tmp_path / folder / "p.png")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_unknown_picture_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'loss'"):
        PLOTS.get("los")
