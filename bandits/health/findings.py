"""What a diagnosis answers with: findings, each with its verdict and its remedy, and the report of all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bandits.health.remedies import Remedy

Grade = Literal["ok", "warn", "bad"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One figure, the range it has in a healthy agent, what it means, and what helps if it is outside.

    name: of its sign; layer: 'layer0', 'wte', ... or None for the whole agent; error: the figure's
    standard error, if it was estimated from a sample; remedy: None when all is well.
    """

    name: str
    layer: str | None
    value: float
    error: float | None
    unit: str
    healthy: str
    verdict: Grade
    meaning: str
    remedy: Remedy | None


@dataclass(frozen=True, slots=True)
class DiagnoseReport:
    """Everything that was looked at, and what looking cost."""

    findings: tuple[Finding, ...]
    n_documents: int  # of the probe
    n_flops: int

    @property
    def verdict(self) -> Grade:
        """The worst verdict of all."""
        return worst(finding.verdict for finding in self.findings)


def worst(verdicts: Iterable[Grade]) -> Grade:
    """Return the worst of some verdicts; ok if there are none."""
    found = set(verdicts)
    return "bad" if "bad" in found else "warn" if "warn" in found else "ok"
