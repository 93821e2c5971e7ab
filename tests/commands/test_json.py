"""What --json prints: every field is in docs/schema/commands.json, and docs/JSON.md is made of that.

`python -m tests.commands.test_json` writes docs/JSON.md anew after a change of the schema.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT
from tests.support.shelltools import commands

DOCUMENT = ROOT / "docs" / "JSON.md"
SCHEMA = json.loads((ROOT / "docs" / "schema" / "commands.json").read_text("utf-8"))
COMMANDS = (
    "agents", "leaderboard", "evaluate", "generate", "battle", "diagnose", "energy", "config", "about",
    "dataset", "jobs", "verify",
)  # fmt: skip
_HEAD = """\
# JSON

`--json` makes a command print JSON instead of a table: indented, ASCII, on standard output, with progress
and errors on standard error. A number that is not finite is `null`; energies are whole numbers of
floating-point operations, losses are nats a token, `bits` are bits a token.
[schema/commands.json](schema/commands.json) is the JSON Schema of all of it, each command under its name in
`$defs`; a test holds every command to it, so a field that is not listed here does not occur.

    bandits -c "battle A B 100 --json" | jq .outcome.a.judgement.score
"""


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
    assert {text.split()[0] for text in texts if "--json" in text} == set(COMMANDS)


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


def test_the_document_is_made_of_the_schema() -> None:
    assert DOCUMENT.read_text("utf-8") == document(), "python -m tests.commands.test_json"


def document() -> str:
    """Return docs/JSON.md."""
    parts = [_HEAD]
    names = [*COMMANDS, *(name for name in SCHEMA["$defs"] if name not in COMMANDS)]
    for name in names:
        part = SCHEMA["$defs"][name]
        title = f"`{name} --json`" if name in COMMANDS else name
        parts.append(f"## {title}\n\n{_sentence(part['description'])}{_holds(part)}\n")
        if "properties" in part:
            rows = [
                f"| `{key}` | {_kind(value)} | {_about(value)} |"
                for key, value in part["properties"].items()
            ]
            parts.append(
                "\n".join(["| field | type | what it is |", "|---|---|---|", *rows]) + "\n"
            )
    return "\n".join(parts)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _holds(part: dict[str, Any]) -> str:
    if "items" in part:
        return f" A list of {_kind(part['items'])}."
    if "anyOf" in part:
        return f" {_kind(part).capitalize()}." if part["anyOf"] else ""
    return ""


def _kind(value: dict[str, Any]) -> str:
    if "$ref" in value:
        name = value["$ref"].removeprefix("#/$defs/")
        return f"[{name}](#{name})"
    if "anyOf" in value:
        return " or ".join(_kind(item) for item in value["anyOf"])
    if "enum" in value:
        return ", ".join("null" if item is None else f"`{item}`" for item in value["enum"])
    if value.get("type") == "null":
        return "null"
    if value.get("type") == "array":
        return f"list of {_kind(value['items'])}"
    if value.get("maxProperties") == 1:
        return "one of its fields"
    kinds = value["type"] if isinstance(value["type"], list) else [value["type"]]
    return " or ".join(kinds)


def _about(value: dict[str, Any]) -> str:
    if "description" in value:
        return str(value["description"])
    return str(SCHEMA["$defs"][value["$ref"].removeprefix("#/$defs/")]["description"])


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
