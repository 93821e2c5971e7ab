"""The shell stands on the public names of cmd2, so that its next version does not break what nobody sees.

A private name of cmd2, or of argparse below it, is one that begins with an underscore in their source.  To
override one by chance is as bad as to call it, so definitions count too.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import cmd2

from tests.support.paths import ROOT
from tests.test_layers import modules

# Where the shell leans on one: the name, and the file whose docstring says why and in which version.
LISTED = {"_actions": "bandits.shell.parsing"}


def private(name: str) -> bool:
    return name.strip("_") != "" and name.startswith("_") and not name.startswith("__")


def private_names(tree: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Every private name in a piece of source that is read, set, defined, imported or spelled out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name = node.attr
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.alias)):
            name = node.name
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            name = node.value if node.value.isidentifier() else ""
        else:
            continue
        if private(name):
            yield name, node


@cache
def theirs() -> frozenset[str]:
    """The private names of cmd2 and of argparse, as they are installed."""
    files = [*Path(cmd2.__file__).parent.glob("*.py"), Path(argparse.__file__)]
    return frozenset(
        name for file in files for name, _ in private_names(ast.parse(file.read_text("utf-8")))
    )


def of_our_own(module: str, tree: ast.Module) -> set[ast.AST]:
    """What stands in the classes of a file that inherit nothing of theirs: there a name is ours."""
    loaded = importlib.import_module(module)
    found: set[ast.AST] = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            bases = {
                base.__module__.split(".")[0] for base in inspect.getmro(getattr(loaded, node.name))
            }
            if not bases & {"cmd2", "argparse"}:
                found |= {
                    inner
                    for inner in ast.walk(node)
                    if isinstance(inner, ast.FunctionDef)
                    or (isinstance(inner, ast.Attribute) and ast.unparse(inner.value) == "self")
                }
    return found


def used() -> set[tuple[str, str]]:
    """Each private name of theirs that a file uses which may know cmd2, with the file."""
    found = set()
    for module, path in modules().items():
        if module.split(".")[1:2] not in (["shell"], ["commands"], ["tutorial"], ["__main__"]):
            continue
        tree = ast.parse(path.read_text())
        own = of_our_own(module, tree)
        found |= {
            (name, module)
            for name, node in private_names(tree)
            if name in theirs() and node not in own
        }
    return found


def test_every_private_name_of_cmd2_is_listed_with_its_reason() -> None:
    assert used() == set(LISTED.items())
    for name, module in LISTED.items():
        source = modules()[module].read_text()
        users = [
            node
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.FunctionDef) and any(n == name for n, _ in private_names(node))
        ]
        assert len(users) == 1, f"{name} is used in one function"
        assert "cmd2 4." in (ast.get_docstring(users[0]) or ""), (
            f"{name}: the version it was seen in"
        )


def test_what_is_listed_is_there_in_the_installed_version() -> None:
    assert set(LISTED) <= theirs()


def test_tests_and_tools_use_none_but_what_they_define() -> None:
    this = Path(__file__)
    for folder in ("tests", "tools", "benchmarks", "examples"):
        for path in (ROOT / folder).rglob("*.py"):
            found = list(private_names(ast.parse(path.read_text())))
            own = {
                name for name, node in found if isinstance(node, (ast.FunctionDef, ast.ClassDef))
            }
            foreign = {name for name, _ in found} & theirs() - own
            assert path == this or not foreign, f"{path}: {sorted(foreign)}"


def test_no_stack_frame_is_looked_into() -> None:
    """Neither to recognise an error by where it comes from, nor to find who called."""
    for module, path in modules().items():
        names = {
            n.attr for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Attribute)
        }
        found = names & {
            "extract_tb",
            "extract_stack",
            "tb_frame",
            "f_back",
            "f_code",
            "f_globals",
            "f_locals",
            "co_name",
            "_getframe",
            "currentframe",
        }
        assert not found, f"{module}: {sorted(found)}"


def test_a_private_name_is_found_where_there_is_one() -> None:
    tree = ast.parse(
        "class App(Cmd):\n def _cmdloop(self): self._script_dir.append(getattr(self, '_in_py'))"
    )
    assert (
        {name for name, _ in private_names(tree)}
        == {"_cmdloop", "_script_dir", "_in_py"}
        <= theirs()
    )
