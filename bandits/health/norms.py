"""The size of an agent's weights, gradients or updates, block by block."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[np.float32]]


def block_norms(arrays: Arrays) -> dict[str, float]:
    """Return the Euclidean norm of wte, wpe, lm_head and of each layer as a whole."""
    squares: dict[str, float] = {}
    for name, array in arrays.items():
        block = name.partition(".")[0]
        a64 = array.astype(np.float64)
        squares[block] = squares.get(block, 0.0) + float(np.sum(a64 * a64))
    return {block: math.sqrt(total) for block, total in squares.items()}
