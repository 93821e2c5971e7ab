"""The house: imports point only down, no two files import each other, heavy libraries stay in their place.

Imports for type checkers count like the others: who reads a file has to know what they name.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PACKAGE = ROOT / "bandits"

# A package imports from those above it in this list, and within itself; the ground is flat modules.
GROUND = ("errors", "registry", "wording", "outfile", "version")
PACKAGES = (
    "model",
    "datasets",
    "agent",
    "contest",
    "health",
    "store",
    "arena",
    "pictures",
    "drawing",
    "pages",
    "terminal",
    "shell",
    "tutorial",
    "commands",
)
LEVEL = dict.fromkeys(GROUND, 0) | {name: n for n, name in enumerate(PACKAGES, start=1)}
DOORS = {"__init__": 99, "__main__": 99}  # the library's front door, and the command line's

ONLY_IN = {
    "sqlite3": {"store"},
    "safetensors": {"agent"},
    "openskill": {"contest"},
    "matplotlib": {"drawing"},
    "jinja2": {"pages"},
    "plotille": {"terminal"},
    "rich": {"terminal", "shell", "tutorial", "commands"},
    "cmd2": {"shell", "commands"},
    "prompt_toolkit": {"shell", "commands"},
}
MOST_FILES = 15  # of a folder; of commands, which a player asks for by name, there may be more
MOST_LINES = 400  # some 350 are meant; a facade that documents each call may take a few more


def modules() -> dict[str, Path]:
    """Every file of the package by its dotted name."""
    return {dotted(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(path: Path) -> str:
    """The name in LEVEL that a file belongs to: its package, or the flat module that it is."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    """Every imported dotted name with its line, wherever in the file it is imported."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: imports say the whole name"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def imported_files(path: Path, known: dict[str, Path]) -> set[str]:
    """The files of the package that a file imports: of `from package import name` the module, or the face."""
    found = set()
    for name, _ in imports_of(path):
        if name.partition(".")[0] == "bandits":
            found.add(name if name in known else name.rpartition(".")[0])
    return found - {dotted(path), ""}


def runs_on_import(path: Path, lineno: int) -> bool:
    """Whether a line is in no function, and not for type checkers alone."""
    return not any(
        node.lineno <= lineno <= (node.end_lineno or 0)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    )


def rings(edges: dict[str, set[str]]) -> list[list[str]]:
    """The sets of files that import each other, directly or through others (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in edges[name]:
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            ring = stack[stack.index(name) :]
            del stack[-len(ring) :]
            if len(ring) > 1:
                found.append(sorted(ring))

    for name in edges:
        if name not in index:
            visit(name)
    return found


def test_every_file_has_its_layer() -> None:
    assert {part_of(path) for path in modules().values()} - set(DOORS) == set(LEVEL)


@pytest.mark.parametrize("path", modules().values(), ids=dotted)
def test_imports_point_only_down(path: Path) -> None:
    here = part_of(path)
    level = LEVEL.get(here, DOORS.get(here, 0))
    for name, lineno in imports_of(path):
        parts = name.split(".")
        if parts[0] == "bandits" and parts[1] != here and here not in DOORS:
            assert LEVEL[parts[1]] < max(level, 1), f"{path}:{lineno} imports {name}, above it"


def test_no_files_import_each_other() -> None:
    known = modules()
    assert rings({name: imported_files(path, known) for name, path in known.items()}) == []


def test_a_ring_is_found_where_there_is_one() -> None:
    assert rings({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]


@pytest.mark.parametrize("path", modules().values(), ids=dotted)
def test_libraries_stay_in_their_layer(path: Path) -> None:
    for name, lineno in imports_of(path):
        library = name.split(".")[0]
        if library in ONLY_IN:
            assert part_of(path) in ONLY_IN[library], f"{path}:{lineno} imports {library}"
        if library == "matplotlib":
            assert not runs_on_import(path, lineno), f"{path}:{lineno}: it costs 0.5 s to import"


def test_a_folder_and_a_file_can_be_read_at_a_sitting() -> None:
    folders = Counter(path.parent for path in modules().values() if path.name != "__init__.py")
    crowded = {str(folder): n for folder, n in folders.items() if n > MOST_FILES}
    assert not {name: n for name, n in crowded.items() if not name.endswith("commands")}
    lengths = {str(path): len(path.read_text().splitlines()) for path in modules().values()}
    assert not {name: n for name, n in lengths.items() if n > MOST_LINES}


def test_only_what_talks_to_the_player_prints() -> None:
    for path in modules().values():
        if part_of(path) in ("shell", "__main__"):
            continue
        calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        assert not [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"], path


def test_only_the_model_touches_the_engine() -> None:
    for path in modules().values():
        for name, lineno in imports_of(path):
            if "_engine_" in name:
                assert part_of(path) == "model", f"{path}:{lineno}"


def test_importing_the_library_imports_no_shell_no_pictures_and_no_database() -> None:
    code = (
        "import sys, bandits\n"
        "heavy = {'matplotlib', 'cmd2', 'sqlite3', 'rich', 'safetensors'} & set(sys.modules)\n"
        "sys.exit(f'imported {sorted(heavy)}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_no_module_uses_a_global_random_generator_or_the_clock_for_a_result() -> None:
    forbidden = {"random.random", "random.shuffle", "random.seed", "np.random.seed", "time.time"}
    for path in modules().values():
        if part_of(path) in ("shell", "commands", "__main__"):
            continue
        calls = {
            ast.unparse(n.func)
            for n in ast.walk(ast.parse(path.read_text()))
            if isinstance(n, ast.Call)
        }
        assert not calls & forbidden, f"{path}: {sorted(calls & forbidden)}"


def test_the_repository_knows_no_folder_beside_it() -> None:
    """What lies outside the clone is named by environment variables; .ci/run alone looks for it."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is no git checkout")
    this = Path(__file__).relative_to(ROOT)
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if name in (".ci/run", str(this)) or not path.is_file():
            continue
        assert b"../shared" not in path.read_bytes(), name
