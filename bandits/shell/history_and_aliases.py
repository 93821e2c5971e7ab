"""The lines typed, aliases and macros, kept from one session to the next in the arena's home.

cmd2 would write its history when it exits, so the last of two sessions would win and a crash would lose
all; here every line is appended as it is typed, and aliases are merged one by one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cmd2.parsing import Macro, MacroArg

from bandits.outfile import replace_file

try:
    import fcntl
except ImportError:  # Windows: appending is still one write a line
    fcntl = None  # type: ignore[assignment]

MAX_LINES = 2000
_TRIM_BYTES = 512 * 1024

Shortcuts = dict[str, dict[str, Any]]


class Memory:
    """The files `history` and `aliases.json` in one folder, readable by their owner alone."""

    def __init__(self, home: Path) -> None:
        self.history_path = home / "history"
        self.aliases_path = home / "aliases.json"

    def history(self) -> list[str]:
        """Return the latest lines, oldest first; a line that could steer a terminal is left out."""
        try:
            text = self.history_path.read_text("utf-8", errors="replace")
        except OSError:
            return []
        return [
            line for line in text.split("\n")[-MAX_LINES:] if line.strip() and line.isprintable()
        ]

    def remember(self, lines: Iterable[str]) -> None:
        """Append lines to the history.  Raises OSError."""
        data = "".join(line.replace("\n", " ") + "\n" for line in lines)
        self.history_path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.history_path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with open(descriptor, "r+b") as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
                os.fchmod(file.fileno(), 0o600)
            if file.seek(0, os.SEEK_END) > _TRIM_BYTES:
                file.seek(0)
                latest = file.read().split(b"\n")[-MAX_LINES - 1 :]
                file.truncate(0)
                file.write(b"\n".join(latest))
            file.write(data.encode("utf-8", errors="replace"))

    def aliases(self) -> Shortcuts:
        """Return the aliases and macros as they were saved.  Raises ValueError, OSError."""
        try:
            data = json.loads(self.aliases_path.read_text("utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return {"aliases": {}, "macros": {}}
        kept: Shortcuts = {"aliases": {}, "macros": {}}
        for name, value in data["aliases"].items():
            if isinstance(value, str) and value.isprintable() and name.isprintable():
                kept["aliases"][name] = value
        for name, value in data["macros"].items():
            kept["macros"][name] = _macro(name, value)
        return kept

    def set_aside(self) -> Path:
        """Move an unreadable file out of the way and return where it is now."""
        aside = self.aliases_path.with_suffix(".json.broken")
        os.replace(self.aliases_path, aside)
        return aside

    def save_changes(self, before: Shortcuts, after: Shortcuts) -> None:
        """Write what differs between two states over what another session saved meanwhile.

        Raises OSError.
        """
        try:
            saved = self.aliases()
        except (ValueError, KeyError, TypeError, AttributeError):
            saved = {"aliases": {}, "macros": {}}
        for kind, known in saved.items():
            _merge(known, before[kind], after[kind])
        plain = {
            "aliases": saved["aliases"],
            "macros": {name: asdict(macro) for name, macro in saved["macros"].items()},
        }
        self.aliases_path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self.aliases_path, json.dumps(plain, indent=1).encode(), private=True)


def _merge(known: dict[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    for name in before.keys() - after.keys():
        known.pop(name, None)
    for name, value in after.items():
        if before.get(name) != value:
            known[name] = value


def _macro(name: str, data: Mapping[str, Any]) -> Macro:
    args = [
        MacroArg(
            start_index=int(arg["start_index"]),
            number_str=_digits(arg["number_str"]),
            is_escaped=bool(arg["is_escaped"]),
        )
        for arg in data["args"]
    ]
    value = data["value"]
    if not (isinstance(value, str) and value.isprintable() and name.isprintable()):
        raise ValueError(f"macro {name!r}")
    return Macro(
        name=name, value=value, minimum_arg_count=int(data["minimum_arg_count"]), args=args
    )


def _digits(text: object) -> str:
    if not (isinstance(text, str) and text.isdecimal()):
        raise ValueError(f"placeholder {text!r}")
    return text
