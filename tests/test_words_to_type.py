"""Words to type are the shell's: below it nothing holds a command; an error there has facts."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import cmd2
import pytest

from bandits.commands import COMMAND_SETS
from bandits.model.settings import SETTINGS
from bandits.pictures import PLOTS
from bandits.shell.app import BanditsShell
from tests.test_layers import PACKAGE, dotted, modules, part_of

TALKS = ("shell", "tutorial", "commands", "__main__")  # to the player, in commands


def command_names() -> list[str]:
    """Every command that can be typed: those of the sets, of the shell and of cmd2."""
    known = [name for kind in (*COMMAND_SETS, BanditsShell, cmd2.Cmd) for name in dir(kind)]
    return sorted({name[3:] for name in known if re.match("do_[a-z]", name)})


_NAME = f"(?:{'|'.join(command_names())})"
_SETTING = f"(?:{'|'.join(SETTINGS)})"
_PICTURE = f"(?:{'|'.join(PLOTS)})"
TYPED = {
    "an option": r"(?<![^\s'\"`])--[a-z]",
    "a command in quotes": rf"(?<!\w)['\"`]{_NAME}[ '\"`]",
    "a command to try": rf"\btry {_NAME}\b",
    "a command with what it takes": rf"(?<![\w-]){_NAME} (?:[A-Z]+\b|\d)",
    "a command and its first word": rf"\b(?:config {_SETTING}|visualize {_PICTURE})\b",
    "a command with what is put in": rf"(?:^|[;:] ?){_NAME} {{}}",
    "a command that is no word": rf"(?<!\w)(?=[a-z]+_){_NAME}\b",
    "what a command does": rf"\b{_NAME} (?:lists|removes|shows|warns|writes)\b",
}
_SQL = re.compile(r"\s*(?:ALTER|CREATE|DELETE|INSERT|PRAGMA|SELECT|UPDATE) ")  # nobody reads it


def words_to_type(text: str) -> list[str]:
    """What in a text a player could type, and why it is taken for that."""
    if _SQL.match(text):
        return []
    return [f"{kind}: {found[0]}" for kind, rx in TYPED.items() if (found := re.search(rx, text))]


def strings_of(path: Path) -> Iterator[tuple[int, str]]:
    """Each string of a file with its line, docstrings left out; {} is what is put into it."""
    done: set[ast.AST] = set()
    for node in ast.walk(ast.parse(path.read_text())):  # the outer ones first
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            done.add(node.value)
        elif isinstance(node, ast.JoinedStr):
            done.update(node.values)
            parts = [v.value if isinstance(v, ast.Constant) else "{}" for v in node.values]
            yield node.lineno, "".join(map(str, parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in done:
            yield node.lineno, node.value


BELOW = [path for path in modules().values() if part_of(path) not in TALKS]
TEMPLATES = sorted(PACKAGE.rglob("*.html"))


@pytest.mark.parametrize("path", BELOW, ids=dotted)
def test_nothing_below_the_shell_has_words_to_type(path: Path) -> None:
    for lineno, text in strings_of(path):
        assert words_to_type(text) == [], f"{path}:{lineno}: {text}"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_pages_are_given_the_words_to_type(path: Path) -> None:
    text = re.sub(r"{{.*?}}|{%.*?%}", "{}", path.read_text(), flags=re.DOTALL)
    assert words_to_type(re.sub(r"<[^>]*>", " ", text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "agent {} has no loss yet; try 'train 100 {}'",
        "; try config horizon {} or config schedule constant",
        "{} has reached its horizon of {} steps: config horizon {} --agent {}",
        "is not a safetensors file; `save` writes champions",
        "match {} was fought before matches kept their curves; battle {} {} again to see a race",
        "layer {}, the last of {}; --layer 0 shows the first",
        "visualize loss A B",
        "battle {} {} {} --seed {}",
        "create_agent {} {} {} {}",
        "train {} {}",
        "no dataset or file '{}'{} (dataset lists them)",
        "agent '{}' is damaged in the arena ({}); delete_agent removes it",
        "champion '{}' learned a dataset which is not here; open its text first: dataset FILE",
        "no window can be opened here: {}; leave --show out, or try --terminal",
        "no agent of {} has spent energy yet; try 'train 100'",
        "a lower rate helps: config learning_rate 0.001",
    ],
)
def test_words_to_type_are_found_where_there_are_any(text: str) -> None:
    assert words_to_type(text)


@pytest.mark.parametrize(
    "text",
    [
        "nothing to train: it has reached its horizon of {} steps, where the learning rate is 0",
        "n_embd={} is not divisible by n_head={}; try {}",
        "dataset '{}' is not split, so nothing can be judged by it; load it with split='ruleset-1'",
        "agent name '{}' must be a letter followed by at most 31 letters; try Ada or net-64",
        "score against energy, and the front",
        "the training losses of both agents, step by step: {}",
        "SELECT name FROM agents WHERE id = ?",
        "var(--c-{})",
    ],
)
def test_what_only_looks_like_a_command_is_none(text: str) -> None:
    assert words_to_type(text) == []
