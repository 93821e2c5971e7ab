"""Numbers as players read them, in the terminal and on paper."""

from __future__ import annotations

import math


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
