"""The loss of every step: the raw course, and its running mean."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from bandits.errors import InvalidValue
from bandits.plots.canvas import BLUE, GREY, VERMILION
from bandits.plots.pictures import PLOTS, Draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from bandits.arena import Arena

_WINDOWS_A_CURVE = 20
_EXPLODED = 10  # times the loss of a uniform guess


@PLOTS.register("loss")
def loss(arena: Arena, name: str) -> Draw:
    """Return the picture of one agent's training loss.  Raises InvalidValue before its first step."""
    history = arena.losses(name)
    steps, losses = history.steps, history.losses
    if not len(steps):
        raise InvalidValue(f"{name} has no loss yet; try 'train 100 {name}'")
    vocab_size = arena.agent(name).config.vocab_size

    def draw(figure: Figure) -> None:
        draw_loss(figure, name, steps, losses, uniform=math.log(vocab_size))

    return draw


def draw_loss(
    figure: Figure, name: str, steps: NDArray[np.int64], losses: NDArray[np.float64], uniform: float
) -> None:
    """Draw losses (n,), in nats per token, over steps (n,), with the loss of a uniform guess."""
    from matplotlib.ticker import MaxNLocator

    finite = np.isfinite(losses)
    axes = figure.add_subplot()
    few = len(steps) <= 60
    axes.plot(
        steps[finite],
        losses[finite],
        color=BLUE,
        alpha=0.35,
        linewidth=0.8,
        marker="." if few else None,
        label="loss of a step",
    )
    window = max(1, int(finite.sum()) // _WINDOWS_A_CURVE)
    if window > 1:
        axes.plot(
            *_running_mean(steps[finite], losses[finite], window),
            color=BLUE,
            linewidth=2.2,
            label="running mean",
        )
    axes.axhline(uniform, color=GREY, linewidth=1, linestyle="--", label="uniform guess")
    if not finite.all():
        axes.axvline(steps[~finite][0], color=VERMILION, linewidth=1.5, label="no longer finite")
    axes.set_title(f"Training loss of {name}")
    axes.set_xlabel("step")
    axes.set_ylabel("loss (nats per token)")
    _limit(axes, losses[finite], uniform)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside lower center", ncols=4)
    if axes.get_yscale() == "linear":
        perplexity = axes.secondary_yaxis("right", functions=(_exp, _log))
        perplexity.set_ylabel("perplexity")
        perplexity.spines["right"].set_visible(True)


def _limit(axes: Axes, losses: NDArray[np.float64], uniform: float) -> None:
    """Show the course from near its lowest to its highest; powers of ten if it explodes."""
    if len(losses) == 0:
        axes.set_ylim(0, uniform * 1.2)
    elif losses.max() > _EXPLODED * uniform:
        axes.set_yscale("log")
    else:
        axes.set_ylim(max(0.0, losses.min() - 0.2), max(losses.max(), uniform) + 0.2)


def _running_mean(
    steps: NDArray[np.int64], losses: NDArray[np.float64], window: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    kernel = np.full(window, 1.0 / window)
    return (
        np.convolve(steps.astype(np.float64), kernel, "valid"),
        np.convolve(losses, kernel, "valid"),
    )


def _exp(loss: Any) -> Any:
    return np.exp(np.asarray(loss))


def _log(perplexity: Any) -> Any:
    return np.log(np.maximum(perplexity, 1e-9))
