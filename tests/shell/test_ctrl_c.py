"""Ctrl-C at random instants at a real terminal: the prompt is back, nothing is lost or half kept."""

from __future__ import annotations

import contextlib
import re
import signal
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bandits.agent.agent import Agent
from bandits.arena.arena import Arena
from bandits.arena.proof import Proof
from bandits.commands import COMMAND_SETS
from bandits.model.energy import Energy
from bandits.shell.app import BanditsShell
from tests.support.shelltools import commands, environment
from tests.support.terminal import Terminal

pexpect = pytest.importorskip("pexpect")
interrupting = pytest.importorskip("tests.support.interrupting")

SEED = 20261122


@pytest.fixture
def terminal(home: Path) -> Iterator[Terminal]:
    """A terminal with agents Ada and B that can train for ever."""
    commands(
        home,
        "create_agent Ada 16 1 4",
        *(f"config schedule constant --agent {name}" for name in ("Ada", "B")),
    )
    opened = Terminal(home)
    yield opened
    opened.process.close(force=True)


def check_books(home: Path) -> None:
    """Assert that what the arena holds is what its agents trained, to the bit and to the operation."""
    with Arena(home) as arena:
        for row in arena.agents():
            kept = arena.agent(row.name)
            record = arena._desk.store.agents.row(row.name)
            ledger = [spent for _, spent in arena._desk.store.agents.ledger(record.id)]
            assert sum(ledger, Energy()) == record.energy
            again = Agent(kept.dataset, kept.config, kept.settings, kept.seed)
            if kept.n_steps:
                again.train_all(kept.n_steps)
            assert again.energy.training == record.energy.training
            state, expected = kept.state(), again.state()
            for ours, theirs in zip(state.arrays().items(), expected.arrays().items(), strict=True):
                assert ours[0] == theirs[0]
                np.testing.assert_array_equal(ours[1], theirs[1], err_msg=ours[0])
    database = sqlite3.connect(home / "arena.db")
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


@pytest.mark.parametrize(
    ("n", "longest"), [(10, 0.1), pytest.param(200, 0.5, marks=pytest.mark.slow)]
)
def test_no_instant_loses_the_prompt_or_a_step(
    home: Path, terminal: Terminal, n: int, longest: float
) -> None:
    """How soon the prompt is back is measured by benchmarks/ctrl_c.py."""
    terminal.wait(r"\nAda>")
    print(interrupting.describe(interrupting.instants(terminal, n, SEED, longest)))
    assert "Traceback" not in terminal.raw
    assert "Exception ignored" not in terminal.raw
    assert terminal.end() == 0
    check_books(home)


def test_it_ends_what_is_in_front_of_the_player_and_no_more(home: Path, terminal: Terminal) -> None:
    (home / "two.txt").write_text("train 100000000\nrename_agent B Bea\n")
    terminal.wait(r"\nAda>")
    asked = terminal.type("delete_agent B\r", r"\[y/N\]")
    assert "were spent?" in asked
    assert "B stays" in terminal.type("\x03", r"\nAda>")
    assert "^C" in terminal.type("switch_agent \t\t\x03", r"\^C\nAda>")
    terminal.send(f"run_script {home / 'two.txt'}", "trains")
    assert "stopped after" in terminal.type("\x03", r"\nAda>")
    assert "called Bea" not in terminal.text  # the rest of the script does not run
    terminal.send("train 100000000", "trains")
    terminal.process.send("\x03\x03\x03\x03")  # whoever presses it more than once loses nothing
    terminal.settle()
    terminal.send("train 2000 --watch 60", "trains")
    terminal.process.send("\x03")
    terminal.settle()
    assert re.search(r"\d +train 2000 --watch 60", terminal.type("history\r", r"\nAda>"))
    assert terminal.end() == 0
    check_books(home)


