"""Make docs/bandits.1, the man page, of bandits' own parser and of the commands' first lines.

    python tools/man_page.py            (needs argparse-manpage, which the extra [test] brings)

A test holds that the page is up to date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from argparse_manpage.manpage import Manpage

from bandits.__main__ import ENVIRONMENT, EXAMPLES, EXIT_CODES, FILES, USAGE, command_line_parser
from bandits.version import __version__

PAGE = Path(__file__).resolve().parents[1] / "docs" / "bandits.1"


def page() -> str:
    """Return the man page."""
    parser = command_line_parser()
    summary = " ".join(str(parser.description).split())
    parser.description, parser.epilog = USAGE, None
    data = {
        "project_name": "Backprop Bandits",
        "manual_title": "Backprop Bandits",
        "manual_section": 1,
        "description": summary.partition(": ")[2].rstrip("."),
        "date": f"version {__version__}",  # the same sources make the same page, on any day
        "prog": "bandits",
    }
    made = Manpage(parser, _data=data)
    for heading, rows in (
        ("commands", commands()),
        ("examples", EXAMPLES),
        ("environment", ENVIRONMENT),
        ("files", FILES),
        ("exit status", EXIT_CODES),
    ):
        made.add_section(heading, ">", _table(rows))
    return str(made)


def commands() -> dict[str, str]:
    """Return each command of the game with its first line of help."""
    from bandits.commands import COMMAND_SETS
    from bandits.shell.help import commands_of

    rows = {}
    for command_set in COMMAND_SETS:
        for name in commands_of(command_set):
            text = (getattr(command_set, f"do_{name}").__doc__ or "").strip().splitlines()
            rows[name] = text[0] if text else ""
    return dict(sorted(rows.items()))


def _table(rows: Mapping[str, str]) -> str:
    return "\n".join(f".TP\n.B {_roff(key)}\n{_roff(text)}" for key, text in rows.items())


def _roff(text: str) -> str:
    """Escape what roff would read as its own: backslashes, hyphens, a dot or quote at the start."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti")
    return re.sub(r"^([.'])", r"\\&\1", escaped.replace('"', "\\(dq"))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
