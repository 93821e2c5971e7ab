"""Draw the pictures of docs/GALLERY.md anew: run examples/gallery.txt in a fresh arena.

    python tools/draw_gallery.py

It puts the pictures into docs/images and the drawing in characters into docs/GALLERY.md.  The same
bandits gives the same bytes, so `git diff` shows what a change of the code has changed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image  # matplotlib brings it

N_COLOURS = 96
ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "examples" / "gallery.txt"
GALLERY = ROOT / "docs" / "GALLERY.md"
DRAWING = re.compile(r"(?<=^```text\n)Match .*?(?=^```$)", re.M | re.S)


def main() -> None:
    """Renew the gallery."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "BANDITS_HOME": str(Path(folder) / "arena"),
            "COLUMNS": "80",
            "LINES": "24",
            "NO_COLOR": "1",
            "PYTHONUTF8": "1",
        }
        printed = subprocess.run(
            [sys.executable, "-m", "bandits", str(SCRIPT)],
            cwd=folder,
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        ).stdout
        for picture in sorted(Path(folder).glob("*.png")):
            target = ROOT / "docs" / "images" / picture.name
            with Image.open(picture) as image:  # fewer colours, a third of the bytes
                image.convert("RGB").quantize(N_COLOURS).save(target, optimize=True)
            print(f"docs/images/{target.name}  {target.stat().st_size / 1000:.0f} kB")
    drawing = printed[printed.rindex("\nMatch 1:") + 1 :]
    drawing = re.sub(r"[ \t]+$", "", drawing, flags=re.M)
    text = GALLERY.read_text(encoding="utf-8")
    GALLERY.write_text(DRAWING.sub(lambda _: drawing, text), encoding="utf-8")


if __name__ == "__main__":
    main()
