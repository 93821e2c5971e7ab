"""Make docs/schema/commands.json and docs/JSON.md anew, which say what --json prints.

    python tools/json_page.py

In the schema, settings are made of bandits/model/settings.py; the rest of it is written by hand.  The page is
made of the schema.  A test holds that both are up to date.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from bandits.model.settings import SETTINGS
from bandits.model.value_kinds import Number, OneOf, Whole

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, SCHEMA = DOCS / "JSON.md", DOCS / "schema" / "commands.json"

# Those that have --json, in the order of the page.
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


def schema() -> dict[str, Any]:
    """Return the JSON Schema of what every command prints."""
    found: dict[str, Any] = json.loads(SCHEMA.read_text("utf-8"))
    parts = found["$defs"]
    parts["settings"]["properties"] = {
        key: _setting(setting.allowed, setting.meaning) for key, setting in SETTINGS.items()
    }
    parts["settings"]["required"] = list(SETTINGS)
    one_of_them = parts["config"]["properties"]["settings"]["anyOf"][1]
    one_of_them["properties"] = {
        key: {"$ref": f"#/$defs/settings/properties/{key}"} for key in SETTINGS
    }
    return found


def _setting(allowed: Whole | Number | OneOf, meaning: str) -> dict[str, Any]:
    if isinstance(allowed, OneOf):
        return {"type": "string", "description": meaning, "enum": list(allowed.table)}
    if isinstance(allowed, Whole):
        limits = {"minimum": allowed.low, "maximum": allowed.high}
        return {"type": "integer", "description": meaning, **limits}
    ends = {
        "minimum": allowed.at_least,
        "exclusiveMaximum": allowed.below,
        "maximum": allowed.at_most,
    }
    limits = {key: end for key, end in ends.items() if end < math.inf}
    return {"type": "number", "description": meaning, **limits}


def as_text(schema: dict[str, Any]) -> str:
    """Return the schema as its file holds it."""
    return json.dumps(schema, indent=1) + "\n"


def page(schema: dict[str, Any]) -> str:
    """Return docs/JSON.md."""
    parts = [_HEAD]
    names = [*COMMANDS, *(name for name in schema["$defs"] if name not in COMMANDS)]
    for name in names:
        part = schema["$defs"][name]
        title = f"`{name} --json`" if name in COMMANDS else name
        parts.append(f"## {title}\n\n{_sentence(part['description'])}{_holds(part)}\n")
        if "properties" in part:
            rows = [
                f"| `{key}` | {_kind(value)} | {_about(value, schema)} |"
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


def _about(value: dict[str, Any], schema: dict[str, Any]) -> str:
    if "description" in value:
        return str(value["description"])
    return str(schema["$defs"][value["$ref"].removeprefix("#/$defs/")]["description"])


if __name__ == "__main__":
    made = schema()
    SCHEMA.write_text(as_text(made), encoding="utf-8")
    PAGE.write_text(page(made), encoding="utf-8")
