"""Imports point only down, and heavy libraries stay where they belong."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import bandits

PACKAGE = Path(bandits.__file__).parent

# A module may import from its own layer's list of modules and from every layer below it.
LAYERS: list[set[str]] = [
    {"errors", "registry", "wording", "outfile"},
    {"_engine_avx512", "_engine_avx2", "_engine_base"},
    {"engine"},
    {"exact", "schedules"},
    {"config", "energy", "datasets"},
    {"history", "seeding", "model", "results", "course"},
    {"agent", "agentstate"},
    {"replay"},
    {"ngrams", "judge", "rules", "battle", "ratings", "leaderboard", "health", "reports"},
    {"store", "matches", "schema", "database", "keep", "champion"},
    {"arena", "sight", "records", "roster", "states", "library"},
    {"plots"},
    {"pages"},
    {"shell", "__main__"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}

ONLY_IN = {
    "cmd2": {"shell"},
    "rich": {"shell"},
    "plotille": {"shell"},
    "matplotlib": {"plots"},
    "sqlite3": {"store", "database", "schema", "keep"},
    "safetensors": {"champion"},
    "openskill": {"ratings"},
    "jinja2": {"pages"},
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    """The name in the table that a file belongs to: its module, or the package it is in."""
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[tuple[str, int]]:
    """Every imported dotted name that runs, with its line; those for type checkers do not run."""
    tree = ast.parse(path.read_text())
    package = ["bandits", *path.relative_to(PACKAGE).parent.parts]
    skipped = {
        id(node)
        for guard in ast.walk(tree)
        if isinstance(guard, ast.If) and "TYPE_CHECKING" in ast.unparse(guard.test)
        for statement in guard.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            for alias in node.names:
                yield (
                    ".".join([*base, node.module or "", alias.name]).replace("..", "."),
                    node.lineno,
                )


def inside_function(path: Path, lineno: int) -> bool:
    return any(
        isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.lineno <= lineno <= (node.end_lineno or 0)
        for node in ast.walk(ast.parse(path.read_text()))
    )


def test_every_module_has_its_layer() -> None:
    assert {part_of(path) for path in modules()} - {"__init__"} <= set(LEVEL)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_only_down(path: Path) -> None:
    here = part_of(path)
    if here == "__init__":
        return  # the library's front door names what it offers
    for name, lineno in imports_of(path):
        parts = name.split(".")
        if parts[0] == "bandits" and len(parts) > 1 and parts[1] in LEVEL:
            assert LEVEL[parts[1]] <= LEVEL[here], f"{path.name}:{lineno} imports {name}, above it"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_libraries_stay_in_their_layer(path: Path) -> None:
    for name, lineno in imports_of(path):
        library = name.split(".")[0]
        if library in ONLY_IN:
            assert part_of(path) in ONLY_IN[library], f"{path.name}:{lineno} imports {library}"
        if library == "matplotlib":
            assert inside_function(path, lineno), f"{path.name}:{lineno}: it costs 0.5 s to import"


def test_only_the_shell_prints() -> None:
    for path in modules():
        if part_of(path) in ("shell", "__main__"):
            continue
        calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        assert not [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"], path


def test_only_the_model_touches_the_engine() -> None:
    for path in modules():
        for name, lineno in imports_of(path):
            if "_engine_" in name:
                assert part_of(path) == "engine", f"{path.name}:{lineno}"


def test_importing_the_library_imports_no_shell_no_plots_and_no_database() -> None:
    code = (
        "import sys, bandits\n"
        "heavy = {'matplotlib', 'cmd2', 'sqlite3', 'rich', 'safetensors'} & set(sys.modules)\n"
        "sys.exit(f'imported {sorted(heavy)}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_no_module_uses_a_global_random_generator_or_the_clock_for_a_result() -> None:
    forbidden = {"random.random", "random.shuffle", "random.seed", "np.random.seed", "time.time"}
    for path in modules():
        if part_of(path) in ("shell", "__main__"):
            continue
        calls = {
            ast.unparse(n.func)
            for n in ast.walk(ast.parse(path.read_text()))
            if isinstance(n, ast.Call)
        }
        assert not calls & forbidden, f"{path.name}: {sorted(calls & forbidden)}"
