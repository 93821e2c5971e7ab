"""ARCHITECTURE.md's row "a picture", done as a stranger would: a copy, one new file, its registration."""

from __future__ import annotations

import filecmp
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.shelltools import environment

NEW_FILE = '''"""What agents have spent, and on what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bandits.pictures.panels import Bars, Curves, Line, Picture
from bandits.pictures.registration import Request, names_of, picture, slug_of

if TYPE_CHECKING:
    from bandits.arena.arena import Arena

KINDS = ("training", "evaluation", "generation")


@picture("spending", takes="agents", summary="what energy went into, and how it grew")
def spending(arena: Arena, request: Request) -> Picture:
    """Gather the energy of agents by what it was spent on."""
    names = names_of(arena, request)
    spent = [[float(getattr(arena.energy(name), kind)) for kind in KINDS] for name in names]
    totals = np.array(spent).sum(axis=0)
    panels = [
        Bars(
            title="Energy of all",
            x_label="share of the largest, %",
            rows=KINDS,
            values=(100 * totals / max(totals.max(), 1.0)).tolist(),
            texts=[f"{total:.3g}" for total in totals],
            full=100.0,
            alarms=[False] * len(KINDS),
        ),
        Curves(
            title="Energy by kind",
            x_label="kind",
            y_label="operations",
            lines=[
                Line(name, np.arange(3.0), np.array(of_one), place)
                for place, (name, of_one) in enumerate(zip(names, spent, strict=True))
            ],
        ),
    ]
    return Picture(title="spending", slug=slug_of(names, "spending"), panels=panels)
'''
REGISTRATION = "from bandits.pictures import spending  # noqa: F401\n"
ABOVE = "# isort: on\n"
COPIED = ("bandits", "tools", "tests", "docs", "pyproject.toml")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository, with a picture that was not there."""
    folder = tmp_path_factory.mktemp("clone")
    ignored = shutil.ignore_patterns("__pycache__")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder)
    (folder / "bandits" / "pictures" / "spending.py").write_text(NEW_FILE)
    imports = folder / "bandits" / "pictures" / "__init__.py"
    text = imports.read_text()
    assert text.count(ABOVE) == 1
    imports.write_text(text.replace(ABOVE, REGISTRATION + ABOVE))
    return folder


def python(clone: Path, home: Path, *arguments: str) -> str:
    """What Python prints that runs in the copy."""
    path = os.pathsep.join([str(clone), str(clone / "tools")])
    done = subprocess.run(
        [sys.executable, *arguments], cwd=clone, env=environment(home, PYTHONPATH=path),
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def changed(mine: Path, theirs: Path) -> set[str]:
    """The files of a tree that the other has not, or has with other bytes."""
    files = [path for path in mine.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {
        str(path.relative_to(mine))
        for path in files
        if not (other := theirs / path.relative_to(mine)).is_file()
        or not filecmp.cmp(path, other, shallow=False)
    }


def test_a_picture_is_one_file_and_its_registration(clone: Path, home: Path) -> None:
    lines = ("train 20", "visualize spending", "visualize spending A B --terminal")
    said = python(clone, home, "-m", "bandits", *(w for line in lines for w in ("-c", line)))
    assert "spending: ~/pictures/A-spending.png\n" in said
    assert (home / "pictures" / "A-spending.png").read_bytes().startswith(b"\x89PNG")
    assert re.search(
        r"^Energy of all \(share of the largest, %\)\n *training █+ \S+e\+", said, re.M
    )
    assert re.search(r"^Energy by kind$", said, re.M)
    assert re.search(r"^a A   b B$", said, re.M)
    assert changed(clone / "bandits", ROOT / "bandits") == {
        "pictures/__init__.py",
        "pictures/spending.py",
    }


def test_help_and_completion_have_it(clone: Path, home: Path) -> None:
    explained = python(clone, home, "-m", "bandits", "-c", "help visualize")
    assert re.search(
        r"^  visualize spending +what energy went into, and how it grew$", explained, re.M
    )
    told = " ".join(explained.split())
    assert "pareto, race, spending" in told
    assert "loss, schedule and spending take several" in told
    code = (
        "import pathlib, sys\n"
        "from bandits.commands import COMMAND_SETS\n"
        "from bandits.commands.pictures import PictureCommands\n"
        "from bandits.shell.app import BanditsShell\n"
        "shell = BanditsShell(pathlib.Path(sys.argv[1]), COMMAND_SETS)\n"
        "(pictures,) = shell.find_commandsets(PictureCommands)\n"
        "print([item.text for item in pictures.plot_choices().items])\n"
        "shell.close()\n"
    )
    assert "'spending'" in python(clone, home, "-c", code, str(home))


def test_the_gallery_shows_it(clone: Path, home: Path) -> None:
    page = python(clone, home, "-c", "import draw_gallery; print(draw_gallery.page(''))")
    told = "What energy went into, and how it grew"
    assert (
        f"\n\n## Spending\n\n![{told}](images/gallery-spending.png)\n\n    visualize spending A Ada"
        f"\n\n{told}.\n\n"
    ) in page


@pytest.mark.slow
def test_the_laws_of_pictures_hold_for_it(clone: Path, home: Path) -> None:
    for file, laws in (
        ("tests/pictures/test_pictures.py", "every_picture_is_drawn and spending"),
        ("tests/commands/test_visualize.py", "fits_every_terminal"),
    ):
        said = python(clone, home, "-m", "pytest", "-q", "-n", "0", file, "-k", laws)
        assert re.search(r"\d passed", said), said
