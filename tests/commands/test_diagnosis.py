"""A remedy as the commands to type, and a finding as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bandits.commands.diagnosis import commands_for
from bandits.health.remedies import NewAgent, OtherSettings, Remedy
from bandits.model.config import GPTConfig
from tests.support.shelltools import commands


@pytest.mark.parametrize(
    ("remedy", "typed"),
    [
        (None, ()),
        (
            OtherSettings("", {"learning_rate": 0.003}, 1000),
            ("config learning_rate 0.003 --agent Ada", "train 1000 Ada"),
        ),
        (
            OtherSettings("", {"grad_clip": 1.0, "horizon": 2_000_000}, 1_500_000),
            (
                "config grad_clip 1 --agent Ada",
                "config horizon 2000000 --agent Ada",
                "train 1500000 Ada",
            ),
        ),
        (
            NewAgent("", GPTConfig(n_embd=8, n_layer=2, n_head=2), 0.01, 500),
            ("create_agent Ada2 8 2 2", "train 500 Ada2"),  # 0.01 is what it has anyway
        ),
        (
            NewAgent("", GPTConfig(block_size=8), 1e-5, 500),
            (
                "create_agent Ada2 16 1 4 --block-size 8",
                "config learning_rate 1e-05 --agent Ada2",
                "train 500 Ada2",
            ),
        ),
    ],
)
def test_a_remedy_is_typed_in_full(remedy: Remedy | None, typed: tuple[str, ...]) -> None:
    assert commands_for(remedy, "Ada", "Ada2") == typed


def test_a_finding_in_json_says_what_ails_and_what_to_type(home: Path) -> None:
    """Of a healthy sign both are empty; a figure that is not finite is null."""
    commands(home, "config learning_rate 1e15", "train 2")
    report = json.loads(commands(home, "diagnose --json"))
    for finding in report["findings"]:
        assert list(finding) == [
            "name", "layer", "value", "error", "unit", "healthy", "verdict", "meaning", "hint", "next",
        ]  # fmt: skip
        assert bool(finding["hint"]) == bool(finding["next"]) == (finding["verdict"] != "ok")
    assert None in [finding["value"] for finding in report["findings"]]
