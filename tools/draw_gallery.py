"""Make docs/GALLERY.md and its images: each registered picture, of the agents of examples/gallery.txt.

    python tools/draw_gallery.py

What is said of a picture, and of whom it is drawn, stands at its registration (bandits/pictures/).  The same
bandits gives the same bytes, so `git diff` shows what a change of the code has changed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from PIL import Image  # matplotlib brings it

from bandits.commands.pictures import OPTIONS, line_of
from bandits.pictures import PLOTS, Exhibit, Plot, Request

N_COLOURS = 96
WIDTH = 120
ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "examples" / "gallery.txt"
GALLERY = ROOT / "docs" / "GALLERY.md"
IMAGES = ROOT / "docs" / "images"
IN_CHARACTERS = "visualize race --terminal"

_OF_ANY = {
    "agent": ("Ada",),
    "agents": ("A", "Ada"),
}  # of whom a picture is drawn that names nobody
_ABOVE = (
    "Every picture that `visualize` draws, with the command under it. All of them come from one arena, which "
    "[examples/gallery.txt](../examples/gallery.txt) makes from nothing in some seconds: "
    "`bandits examples/gallery.txt`.",
    "Without `--save` a picture goes to the folder `pictures` beside the arena, and the command says where. "
    "The ending chooses among `.png`, `.svg` and `.pdf`. `--show` opens it in the desktop's viewer, "
    "`--terminal` draws it in the terminal instead. Some pictures run the agent, which costs it energy; the "
    "command says how much. The colours can be told apart by people of every colour vision.",
)


def main() -> None:
    """Renew the gallery."""
    with tempfile.TemporaryDirectory() as folder:
        drawing = draw(Path(folder))
        for what in PLOTS:
            target = IMAGES / image_of(what)
            with Image.open(Path(folder) / image_of(what)) as image:  # a third of the bytes
                image.convert("RGB").quantize(N_COLOURS).save(target, optimize=True)
            print(f"docs/images/{target.name}  {target.stat().st_size / 1000:.0f} kB")
    GALLERY.write_text(page(drawing), encoding="utf-8")


def draw(folder: Path) -> str:
    """Make the arena and draw its pictures into a folder; return the one in characters."""
    bandits(folder, str(SCRIPT))
    lines = [f"{command_of(what, plot)} --save {image_of(what)}" for what, plot in plots().items()]
    bandits(folder, *(word for line in lines for word in ("-c", line)))
    return re.sub(r"[ \t]+$", "", bandits(folder, "-c", IN_CHARACTERS), flags=re.M)


def bandits(folder: Path, *arguments: str) -> str:
    """Return what bandits prints that runs in this folder, its arena there too."""
    environment = os.environ | {
        "BANDITS_HOME": str(folder / "arena"),
        "COLUMNS": "80",
        "LINES": "24",
        "NO_COLOR": "1",
        "PYTHONUTF8": "1",
    }
    return subprocess.run(
        [sys.executable, "-m", "bandits", *arguments],
        cwd=folder,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ).stdout


def page(drawing: str) -> str:
    """Return docs/GALLERY.md, with a drawing in characters at its end."""
    parts = [
        "# Gallery",
        *map(filled, _ABOVE),
        *(section(what, plot) for what, plot in plots().items()),
    ]
    parts.append(f"## In the terminal\n\n    {IN_CHARACTERS}\n\n```text\n{drawing}```\n")
    return "\n\n".join(parts)


def section(what: str, plot: Plot) -> str:
    """Return what the gallery says of one picture."""
    exhibit = exhibit_of(plot)
    parts = [
        f"## {what.capitalize()}",
        f"![{exhibit.seen}](images/{image_of(what)})",
        f"    {command_of(what, plot)}",
        filled(exhibit.look_for),
    ]
    if plot.options:
        parts.append("\n".join(f"- {meaning_of(option)}" for option in plot.options))
    return "\n\n".join(parts)


def filled(text: str) -> str:
    """Return a paragraph in lines of the documents' width."""
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def meaning_of(option: str) -> str:
    """Return an option as the gallery lists it."""
    metavar, meaning = OPTIONS[option]
    return f"`--{option} {metavar}`: {meaning}" if metavar else f"`--{option}`: {meaning}"


def exhibit_of(plot: Plot) -> Exhibit:
    """Return how a picture is shown; one that does not say so itself is its summary."""
    told = plot.summary[0].upper() + plot.summary[1:]
    asked = Request(names=_OF_ANY.get(plot.takes, ()))
    return plot.exhibit or Exhibit(asked=asked, seen=told, look_for=f"{told}.")


def command_of(what: str, plot: Plot) -> str:
    """Return the line that draws a picture of the gallery."""
    return line_of(what, exhibit_of(plot).asked)


def image_of(what: str) -> str:
    """Return the name of a picture's file."""
    return f"gallery-{what}.png"


def plots() -> dict[str, Plot]:
    """Return the pictures, in the order of `help visualize`."""
    return {what: PLOTS.get(what) for what in PLOTS}


def drawing_in(text: str) -> str:
    """Return the drawing in characters that a gallery shows."""
    return text.partition("```text\n")[2].partition("```")[0]


if __name__ == "__main__":
    main()
