"""Draw docs/images/race.svg: the last frame of a real race, as a terminal shows it.

    python tools/draw_race.py [FILE.svg]

The race is fought in an arena of its own by the commands below, so the picture is the same to the byte
wherever it is drawn, as long as neither the rules nor the frame change.  Dots of braille become circles,
because few fonts have them; all else stays text.
"""

from __future__ import annotations

import sys
import tempfile
from html import escape
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bandits.arena.arena import Arena
from bandits.terminal.live.frames import Moment, race_frame
from bandits.terminal.live.losses import Curve
from bandits.terminal.live.story import Race
from bandits.terminal.look import SIDES, Look

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "images" / "race.svg"
N_STEPS = 1000
# Small, hasty and cheap; and eight times as wide, with a slow start.
HARE = ("8 1 2", {"batch_size": "8", "learning_rate": "0.03"})
TORTOISE = ("64 1 4", {"batch_size": "8", "learning_rate": "0.003", "warmup": "400"})

_SIZE = (86, 26)
_CELL, _LINE, _MARGIN, _TITLE = 8.4, 18, 16, 34
_DOTS = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))  # of braille: column, row
_COLOURS = {"a": "#3fa7ee", "b": "#e69f00", "dim": "#8b949e", "alert": "#ff7b72", "": "#e6edf3"}
_CLASSES = {SIDES["a"]: "a", SIDES["b"]: "b", "dim": "dim", "red": "alert"}


def fight() -> Race:
    """Fight the race and return its curves."""
    curves = {"a": Curve(), "b": Curve()}
    with tempfile.TemporaryDirectory() as home, Arena(Path(home)) as arena:
        for name, (sizes, settings) in (("Hare", HARE), ("Tortoise", TORTOISE)):
            n_embd, n_layer, n_head = map(int, sizes.split())
            arena.create_agent(name, n_embd=n_embd, n_layer=n_layer, n_head=n_head)
            for key, value in settings.items():
                arena.set_setting(key, value, name)
        arena.battle(
            "Hare", "Tortoise", N_STEPS, on_progress=lambda side, chunk: curves[side].add(chunk)
        )
    return Race(names={"a": "Hare", "b": "Tortoise"}, curves=curves, n_steps=N_STEPS)


def svg(lines: list[Text]) -> str:
    """Return lines of a terminal as a picture."""
    width = round(max(line.cell_len for line in lines) * _CELL + 2 * _MARGIN)
    height = len(lines) * _LINE + _TITLE + _MARGIN
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="A race in the terminal">',
        "<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',"
        "monospace;white-space:pre}.bold{font-weight:bold}"
        + "".join(f".{name or 'plain'}{{fill:{colour}}}" for name, colour in _COLOURS.items())
        + "</style>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>',
        *(
            f'<circle cx="{_MARGIN + 6 + 18 * k}" cy="17" r="5.5" fill="{colour}"/>'
            for k, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
        ),
    ]
    for row, line in enumerate(lines):
        x, y = float(_MARGIN), float(_TITLE + row * _LINE)
        for text, style, _ in line.render(Console()):
            out += _piece(text, str(style or ""), x, y)
            x += len(text) * _CELL
    return "\n".join([*out, "</svg>", ""])


def _piece(text: str, style: str, x: float, y: float) -> list[str]:
    """Return the elements of one piece of text: its words, and a circle for each dot of braille."""
    colour = _CLASSES.get(style.removeprefix("bold").strip(), "plain")
    names = f"{colour} bold" if style.startswith("bold") else colour
    words = "".join(" " if "\u2800" <= sign <= "\u28ff" else sign for sign in text)
    out = []
    if words.strip():
        start = len(words) - len(words.lstrip())
        shown = words.strip()
        out.append(
            f'<text class="{names}" x="{x + start * _CELL:.1f}" y="{y + 13:.1f}" '
            f'textLength="{len(shown) * _CELL:.1f}">{escape(shown)}</text>'
        )
    for column, sign in enumerate(text):
        code = ord(sign) - 0x2800
        for bit, (right, down) in enumerate(_DOTS if 0 < code < 256 else ()):
            if code >> bit & 1:
                cx, cy = x + (column + 0.25 + right / 2) * _CELL, y + (down + 0.5) / 4 * _LINE
                out.append(f'<circle class="{colour}" cx="{cx:.1f}" cy="{cy:.1f}" r="1.5"/>')
    return out


def picture() -> str:
    """Return the picture of the race."""
    frame = race_frame(fight(), 1.0, Moment(finished=True), _SIZE, Look())
    typed = Text.assemble(("Hare> ", "dim"), f"battle Hare Tortoise {N_STEPS} --watch 10")
    return svg([typed, *frame])


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE
    target.write_text(picture(), encoding="utf-8")
    print(f"the race: {target}")
