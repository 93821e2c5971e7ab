"""A sign of `diagnose`: how far the farthest weight has gone."""

from __future__ import annotations

import json

from tests.support.additions import Addition, Copy, created

FILE = '''\
"""How far the farthest weight has gone."""

import numpy as np

from bandits.health.examination import Part
from bandits.health.sign import Reading, sign


@sign(
    "largest weight",
    Part.WEIGHTS,
    healthy="at most 8",
    meaning="A weight far from the others drowns them.",
    ok_high=8.0,
    bad_high=100.0,
)
def largest_weight(exam):
    """The largest of all weights, whatever its sign."""
    weights = exam.agent.model.state_dict().values()
    yield Reading(max(float(np.abs(w).max()) for w in weights), exam.remedies.start_again())
'''


def use(copy: Copy) -> None:
    text = copy.bandits(
        "diagnose --explain", "config learning_rate 50", "train 5", "diagnose --json"
    )
    healthy, _, report = text.partition("\n{")
    (row,) = [line.split() for line in healthy.splitlines() if line.startswith("largest weight ")]
    assert (row[-4:], row[2][:2]) == (["at", "most", "8", "ok"], "0.")  # of a normal, 0.08 wide
    assert "A weight far from the others drowns them." in healthy

    findings = json.loads("{" + report)["findings"]
    names = [finding["name"] for finding in findings]
    assert names[:3] == ["largest weight", "weights not finite", "loss"]  # by part, file and line
    (finding,) = [found for found in findings if found["name"] == "largest weight"]
    assert finding["verdict"] == "bad"
    assert finding["value"] > 100.0
    assert finding["next"] == "create_agent A2 16 1 4; train 1000 A2"


ADDITION = Addition(
    title="a sign of `diagnose`",
    file="bandits/health/signs/largest_weight.py",
    edit=created(FILE),
    use=use,
)
