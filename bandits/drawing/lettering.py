"""Labels that fit: how wide one is, which letters a font has, powers of ten, and where a legend lies."""

from __future__ import annotations

_AROUND_INCHES = 1.1  # of a panel's height: title, label and legend
_LEGEND_INCHES = 0.48  # from the x axis down to a legend, past the label


def below(inches: float) -> float:
    """Return how far below the axes a legend lies, in heights of axes of so many inches in all."""
    return _LEGEND_INCHES / max(1.0, inches - _AROUND_INCHES)


def letters_wide(label: str) -> float:
    """Return how wide a label is, in letters of middling width."""
    return sum(1.75 if c in "WMmw@%—" else 1.2 if c.isupper() else 1.0 for c in label)


def drawable(label: str) -> str:
    """Return a letter, or its code point if matplotlib's font has no sign for it."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    if len(label) != 1 or label.isascii():
        return label
    known = get_font(findfont(FontProperties())).get_char_index(ord(label))
    return label if known else f"U+{ord(label):04X}"


def power(exponent: float) -> str:
    """Return 10 to the exponent, as it is written."""
    superscript = str(round(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{superscript}"
