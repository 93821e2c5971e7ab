"""docs/GALLERY.md is what tools/draw_gallery.py writes, and shows every picture there is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bandits.pictures import PLOTS
from tests.support.paths import ROOT

GALLERY = (ROOT / "docs" / "GALLERY.md").read_text(encoding="utf-8")
IMAGES = ROOT / "docs" / "images"


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The tool, as a module."""
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import draw_gallery

    return draw_gallery


def test_the_gallery_is_what_the_tool_writes(tool: Any) -> None:
    assert tool.page(tool.drawing_in(GALLERY)) == GALLERY, "run python tools/draw_gallery.py"


@pytest.mark.parametrize("what", list(PLOTS))
def test_every_picture_is_in_the_gallery_and_small(what: str) -> None:
    image = IMAGES / f"gallery-{what}.png"
    assert image.read_bytes().startswith(b"\x89PNG")
    assert image.stat().st_size < 100_000
    assert f"\n## {what.capitalize()}\n\n![" in GALLERY
    assert f"](images/{image.name})\n\n    visualize {what}" in GALLERY


def test_no_image_is_left_of_a_picture_that_is_gone() -> None:
    shown = {path.name for path in IMAGES.glob("*.png")}
    assert shown == {f"gallery-{what}.png" for what in PLOTS}


@pytest.mark.slow
def test_the_tool_draws_every_picture(tool: Any, tmp_path: Path) -> None:
    drawing = tool.draw(tmp_path)
    assert {path.name for path in tmp_path.glob("*.png")} == {f"gallery-{w}.png" for w in PLOTS}
    assert drawing == tool.drawing_in(GALLERY)