def test_a_step_that_takes_long_is_said_at_once_and_ends_first(home: Path) -> None:
    commands(home, "create_agent Slow 8 1 2", "config schedule constant", "train 2")
    terminal = Terminal(home, module="tests.support.long_step")
    try:
        terminal.wait(r"\nSlow>")
        terminal.send("train 100000000", "inside")
        terminal.process.send("\x03")
        terminal.wait(
            r"will stop after this step; what was trained is kept[^>]+stopped after [^>]+\nSlow>"
        )
        terminal.send("verify Slow", "inside")
        terminal.process.send("\x03")
        terminal.wait(
            r"proof of Slow will stop after this step[^>]+neither verified nor refuted\nSlow>"
        )
        assert "Slow is now called Snail" in terminal.type("rename_agent Slow Snail\r")
        assert terminal.end() == 0
        check_books(home)
    finally:
        terminal.process.close(force=True)


@pytest.mark.parametrize("line", ["battle A B 100000000", "run_script it.txt"])
def test_a_command_of_the_command_line_ends_with_130_and_what_it_trained(
    home: Path, line: str
) -> None:
    commands(home, *(f"config schedule constant --agent {name}" for name in "AB"))
    (home / "it.txt").write_text("train 100000000\ndelete_agent B --yes\n")
    process = pexpect.spawn(
        sys.executable,
        ["-m", "bandits", "-c", line, "-c", "delete_agent A --yes"],
        env=environment(home),
        encoding="utf-8",
        cwd=str(home),
        timeout=60,
    )
    process.expect("losses|loss")  # of its first frame
    process.sendintr()
    process.expect("stopped")
    process.expect(pexpect.EOF)
    process.close()
    assert process.exitstatus == 130
    with Arena(home) as arena:
        assert [row.name for row in arena.agents()] == ["A", "B"]
        assert arena.agent("A").n_steps > 0
    check_books(home)


@pytest.mark.parametrize(
    ("line", "number"),
    [("train 100000000", signal.SIGHUP), ("train 100000000 --background", signal.SIGTERM)],
)
def test_a_terminal_that_is_closed_keeps_what_was_trained(
    home: Path, terminal: Terminal, line: str, number: signal.Signals
) -> None:
    terminal.wait(r"\nAda>")
    terminal.send(line, "trains")  # in the first frame, or in the answer
    terminal.process.kill(number)
    with contextlib.suppress(pexpect.EOF):
        while terminal.process.isalive():
            terminal.read(1.0)
    terminal.process.wait()
    with Arena(home) as arena:
        assert arena.agent("Ada").n_steps > 0
    check_books(home)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_end_of_a_session_is_heard_where_there_is_no_prompt(
    home: Path, number: signal.Signals
) -> None:
    commands(home, "config schedule constant")
    process = pexpect.spawn(
        sys.executable,
        ["-m", "bandits", "-c", "train 100000000", "-c", "delete_agent B --yes"],
        env=environment(home),
        encoding="utf-8",
        cwd=str(home),
        timeout=60,
    )
    process.expect("loss")  # of its first frame
    process.kill(number)
    process.expect(pexpect.EOF)
    process.close()
    assert process.exitstatus == 128 + number
    with Arena(home) as arena:
        assert [row.name for row in arena.agents()] == ["A", "B"]
        assert arena.agent("A").n_steps > 0
    check_books(home)


def test_a_press_between_two_proofs_ends_the_command(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = BanditsShell(home, COMMAND_SETS)
    proved = []

    def verify(proof: Proof, name: str, **options: object) -> object:
        proved.append(name)
        report = real(proof, name, **options)
        shell.sigint_handler(signal.SIGINT, None)
        return report

    real = Proof.verify
    monkeypatch.setattr(Proof, "verify", verify)
    with pytest.raises(KeyboardInterrupt):
        shell.onecmd_plus_hooks("verify A B", raise_keyboard_interrupt=True)
    shell.close()
    assert proved == ["A"]
    assert "A is verified" in capsys.readouterr().out
