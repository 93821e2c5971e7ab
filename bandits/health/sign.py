"""A sign: one thing to look at in an agent, its healthy range and what it means, entered by a decorator.

A sign is a function in a file of bandits/health/signs/, and the decorator above it is all there is to its
registration; the files of that folder are loaded by themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bandits.health.examination import Examination, Part
from bandits.health.findings import Finding, Grade
from bandits.health.remedies import Remedy
from bandits.registry import Registry


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure that a sign has read, and what helps if it is not healthy.

    layer: of which block, None for the whole agent; error: its standard error, if it was estimated;
    verdict: where the range alone does not decide.
    """

    value: float
    remedy: Remedy
    layer: str | None = None
    error: float | None = None
    verdict: Grade | None = None


Look = Callable[[Examination], Iterator[Reading]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One thing to look at: ok within [ok_low, ok_high], bad outside [bad_low, bad_high], warn between.

    healthy: the range in words; meaning: one sentence for those who learn; look: yields the figures,
    none where the agent does not show it.
    """

    name: str
    part: Part
    unit: str
    healthy: str
    meaning: str
    look: Look
    bad_low: float = -math.inf
    ok_low: float = -math.inf
    ok_high: float = math.inf
    bad_high: float = math.inf

    def verdict(self, value: float, error: float | None = None) -> Grade:
        """Judge a figure; an estimated one only by what lies beyond twice its standard error."""
        spread = 2.0 * (error or 0.0)
        if self.ok_low <= value + spread and value - spread <= self.ok_high:
            return "ok"
        return (
            "warn" if self.bad_low <= value + spread and value - spread <= self.bad_high else "bad"
        )

    def findings(self, exam: Examination) -> Iterator[Finding]:
        """Look, and judge what is seen; the remedy is left out where all is well."""
        for reading in self.look(exam):
            verdict = reading.verdict or self.verdict(reading.value, reading.error)
            yield Finding(
                name=self.name,
                layer=reading.layer,
                value=reading.value,
                error=reading.error,
                unit=self.unit,
                healthy=self.healthy,
                verdict=verdict,
                meaning=self.meaning,
                remedy=None if verdict == "ok" else reading.remedy,
            )


SIGNS: Registry[Sign] = Registry("sign")


def sign(
    name: str, part: Part, *, healthy: str, meaning: str, unit: str = "", **ends: float
) -> Callable[[Look], Sign]:
    """Return a decorator that makes a sign of a function; ends: bad_low, ok_low, ok_high, bad_high."""

    def enter(look: Look) -> Sign:
        new = Sign(
            name=name, part=part, unit=unit, healthy=healthy, meaning=meaning, look=look, **ends
        )
        return SIGNS.register(name)(new)

    return enter
