"""How a report becomes HTML: the templates, what they may call, and the file."""

from __future__ import annotations

import functools
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bandits.errors import printable
from bandits.outfile import check_target, write_whole
from bandits.version import __version__
from bandits.wording import decimal, format_flops, percent, plural, significant

if TYPE_CHECKING:
    from jinja2 import Environment

ENDINGS = (".html", ".htm")
_NOUN = "report"


def check(path: Path) -> None:
    """Raise what is wrong with a place for a report: InvalidValue for its ending, BadFile for the rest."""
    check_target(path, _NOUN, ENDINGS)


def save(path: Path, page: str) -> None:
    """Write a page, whole or not at all.  Raises as `check`."""
    check(path)
    write_whole(path, _NOUN, page.encode())


def render(template: str, **values: Any) -> str:
    """Return the page of a template; every value is escaped, but for pictures, which are SVG."""
    return _environment().get_template(template).render(version=__version__, **values)


@functools.cache
def _environment() -> Environment:
    from jinja2 import DictLoader, Environment, StrictUndefined

    folder = resources.files("bandits.pages") / "templates"
    environment = Environment(
        loader=DictLoader({f.name: f.read_text("utf-8") for f in folder.iterdir() if f.is_file()}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "decimal": decimal,
        "percent": percent,
        "significant": significant,
        "plural": plural,
        "flops": format_flops,
        "shown": shown,
    }
    return environment


def shown(text: str, limit: int = 80) -> str:
    """Return a text of unknown origin without what would steer the direction or the flow of others."""
    return printable(text, limit) or "(empty)"
