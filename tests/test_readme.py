"""What the documents show is what happens: transcripts, code, commands, links and trees are checked.

A ```console block is a session: each line that begins with `$ ` is a command, what follows is its
output, to the character, in a fresh arena.  A ```python block runs; a ```text block right after it
is what it prints.  `python tests/test_readme.py` writes those outputs anew after a change.
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
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
INSTALL = 'pip install -e . && bandits -c "battle A B 100"'
TEST = 'pip install -e ".[test]" && pytest'

_CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
_PYTHON = re.compile(
    r"^```python\n(?P<code>.*?)^```$(?:\n\n?```text\n(?P<output>.*?)^```$)?", re.M | re.S
)
_LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)[^)]*\)")


def shows_something(document: Path) -> bool:
    """Return whether a document has a session or code."""
    text = document.read_text(encoding="utf-8")
    return bool(_CONSOLE.search(text) or _PYTHON.search(text))


def session(block: str) -> list[tuple[str, str]]:
    """Return the commands of a console block with the output below each."""
    parts = re.split(r"^\$ (.*)\n", block, flags=re.M)
    assert not parts[0], f"a session begins with a command, not {parts[0]!r}"
    return list(zip(parts[1::2], parts[2::2], strict=True))


def play(command: str, home: Path, folder: Path) -> str:
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
        command,
        shell=True,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, f"{command!r} exits {done.returncode}: {done.stderr}"
    return re.sub(r"[ \t]+$", "", done.stdout, flags=re.M)


def replayed(text: str, folder: Path) -> str:
    """Return a document with the outputs of its sessions and of its Python made anew."""
    home = folder / "arena"

    def replay_session(match: re.Match[str]) -> str:
        outputs = [(command, play(command, home, folder)) for command, _ in session(match[1])]
        return "```console\n" + "".join(f"$ {command}\n{out}" for command, out in outputs) + "```"

    def replay_code(match: re.Match[str]) -> str:
        printed = io.StringIO()
        with contextlib.chdir(folder), contextlib.redirect_stdout(printed):
            exec(compile(match["code"], "<document>", "exec"), names)
        if match["output"] is None:
            return match[0]
        at = match.start("output") - match.start(), match.end("output") - match.start()
        return match[0][: at[0]] + printed.getvalue() + match[0][at[1] :]

    names: dict[str, object] = {"__name__": "document"}
    return _PYTHON.sub(replay_code, _CONSOLE.sub(replay_session, text))


def prepared(folder: Path) -> Path:
    """Return the folder with what the documents' examples may read: a text file of one's own."""
    shutil.copy(ROOT / "bandits" / "datasets" / "data" / "names.txt", folder / "mine.txt")
    return folder


@pytest.mark.parametrize(
    "document", [path for path in DOCUMENTS if shows_something(path)], ids=lambda path: path.name
)
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


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_the_documents_lead_somewhere(document: Path) -> None:
    links = _LINK.findall(document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_the_architecture_names_every_module() -> None:
    text = (ROOT / "docs" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    sources = [
        path
        for folder, endings in (("bandits", {".py"}), ("csrc", {".pyx", ".pxd", ".pxi", ".h"}))
        for path in (ROOT / folder).rglob("*")
        if path.suffix in endings and path.name != "__init__.py"
    ]
    names = {path.name if path.suffix != ".py" else path.stem for path in sources}
    assert sorted(name for name in names if not re.search(rf"\b{re.escape(name)}\b", text)) == []


@pytest.mark.parametrize("script", sorted(ROOT.glob("examples/*")), ids=lambda path: path.name)
def test_examples_run(script: Path, tmp_path: Path) -> None:
    runner = "bandits" if script.suffix == ".txt" else f'"{sys.executable}"'
    assert play(f'{runner} "{script}"', tmp_path / "arena", tmp_path)


def main() -> None:
    """Write the outputs in every document anew, and the pictures that its sessions make."""
    import tempfile

    from PIL import Image  # matplotlib brings it

    for document in DOCUMENTS:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["BANDITS_HOME"] = str(Path(folder) / "library")
            text = document.read_text(encoding="utf-8")
            document.write_text(replayed(text, prepared(Path(folder))), encoding="utf-8")
            for picture in Path(folder).glob("*.png"):
                with Image.open(picture) as image:  # fewer colours, half of the bytes
                    image.convert("RGB").quantize(96).save(
                        ROOT / "docs" / "images" / picture.name, optimize=True
                    )


if __name__ == "__main__":
    main()
