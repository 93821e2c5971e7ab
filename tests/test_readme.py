"""What the documents show is what happens: transcripts, code, commands, links and trees are checked.

A ```console block is a session: each line that begins with `$ ` is a command, what follows is its
output, to the character; all of a document's share an arena and a folder.  A command that is meant
to fail says so, `# exits 1`, and its error is shown.  A ```bandits block is typed at the prompt of a
fresh arena: lines that begin with `> `, and what the last line of a group answers.  A ```python
block runs; a ```text block right after it is what it prints.  `python tests/test_readme.py` writes
those outputs anew after a change; with names of documents behind it, those of these.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from bandits.version import __version__
from tests.support.paths import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
SLOW = {"PLAYERS.md", "TEACHERS.md", "gallery.txt"}
INSTALL = 'pip install -e . && bandits -c "battle A B 100"'
TEST = 'pip install -e ".[test]" && pytest'

_CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
_PROMPT = re.compile(r"^```bandits\n(.*?)^```$", re.M | re.S)
_PYTHON = re.compile(
    r"^```python\n(?P<code>.*?)^```$(?:\n\n?```text\n(?P<output>.*?)^```$)?", re.M | re.S
)
_LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)[^)]*\)")


def marked(paths: Iterable[Path]) -> list[ParameterSet]:
    """Return the paths as parameters, marked slow where there is much to play."""
    return [
        pytest.param(path, marks=[pytest.mark.slow] if path.name in SLOW else [], id=path.name)
        for path in paths
    ]


def shows_something(document: Path) -> bool:
    """Return whether a document has a session or code."""
    text = document.read_text(encoding="utf-8")
    return any(block.search(text) for block in (_CONSOLE, _PROMPT, _PYTHON))


def session(block: str) -> list[tuple[str, str]]:
    """Return the commands of a console block with the output below each."""
    parts = re.split(r"^\$ (.*)\n", block, flags=re.M)
    assert not parts[0], f"a session begins with a command, not {parts[0]!r}"
    return list(zip(parts[1::2], parts[2::2], strict=True))


def typed(block: str) -> list[list[str]]:
    """Return the groups of lines that are typed in a block at the prompt."""
    assert block.startswith("> "), f"a line is typed first, not {block.splitlines()[0]!r}"
    groups = re.findall(r"(?:^> .*\n)+", block, re.M)
    return [[line.removeprefix("> ") for line in group.splitlines()] for group in groups]


def answers(lines: list[str], home: Path, folder: Path) -> list[str]:
    """Return what bandits answers to each line that is typed, in one process."""
    out = play("bandits", home, folder, typed="\n".join(["set echo true", *lines, ""]))
    found = []
    for line in lines:
        before, echoed, out = out.partition(f"(Cmd) {line}\n")
        assert echoed, f"{line!r} was not run"
        found.append(before)
    return [*found[1:], out]


def play(command: str, home: Path, folder: Path, typed: str = "") -> str:
    """Return what a command prints into a pipe 80 columns wide, in the arena of `home`."""
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("BANDITS_", "PYTHON"))
    }
    scripts = sysconfig.get_path("scripts")
    environment |= {
        "HOME": str(folder),  # shown as ~, however long it is
        "BANDITS_HOME": str(home),
        "COLUMNS": "80",
        "NO_COLOR": "1",
        "PYTHONUTF8": "1",
        "PATH": f"{scripts}{os.pathsep}{environment.get('PATH', '')}",
    }
    done = subprocess.run(
        re.sub(r"\bpython (?=-c|examples/)", f'"{sys.executable}" ', command),
        shell=True,
        cwd=folder,
        env=environment,
        input=typed,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    fails = re.search(r"# exits (\d+)$", command)
    expected = int(fails[1]) if fails else 0
    assert done.returncode == expected, f"{command!r} exits {done.returncode}: {done.stderr}"
    return re.sub(r"[ \t]+$", "", done.stdout + (done.stderr if fails else ""), flags=re.M)


def replayed(text: str, folder: Path) -> str:
    """Return a document with the outputs of its sessions and of its Python made anew."""
    home = folder / "arena"

    def replay_session(match: re.Match[str]) -> str:
        outputs = [(command, play(command, home, folder)) for command, _ in session(match[1])]
        return "```console\n" + "".join(f"$ {command}\n{out}" for command, out in outputs) + "```"

    def replay_prompt(match: re.Match[str]) -> str:
        groups = typed(match[1])
        lines = [line for group in groups for line in group]
        with tempfile.TemporaryDirectory() as fresh:
            found = iter(answers(lines, Path(fresh), folder))
        shown = [[next(found) for _ in group][-1] for group in groups]
        parts = ("".join(f"> {line}\n" for line in group) for group in groups)
        return "```bandits\n" + "".join(a + b for a, b in zip(parts, shown, strict=True)) + "```"

    def replay_code(match: re.Match[str]) -> str:
        printed = io.StringIO()
        with contextlib.chdir(folder), contextlib.redirect_stdout(printed):
            exec(compile(match["code"], "<document>", "exec"), names)
        if match["output"] is None:
            return match[0]
        at = match.start("output") - match.start(), match.end("output") - match.start()
        return match[0][: at[0]] + printed.getvalue() + match[0][at[1] :]

    names: dict[str, object] = {"__name__": "document"}
    text = _PROMPT.sub(replay_prompt, _CONSOLE.sub(replay_session, text))
    return _PYTHON.sub(replay_code, text)


def prepared(folder: Path) -> Path:
    """Return the folder with what the documents may read: a text of one's own, the examples."""
    (folder / "examples").symlink_to(ROOT / "examples")
    shutil.copy(ROOT / "bandits" / "datasets" / "data" / "names.txt", folder / "mine.txt")
    return folder


