"""Smoothed losses.  A single loss is mostly luck, so whatever quotes or draws one takes the mean of several.

One mean, the trailing one, drawn over windows that its users choose: live views 50 steps or a fortieth of
the course, the picture of a loss a twentieth, that of a race a twelfth of what the match kept.  Two others
are results that agents and matches keep to the bit, and stay with their data (history.py): `mean_of_last`,
of exact losses, and `thinned`, of equal runs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

QUOTED_STEPS = 50  # the loss of an agent, wherever it is quoted, is the mean of so many steps


def means_until(losses: Floats, ends: npt.NDArray[np.int64], window: int) -> Floats:
    """Return the mean of the `window` losses before each of `ends` (n,), of those there are at the start.

    losses (m,); ends: from 0 to m.  NaN where there are none.
    """
    sums = np.concatenate([[0.0], np.cumsum(losses)])
    starts = np.maximum(ends - window, 0)
    with np.errstate(invalid="ignore"):
        return np.asarray((sums[ends] - sums[starts]) / np.where(ends > 0, ends - starts, np.nan))


def trailing_means(losses: Floats, window: int) -> Floats:
    """Return the mean of each loss (m,) and the window - 1 before it, of those there are at the start."""
    return means_until(losses, np.arange(1, len(losses) + 1), window)


def halved(means: Floats) -> Floats:
    """Return the means of neighbours (m,) as (m / 2,): twice as many steps in each."""
    return np.asarray((means[0::2] + means[1::2]) / 2.0)
