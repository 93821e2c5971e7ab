"""What a value may be: kinds of values that check one, read one and say in words which they allow.

A value that breaks its rule is an InvalidValue of one line that names the value and the rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from bandits.errors import InvalidValue, did_you_mean, printable
from bandits.registry import Registry


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from low to high."""

    low: int
    high: int

    def __str__(self) -> str:
        return f"a whole number, {self.low:,} to {self.high:,}"

    def parse(self, key: str, text: str) -> int:
        """Return `text` as a number, unchecked.  Raises InvalidValue if it is none."""
        try:
            return int(text.replace("_", ""))
        except ValueError:
            raise InvalidValue(f"{key}={printable(text)} is not a whole number") from None

    def check(self, key: str, value: object) -> int:
        """Return the value.  Raises InvalidValue."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise InvalidValue(f"{key}={printable(str(value))} is not a whole number")
        if not self.low <= value <= self.high:
            shown = str(value) if abs(value) < 10**24 else f"{str(value)[:8]}…"
            raise InvalidValue(
                f"{key}={shown} is out of range; choose {self.low:,} to {self.high:,}"
            )
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A finite number within these ends."""

    at_least: float
    below: float = math.inf
    at_most: float = math.inf

    def __str__(self) -> str:
        if self.below < math.inf:
            return f"a number, {self.at_least:g} to below {self.below:g}"
        end = f" to {self.at_most:g}" if self.at_most < math.inf else " or more"
        return f"a number, {self.at_least:g}{end}"

    def parse(self, key: str, text: str) -> float:
        """Return `text` as a number, unchecked.  Raises InvalidValue if it is none."""
        try:
            return float(text)
        except ValueError:
            raise InvalidValue(f"{key}={printable(text)} is not a number") from None

    def check(self, key: str, value: object) -> float:
        """Return the value.  Raises InvalidValue."""
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not math.isfinite(value)
        ):
            raise InvalidValue(f"{key}={printable(str(value))} is not a finite number")
        rules = [
            (value >= self.at_least, f"at least {self.at_least:g}"),
            (value < self.below, f"below {self.below:g}"),
            (value <= self.at_most, f"at most {self.at_most:g}"),
        ]
        for holds, rule in rules:
            if not holds:
                raise InvalidValue(f"{key}={value:g} must be {rule}")
        return value


@dataclass(frozen=True, slots=True)
class OneOf:
    """A name in a table."""

    table: Registry[Any]

    def __str__(self) -> str:
        return ", ".join(self.table)

    def parse(self, key: str, text: str) -> str:
        """Return the text, unchecked."""
        return text

    def check(self, key: str, value: object) -> str:
        """Return the value.  Raises InvalidValue with the nearest name."""
        if not isinstance(value, str) or value not in self.table:
            near = did_you_mean(str(value), self.table)
            raise InvalidValue(f"{key}={printable(str(value))} is not one of {self}{near}")
        return value


STEPS = Whole(1, 100_000_000)
SEEDS = Whole(0, 2**63 - 1)
GENERATED = Whole(1, 1_000_000)


def check_steps(n_steps: int) -> int:
    """Return the number of steps of one training.  Raises InvalidValue outside of STEPS."""
    return STEPS.check("steps", n_steps)


def check_seed(seed: int) -> int:
    """Return the seed.  Raises InvalidValue outside of SEEDS."""
    return SEEDS.check("seed", seed)


def check_generated(n: int) -> int:
    """Return the number of documents to generate.  Raises InvalidValue outside of GENERATED."""
    return GENERATED.check("N", n)
