"""A stranger's addition: made in a copy of the package, in one file and one registration, and used there.

The copy is run in processes of its own, whose PYTHONPATH goes before an editable install.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from filecmp import dircmp
from os import pathsep
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.shelltools import SECONDS, environment

COPIED = ("bandits", "docs", "tools")
_MADE = ["__pycache__"]  # by running it: no difference
_half_written = shutil.ignore_patterns("*.pyc.*")  # by another test, in this moment

Edit = Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class Registration:
    """How an addition is entered: in which file, and the change of two lines at most, import and entry."""

    file: str
    edit: Edit


@dataclass(frozen=True, kw_only=True)
class Addition:
    """What a stranger does: creates one file, or changes one, and registers it in another if need be.

    title: what is added, as docs/ARCHITECTURE.md has it in "Where to put things"; edit: the text of
    the file, empty if it is new, to what becomes of it; use: what proves that it works.
    """

    title: str
    file: str
    edit: Edit
    use: Callable[[Copy], None]
    registration: Registration | None = None


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
        expected = {addition.file}
        if (registration := addition.registration) is not None:
            before = (ROOT / registration.file).read_text("utf-8").splitlines()
            self.edit(registration.file, registration.edit)
            after = (self.folder / registration.file).read_text("utf-8").splitlines()
            entered = [line for line in after if line not in before]
            assert 1 <= len(entered) <= 2, entered
            expected.add(registration.file)
        assert self.changed() == expected

    def edit(self, file: str, edit: Edit) -> None:
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
        """Run a program that imports the copy and its tools, and return what it prints."""
        return self.run("-c", program)

    def bandits(self, *lines: str, **environment: str) -> str:
        """Type commands that must all succeed, in one run of the copy, and return what they print."""
        return self.run("-m", "bandits", *typed(lines), **environment)

    def error(self, line: str) -> str:
        """Type a command that must fail, and return what it says: one line, on standard error."""
        done = self._done("-m", "bandits", *typed([line]))
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done
        return done.stderr.rstrip("\n")

    def tool(self, name: str) -> None:
        """Run one of the copy's tools."""
        self.run(str(self.folder / "tools" / name))

    def run(self, *arguments: str, **environment: str) -> str:
        """Run Python in the copy; it must not fail or complain.  Returns what it prints."""
        done = self._done(*arguments, **environment)
        assert (done.returncode, done.stderr) == (0, ""), (arguments, done.stdout, done.stderr)
        return done.stdout

    def _done(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        path = (self.folder, self.folder / "tools", ROOT)  # the last for tests.support
        own = {"PYTHONPATH": pathsep.join(map(str, path)), "NO_COLOR": "1", "COLUMNS": "120"}
        return subprocess.run(
            [sys.executable, *arguments],
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=self.folder.parent,
            env=environment(self.home, **own | more),
            timeout=SECONDS,
            check=False,
        )


def typed(lines: Iterable[str]) -> list[str]:
    """Return the arguments by which bandits does as these lines say."""
    return [word for line in lines for word in ("-c", line)]


# Edits


def created(text: str) -> Edit:
    """Return the edit that writes a new file."""

    def edit(before: str) -> str:
        assert not before, "the file is there already"
        return text

    return edit


def behind(line: str, added: str) -> Edit:
    """Return the edit that adds text below a line, which has to be there once."""
    return replaced(f"{line}\n", f"{line}\n{added}\n")


def replaced(old: str, new: str) -> Edit:
    """Return the edit that puts a text in place of another, which has to be there once."""

    def edit(before: str) -> str:
        assert before.count(old) == 1, f"{before.count(old)} times: {old}"
        return before.replace(old, new)

    return edit


def both(first: Edit, second: Edit) -> Edit:
    """Return one edit after another."""
    return lambda before: second(first(before))


# Ways to use what was added

# A program for a copy: what an earlier build left behind opens, verifies and goes on.
PLAY_ON = """
from pathlib import Path
from tempfile import TemporaryDirectory
from tests.support.earlier import left_behind, play_on
with TemporaryDirectory() as folder:
    play_on(left_behind(Path(folder) / "earlier"))
"""


def completing(*lines: str) -> str:
    """Return the program that prints, as JSON, what Tab offers at the end of each line."""
    return f"""
import json, os
from pathlib import Path
from bandits.commands import COMMAND_SETS
from bandits.shell.app import BanditsShell
shell, found = BanditsShell(Path(os.environ["BANDITS_HOME"]), COMMAND_SETS), []
for line in {lines!r}:
    word = line.rpartition(" ")[2]
    found.append(shell.complete(word, line, len(line) - len(word), len(line)).items)
print(json.dumps([[item.text for item in items] for items in found]))
shell.close()
"""


def check_config(copy: Copy, printed: str) -> None:
    """Fail unless the JSON that ends what was printed is `config --json` by the copy's schema, made anew."""
    jsonschema = pytest.importorskip("jsonschema")
    copy.tool("json_page.py")
    schema = json.loads((copy.folder / "docs" / "schema" / "commands.json").read_text("utf-8"))
    part = {"$defs": schema["$defs"], "$ref": "#/$defs/config"}
    jsonschema.Draft202012Validator(part).validate(json.loads(printed[printed.index("\n{") :]))