@pytest.mark.parametrize("document", marked(filter(shows_something, DOCUMENTS)))
def test_sessions_and_code_in_the_documents_give_the_output_they_show(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = document.read_text(encoding="utf-8")
    monkeypatch.setenv("BANDITS_HOME", str(tmp_path / "library"))
    assert replayed(text, prepared(tmp_path)) == text


def test_the_readme_has_its_two_commands_on_lines_of_their_own() -> None:
    lines = [line.strip() for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()]
    assert INSTALL in lines
    assert TEST in lines


def test_continuous_integration_runs_the_command_of_the_readme() -> None:
    assert f"run '{TEST}'" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "run: .ci/run" in (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")


def test_a_tag_is_compared_with_the_version_where_it_stands() -> None:
    workflow = (ROOT / ".github" / "workflows" / "wheels.yml").read_text(encoding="utf-8")
    (path,) = re.findall(r'run: grep -Fx "__version__ = .*" (\S+)$', workflow, re.M)
    assert f'__version__ = "{__version__}"' in (ROOT / path).read_text("utf-8").splitlines()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_the_documents_lead_somewhere(document: Path) -> None:
    links = _LINK.findall(document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


OF_ONE_KIND = ("signs",)  # folders whose files are additions of one kind: the page names the folder
_SOURCES = {".py", ".pyx", ".pxd", ".pxi", ".h"}
_FILE = re.compile(rf"(?<![\w/])\w+(?:{'|'.join(map(re.escape, sorted(_SOURCES)))})(?![\w/])")


def files_in_the_tree(text: str) -> list[str]:
    """Return the paths of the sources that the page's tree names, those in its remarks too."""
    tree = text.partition("## The tree\n\n")[2].partition("\n\n")[0]
    folders: list[tuple[int, str]] = []  # those that a line is in, each with its indentation
    found = []
    for line in tree.splitlines():
        indent = len(line) - len(line.lstrip())
        if indent < 32:  # else it goes on with what the line above says
            folders = [(depth, name) for depth, name in folders if depth < indent]
        if head := re.match(r"[\w/]+/(?= |$)", line.strip()):
            folders.append((indent, head[0]))
        folder = "".join(name for _, name in folders)
        found += [folder + name for name in _FILE.findall(line)]
    return found


def test_the_architecture_has_every_source_in_its_place_and_no_other() -> None:
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    there = [
        path.relative_to(ROOT).as_posix()
        for folder in ("bandits", "csrc")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in _SOURCES and path.parent.name not in OF_ONE_KIND
    ]
    named = [name for name in files_in_the_tree(text) if name.startswith(("bandits/", "csrc/"))]
    faces = {name for name in there if name.endswith("/__init__.py")} - {"bandits/__init__.py"}
    assert sorted(named) == sorted(set(there) - faces)


_PATH = re.compile(
    r"(?<![\w/.-])((?:bandits|csrc|tests|tools|docs|examples|benchmarks)/[\w./*-]*[\w*/])"
)


def test_every_path_that_is_named_leads_somewhere() -> None:
    """In documents, comments and programs: a file that was moved is not left behind in words."""
    files = [*DOCUMENTS, ROOT / "setup.py", ROOT / "benchmarks" / "README.md"]
    for folder in ("bandits", "csrc", "tests", "tools", "examples", "benchmarks"):
        files += [path for path in (ROOT / folder).rglob("*") if path.suffix in _SOURCES]
    made = ROOT / "tests" / "additions"  # names what it makes
    lost = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in files
        if made not in path.parents
        for name in _PATH.findall(path.read_text(encoding="utf-8"))
        if "DATE" not in name and not any(ROOT.glob(f"{name.rstrip('/')}*"))
    ]
    assert lost == []


def not_in_the_documents() -> list[Path]:
    """Return the examples that no session runs."""
    commands = "\n".join(
        command
        for document in DOCUMENTS
        for block in _CONSOLE.findall(document.read_text(encoding="utf-8"))
        for command, _ in session(block)
    )
    scripts = [path for path in ROOT.glob("examples/*") if path.is_file()]
    return sorted(path for path in scripts if f"examples/{path.name}" not in commands)


@pytest.mark.parametrize("script", marked(not_in_the_documents()))
def test_examples_run(script: Path, tmp_path: Path) -> None:
    runner = "bandits" if script.suffix == ".txt" else f'"{sys.executable}"'
    assert play(f'{runner} "{script}"', tmp_path / "arena", tmp_path)


def main() -> None:
    """Write the outputs in the documents anew: all of them, or those that are named."""
    wanted = sys.argv[1:]
    for document in DOCUMENTS:
        if wanted and document.name not in wanted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            os.environ["BANDITS_HOME"] = str(Path(folder) / "library")
            text = document.read_text(encoding="utf-8")
            document.write_text(replayed(text, prepared(Path(folder))), encoding="utf-8")


if __name__ == "__main__":
    main()
