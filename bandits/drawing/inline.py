"""A picture as SVG inside a page of HTML: real text, no reference to anything, the same bytes each time."""

from __future__ import annotations

import io
import re
import warnings
from typing import Any
from xml.etree import ElementTree

from bandits.drawing import canvas
from bandits.drawing.style import STYLE
from bandits.pictures.panels import Picture

WIDTH_INCHES = 5.4  # on a phone of 390 pixels the letters are still nine pixels high
_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_COLOUR = re.compile(r"#([0-9a-f]{6})\b")


def inline_svg(picture: Picture, description: str) -> str:
    """Return the picture as an <svg> element that scales to its place and has no background.

    description: what it shows, in words, for those who do not see it.  A colour #0072b2 is written
    as var(--c-0072b2, #0072b2).
    """
    import matplotlib

    image = io.BytesIO()
    style: Any = {**STYLE, "svg.fonttype": "none"}
    with matplotlib.rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a letter that no font here has
        figure = canvas.figure_of(picture)
        figure.set_size_inches(WIDTH_INCHES, figure.get_figheight())
        figure.savefig(image, format="svg", transparent=True, metadata={"Date": None})
    ElementTree.register_namespace("", _SVG)
    svg = ElementTree.fromstring(image.getvalue())
    for metadata in svg.findall(f"{{{_SVG}}}metadata"):
        svg.remove(metadata)
    for size in ("width", "height"):  # the page decides; viewBox keeps the proportions
        svg.attrib.pop(size, None)
    for element in svg.iter():  # in HTML there are no namespaces, and SVG 2 wants none
        target = element.attrib.pop(f"{{{_XLINK}}}href", None)
        if target is not None:
            element.set("href", target)
        if "style" in element.attrib:  # so that a page may have colours of its own, for the dark
            element.set("style", _COLOUR.sub(r"var(--c-\1, #\1)", element.attrib["style"]))
    svg.set("role", "img")
    svg.set("aria-label", description)
    return ElementTree.tostring(svg, encoding="unicode", short_empty_elements=True)
