"""A stranger's addition: made in a copy of the package, in one file and one line, and used there.

The copy is run in processes of its own, whose PYTHONPATH goes before an editable install.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from filecmp import dircmp
from os import pathsep
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.shelltools import SECONDS, environment

COPIED = ("bandits", "docs", "tools")
_MADE = ["__pycache__"]  # by running it: no difference
_half_written = shutil.ignore_patterns("*.pyc.*")  # by another test, in this moment


@dataclass(frozen=True, kw_only=True)
class Line:
    """The line that registers a new file: in which file, and behind which of its lines."""

    file: str
    behind: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Addition:
    """What a stranger does: changes one file, or creates it and registers it by one line of another.

    title: what is added, as docs/ARCHITECTURE.md has it in "Where to put things"; edit: the text of
    the file, empty if it is new, to what becomes of it; use: what proves that it works.
    """

    title: str
    file: str
    edit: Callable[[str], str]
    use: Callable[[Copy], None]
    registration: Line | None = None


class Copy:
    """A copy of the package with its documents and tools, which a test may change and run."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder / "copy", folder / "home"
        for name in COPIED:
            shutil.copytree(ROOT / name, self.folder / name, ignore=_half_written)
        where = self.python("import bandits; print(bandits.__file__)").strip()
        assert where == str(self.folder / "bandits" / "__init__.py"), f"{where} would be tested"

    def make(self, addition: Addition) -> None:
        """Do as the addition says, and fail unless that is all that is different now."""
        self.edit(addition.file, addition.edit)
        line = addition.registration
        if line is not None:
            assert addition.file not in _known(), f"{addition.file} is changed, not created"
            self.edit(line.file, behind(line.behind, line.text))
        expected = {addition.file, *([line.file] if line else [])}
        assert self.changed() == expected

    def edit(self, file: str, edit: Callable[[str], str]) -> None:
        """Change a file, or create it."""
        path = self.folder / file
        path.write_text(edit(path.read_text("utf-8") if path.exists() else ""), encoding="utf-8")

    def changed(self) -> set[str]:
        """Return every file that is not as it is in the repository."""
        found: set[str] = set()

        def visit(folder: str, names: dircmp[str]) -> None:
            for name in (
                *names.left_only,
                *names.right_only,
                *names.diff_files,
                *names.funny_files,
            ):
                found.add(f"{folder}/{name}")
            for name, below in names.subdirs.items():
                visit(f"{folder}/{name}", below)

        for name in COPIED:
            visit(name, dircmp(ROOT / name, self.folder / name, ignore=_MADE))
        return found

    def python(self, program: str) -> str:
        """Run a program that imports the copy, and return what it prints; it must not fail."""
        return self._run("-c", program)

    def bandits(self, *lines: str) -> str:
        """Type commands that must all succeed, in one run of the copy, and return what they print."""
        return self._run("-m", "bandits", *(word for line in lines for word in ("-c", line)))

    def tool(self, name: str) -> None:
        """Run one of the copy's tools."""
        self._run(str(self.folder / "tools" / name))

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=self.folder.parent,
            env=environment(
                self.home,
                PYTHONPATH=pathsep.join((str(self.folder), str(ROOT))),
                NO_COLOR="1",
                COLUMNS="120",
            ),
            timeout=SECONDS,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), (arguments, done.stdout, done.stderr)
        return done.stdout


def _known() -> set[str]:
    return {
        path.relative_to(ROOT).as_posix() for name in COPIED for path in (ROOT / name).rglob("*")
    }


# Edits


def created(text: str) -> Callable[[str], str]:
    """Return the edit that writes a new file."""

    def edit(before: str) -> str:
        assert not before, "the file is there already"
        return text

    return edit


def behind(line: str, added: str) -> Callable[[str], str]:
    """Return the edit that adds text below a line, which has to be there once."""
    return replaced(f"{line}\n", f"{line}\n{added}\n")


def replaced(old: str, new: str) -> Callable[[str], str]:
    """Return the edit that puts a text in place of another, which has to be there once."""

    def edit(before: str) -> str:
        assert before.count(old) == 1, f"{before.count(old)} times: {old}"
        return before.replace(old, new)

    return edit


def appended(text: str) -> Callable[[str], str]:
    """Return the edit that adds text at the end."""
    return lambda before: before + text


def both(first: Callable[[str], str], second: Callable[[str], str]) -> Callable[[str], str]:
    """Return one edit after another."""
    return lambda before: second(first(before))
