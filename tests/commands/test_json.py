"""What --json prints: every field is in docs/schema/commands.json, and docs/JSON.md is made of that."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT
from tests.support.shelltools import commands

sys.path.insert(0, str(ROOT / "tools"))
import json_page

SCHEMA = json.loads(json_page.SCHEMA.read_text("utf-8"))


def check(command: str, value: Any) -> None:
    """Fail unless a value is what the schema says a command prints."""
    jsonschema = pytest.importorskip("jsonschema")
    schema = {key: SCHEMA[key] for key in ("$schema", "$defs")} | {"$ref": f"#/$defs/{command}"}
    jsonschema.Draft202012Validator(schema).validate(value)


def check_all(home: Path, *lines: str) -> None:
    """Run commands with --json in one process, and check what each prints."""
    text = commands(home, *(f"{line} --json" for line in lines))
    decoder = json.JSONDecoder()
    for line in lines:
        value, end = decoder.raw_decode(text)
        check(line.split()[0], value)
        text = text[end:].lstrip()
    assert not text


def test_the_schema_is_one_and_allows_no_other_field() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    def visit(node: Any) -> None:
        if isinstance(node, dict):
            if "properties" in node and node.get("type") == "object":
                assert node["additionalProperties"] is False
            for item in node.values():
                visit(item)
        elif isinstance(node, list):
            for item in node:
                visit(item)

    visit(SCHEMA)
    value = {"agent": "A", "training": 0, "generation": 0, "evaluation": 0, "total": 0}
    check("energy", value)
    for wrong in ({**value, "more": 1}, {**value, "total": 1.5}, {"agent": "A"}):
        with pytest.raises(jsonschema.ValidationError):
            check("energy", wrong)


def test_every_command_that_has_json_is_described(home: Path) -> None:
    names = re.findall(r"^  (\w+)  ", commands(home, "help -v"), re.MULTILINE)
    texts = commands(home, *(f"help {name}" for name in names)).split("Usage: ")[1:]
    assert [text.split()[0] for text in texts] == names
    assert {text.split()[0] for text in texts if "--json" in text} == set(json_page.COMMANDS)


def test_a_training_in_the_background_is_described_too(home: Path) -> None:
    text = commands(home, "train 30 --background", "jobs --wait --json")
    rows = json.loads(text[text.index("[\n") :])
    assert rows[0]["n_done"] == 30
    check("jobs", rows)


def test_a_fresh_arena_and_a_trained_one_print_what_the_schema_says(home: Path) -> None:
    lines = (
        "agents", "leaderboard", "evaluate", "evaluate B --split train", "generate 3", "diagnose",
        "energy B", "config", "config schedule", "about", "dataset", "dataset names", "jobs", "verify A",
        "battle A B 5", "battle A B --energy 3M", "battle A B 5 --exhibition", "verify 1",
    )  # fmt: skip
    check_all(home, *lines)
    commands(home, "train 30", "train 30 B")
    check_all(home, *lines, "verify all")


def test_exploded_agents_and_empty_arenas_too(home: Path) -> None:
    commands(home, "config learning_rate 1e30", "train 50", "clone_agent A Wild")
    check_all(
        home, "agents", "leaderboard", "evaluate", "generate 3", "diagnose", "battle A B 5",
        "battle A Wild 5", "verify A",
    )  # fmt: skip
    commands(home, *(f"delete_agent {name} --yes" for name in ("A", "B", "Wild")))
    check_all(home, "agents", "leaderboard", "about", "dataset", "jobs")


def test_the_schema_follows_the_settings_and_the_page_the_schema() -> None:
    made = json_page.schema()
    assert json_page.SCHEMA.read_text("utf-8") == json_page.as_text(made), "tools/json_page.py"
    assert json_page.PAGE.read_text("utf-8") == json_page.page(made), "tools/json_page.py"
