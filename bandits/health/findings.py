"""What a diagnosis is made of: signs with their healthy ranges, findings, and the report of all."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Literal

from bandits.health.remedies import Remedy

Verdict = Literal["ok", "warn", "bad"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One figure, the range it has in a healthy agent, what it means, and what to type if it is outside.

    layer: 'layer0', 'wte', ... or None for the whole agent; error: the figure's standard error, if
    it was estimated from a sample; hint and next, what ails it and the commands to type, are empty
    when all is well.
    """

    name: str
    layer: str | None
    value: float
    error: float | None
    unit: str
    healthy: str
    verdict: Verdict
    meaning: str
    hint: str
    next: str

    def as_dict(self) -> dict[str, Any]:
        """The finding as plain JSON data; a figure that is not finite is None."""
        data = {field.name: getattr(self, field.name) for field in fields(self)}
        return {key: _finite(value) for key, value in data.items()}


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was looked at, and what looking cost."""

    findings: tuple[Finding, ...]
    n_documents: int  # of the probe
    n_flops: int

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all."""
        return worst(finding.verdict for finding in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One thing to look at: ok within [ok_low, ok_high], bad outside [bad_low, bad_high], warn between.

    meaning: one sentence for those who learn.
    """

    name: str
    unit: str = ""
    healthy: str
    meaning: str
    bad_low: float = -math.inf
    ok_low: float = -math.inf
    ok_high: float = math.inf
    bad_high: float = math.inf

    def verdict(self, value: float, error: float | None = None) -> Verdict:
        """Judge a figure; an estimated one only by what lies beyond twice its standard error."""
        spread = 2.0 * (error or 0.0)
        if self.ok_low <= value + spread and value - spread <= self.ok_high:
            return "ok"
        return (
            "warn" if self.bad_low <= value + spread and value - spread <= self.bad_high else "bad"
        )

    def finding(
        self,
        value: float,
        verdict: Verdict,
        remedy: Remedy | None = None,
        *,
        layer: str | None = None,
        error: float | None = None,
    ) -> Finding:
        """Return a figure with its verdict; the remedy is left out where all is well."""
        hint, commands = (
            ("", "") if verdict == "ok" or remedy is None else (remedy.why, remedy.next)
        )
        return Finding(
            name=self.name,
            layer=layer,
            value=value,
            error=error,
            unit=self.unit,
            healthy=self.healthy,
            verdict=verdict,
            meaning=self.meaning,
            hint=hint,
            next=commands,
        )


def worst(verdicts: Any) -> Verdict:
    """Return the worst of some verdicts; ok if there are none."""
    found = set(verdicts)
    return "bad" if "bad" in found else "warn" if "warn" in found else "ok"


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
