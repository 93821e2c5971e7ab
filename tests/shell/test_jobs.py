"""Trainings in the background: the same bytes, one agent at a time, nothing lost whatever ends them."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bandits.arena.arena import Arena
from bandits.errors import InvalidValue, UnknownName
from bandits.shell import jobs as module
from bandits.shell.alerts import ending
from bandits.shell.jobs import Busy, Job, Jobs
from tests.shell.test_ctrl_c import check_books
from tests.support.shelltools import commands, environment, quick
from tests.support.terminal import Terminal

FOREVER = 100_000_000
SECONDS = 20.0


@pytest.fixture
def table(home: Path) -> Iterator[Jobs]:
    """The jobs of a fresh arena whose agents can train for ever; `ended` lists those that have."""
    with Arena(home) as arena:
        for name in ("A", "B"):
            arena.set_setting("schedule", "constant", name)
    jobs = Jobs(home, lambda job: None)
    yield jobs
    for job in jobs.running():
        job.stop.set()
        assert job.ended.wait(SECONDS)


def _stopped(job: Job) -> Job:
    job.stop.set()
    assert job.ended.wait(SECONDS)
    return job


def test_a_job_trains_what_train_does_to_the_byte(
    home: Path, table: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "INSTALMENT_SECONDS", 0.01)  # so that it is kept in many pieces
    job = table.train("A", 20_000)
    assert job.ended.wait(SECONDS)
    row = job.row()
    assert (row.state, row.n_done, row.error) == ("done", 20_000, None)
    with Arena(home) as arena:
        assert len(arena._desk.store.agents.ledger(arena._desk.store.agents.row("A").id)) > 2
        assert arena.energy("A").training == row.n_flops
        assert arena.agent("A").n_steps == 20_000
    check_books(home)


def test_jobs_run_side_by_side_on_different_agents_only(home: Path, table: Jobs) -> None:
    first, second = table.train("A", FOREVER), table.train("B", FOREVER)
    with pytest.raises(Busy, match=r"agent 'A' is training in the background \(job 1\)"):
        table.train("A", 10)
    assert [job.number for job in table.running()] == [1, 2]
    rows = [_stopped(job).row() for job in (first, second)]
    assert [row.state for row in rows] == ["stopped", "stopped"]
    with Arena(home) as arena:
        for row in rows:
            assert arena.agent(row.agents[0]).n_steps == row.n_done > 0
            assert arena.energy(row.agents[0]).training == row.n_flops
    table.check_free(["A", "B"])


@pytest.mark.parametrize(
    ("name", "n_steps", "error"),
    [("Nobody", 10, UnknownName), ("A", 0, InvalidValue), ("A", -3, InvalidValue)],
)
def test_what_cannot_begin_is_refused_at_once(
    table: Jobs, name: str, n_steps: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        table.train(name, n_steps)
    assert table.all() == []


def test_there_are_not_more_than_a_few_at_once(home: Path, table: Jobs) -> None:
    with Arena(home) as arena:
        for n in range(module.MAX_JOBS):
            arena.clone_agent("A", f"A{n}")
    for n in range(module.MAX_JOBS):
        table.train(f"A{n}", FOREVER)
    with pytest.raises(InvalidValue, match="wait, or stop one"):
        table.train("A", 10)


def test_what_another_process_changed_meanwhile_ends_the_job_and_stays(
    home: Path, table: Jobs
) -> None:
    job = table.train("A", FOREVER)
    with Arena(home) as arena:
        arena.set_setting("learning_rate", "0.5", "A")
        row = _stopped(job).row()
        assert row.state == "failed"
        assert "changed by another bandits" in (row.error or "")
        assert (row.n_done, row.n_flops) == (0, 0)
        assert (arena.agent("A").n_steps, arena.energy("A").total) == (0, 0)
        assert arena.settings("A").learning_rate == 0.5


def test_an_explosion_ends_the_job(home: Path, table: Jobs) -> None:
    with Arena(home) as arena:
        arena.set_setting("learning_rate", "1e30", "A")
        job = table.train("A", 5000)
        assert job.ended.wait(SECONDS)
        assert job.state == "exploded"
        assert arena.agent("A").diverged
        assert "exploded" in str(ending(job))


def test_a_kill_leaves_a_whole_state(home: Path) -> None:
    commands(home, *(f"config schedule constant --agent {name}" for name in "AB"))
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom bandits.shell import jobs\n"
        "jobs.INSTALMENT_SECONDS = 0.02\n"
        "table = jobs.Jobs(Path(sys.argv[1]), print)\n"
        "[table.train(name, 10**8) for name in 'AB']\nprint('begun', flush=True)\ntime.sleep(600)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(home)],
        env=environment(home),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    with Arena(home) as arena:
        while min(row.n_steps for row in arena.agents()) == 0:  # until both have kept an instalment
            assert process.poll() is None
            time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with Arena(home) as arena:
        assert min(row.n_steps for row in arena.agents()) > 0  # of instalments before
    check_books(home)


# ---- as commands ---------------------------------------------------------------------------------


def test_every_command_that_touches_a_busy_agent_refuses(home: Path) -> None:
    touching = [
        "train 5",
        "train 5 A",
        "train 5 --background",
        "battle A B 5",
        "battle B A 5",
        "generate",
        "evaluate A",
        "diagnose",
        "visualize loss A",
        "config learning_rate 0.5",
        "config learning_rate 0.5 --agent A",
        "save x.safetensors",
        "clone_agent A A2",
        "rename_agent A Ada",
        "delete_agent A --yes",
    ]
    harmless = ["agents", "leaderboard", "about", "energy", "config", "jobs", "train 5 B"]
    lines = ["config schedule constant", f"train {FOREVER} --background", *touching, *harmless]
    lines += ["stop all", "jobs --json"]
    done = quick(home, "--keep-going", *(word for line in lines for word in ("-c", line)))
    errors = done.stderr.splitlines()
    assert len(errors) == len(touching), done.stderr
    assert set(errors) == {
        "error: agent 'A' is training in the background (job 1); wait, or stop it: stop 1"
    }
    assert "as it was last kept; job 1: A" in done.stdout
    (row,) = json.loads(done.stdout[done.stdout.rindex("\n[\n") :])
    assert row["state"] == "stopped"


def test_a_script_waits_for_its_jobs_and_says_how_they_ended(home: Path) -> None:
    printed = commands(
        home, "train 900 --background", "train 700 B --background", "jobs --wait", "battle A B 5"
    )
    assert "A trained 900 steps" in printed
    assert "B trained 700 steps" in printed
    assert "Battle 1" in printed
    printed = commands(home, "config schedule constant", "train 40000 --background", "jobs")
    assert printed.rstrip().splitlines()[-2].startswith("job 1: A trained 40,000 steps")
    assert json.loads(commands(home, "agents --json"))[0]["n_steps"] == 40_905


def test_a_script_that_fails_stops_its_jobs_and_keeps_them(home: Path) -> None:
    lines = ["config schedule constant", f"train {FOREVER} --background", "xyzzy"]
    done = quick(home, *(word for line in lines for word in ("-c", line)))
    assert done.returncode == 1
    assert re.search(r"job 1: A stopped after [\d,]+ of 100,000,000 steps", done.stdout)
    check_books(home)


def test_ctrl_c_while_a_script_waits_stops_its_jobs_and_keeps_them(home: Path) -> None:
    arguments = ["-c", "config schedule constant", "-c", f"train {FOREVER} --background"]
    process = subprocess.Popen(
        [sys.executable, "-m", "bandits", *arguments],
        env=environment(home),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while "in the background" not in process.stdout.readline():
        pass
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    assert process.wait(SECONDS) == 130
    assert "job 1: A stopped after" in process.stdout.read()
    check_books(home)


@pytest.mark.parametrize("line", ["stop", "stop 7", "stop x", "stop all all", "jobs 3"])
def test_bad_words_are_one_line(home: Path, line: str) -> None:
    done = quick(home, "-c", line)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_at_a_terminal_a_bar_shows_progress_and_an_alert_the_end(home: Path) -> None:
    commands(home, *(f"config schedule constant --agent {name}" for name in "AB"))
    terminal = Terminal(home, answers=True)
    try:
        terminal.wait(r"\nA>")
        terminal.type(f"train {FOREVER} --background\r", r"\nA>\n+ job 1: A 0%, loss .* left")
        terminal.type("train 30000 B --background\r", r"now at step 30,000 .*\nA>\n+ job 1: A .*")
        assert "job 2: B trained 30,000 steps" in terminal.text
        terminal.type("half a li", r"\nA> half a li\n+ job 1: A .*")
        terminal.type("\x15generate\r", r"stop it: stop\s1\nA>\n+ job 1: A .*")
        assert "A stopped after" in terminal.type("stop 1\r", r"\nA>")
        terminal.type(f"train {FOREVER} --background\r", r"\nA>\n+ job 3: A 0%, loss .* left")
        assert terminal.end() == 0
        check_books(home)
    finally:
        terminal.process.close(force=True)


def test_a_script_whose_job_fails_exits_1(home: Path) -> None:
    rival = f"{sys.executable} -m bandits -c 'config learning_rate 0.5 --agent A' > other.txt"
    lines = ["config schedule constant", f"train {FOREVER} --background", f"shell {rival}"]
    lines += ["stop all"]
    done = quick(home, *(word for line in lines for word in ("-c", line)))
    assert done.returncode == 1
    assert "job 1: A failed after 0 of 100,000,000 steps" in done.stdout
    with Arena(home) as arena:
        assert (arena.agent("A").n_steps, arena.settings("A").learning_rate) == (0, 0.5)
