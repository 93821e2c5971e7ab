"""Numbers as players read them, in the terminal and on paper."""

from __future__ import annotations

import math
from collections.abc import Iterable


def decimal(value: float | None, digits: int = 2) -> str:
    """Return the number, or a dash if there is none; huge ones in powers of ten."""
    if value is None:
        return "-"
    if not math.isfinite(value):
        return "not finite"
    return f"{value:.{digits}f}" if abs(value) < 1e5 else f"{value:.1e}"


def percent(fraction: float | None) -> str:
    """Return a fraction as a whole percentage; only exactly all or none reads as 100% or 0%."""
    if fraction is None:
        return "-"
    rounded = round(100 * fraction)
    if (rounded == 100 and fraction < 1) or (rounded == 0 and fraction > 0):
        return f"{100 * fraction:.1f}%"
    return f"{rounded}%"


def significant(value: float) -> str:
    """Return three significant digits, without an exponent where that is short."""
    if value == 0:
        return "0"
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}" if value >= 1e-4 else f"{value:.1e}"


def plural(n: int, noun: str) -> str:
    """Return "1 step" or "1,000 steps"."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def enumeration(names: Iterable[str]) -> str:
    """Return "a", "a and b" or "a, b and c"."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


_UNITS = ("FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP")


def format_flops(n_flops: int) -> str:
    """Return operations with three significant digits: 29308 is 29.3 kFLOP."""
    value, unit = float(n_flops), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000.0, unit + 1
    if unit == 0:
        return f"{n_flops} FLOP"
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {_UNITS[unit]}"
