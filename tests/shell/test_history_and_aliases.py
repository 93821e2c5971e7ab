"""What the shell remembers: nothing typed is lost, whichever of two sessions ends last."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cmd2.parsing import Macro, MacroArg

from bandits.shell.history_and_aliases import MAX_LINES, Memory
from tests.support.shelltools import commands, environment, quick

NOTHING = {"aliases": {}, "macros": {}}


def test_history_returns_what_was_remembered_in_order(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "home")
    assert memory.history() == []
    memory.remember(["agents", "train 10"])
    memory.remember(["generate 5"])
    assert Memory(tmp_path / "home").history() == ["agents", "train 10", "generate 5"]


def test_history_is_for_its_owner_alone(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.history_path.write_text("agents\n")
    memory.history_path.chmod(0o644)
    memory.remember(["train 1"])
    assert memory.history_path.stat().st_mode & 0o777 == 0o600
    memory.save_changes(NOTHING, {"aliases": {"t": "train 1"}, "macros": {}})
    assert memory.aliases_path.stat().st_mode & 0o777 == 0o600


def test_two_processes_that_type_at_once_lose_no_line(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from bandits.shell.history_and_aliases import Memory\n"
        "memory = Memory(Path(sys.argv[1]))\n"
        "for n in range(300): memory.remember([f'{sys.argv[2]} {n}'])"
    )
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path), name], env=environment(tmp_path)
        )
        for name in ("one", "two")
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    lines = Memory(tmp_path).history()
    for name in ("one", "two"):
        assert [line for line in lines if line.startswith(name)] == [
            f"{name} {n}" for n in range(300)
        ]


def test_history_stays_bounded_and_keeps_the_latest(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.remember(f"train {n:0200d}" for n in range(3000))
    memory.remember(["agents"])
    assert memory.history_path.stat().st_size < 512 * 1024
    lines = memory.history()
    assert len(lines) <= MAX_LINES
    assert lines[-1] == "agents"
    assert lines[-2].endswith("2999")


def test_a_line_that_could_steer_the_terminal_is_not_recalled(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.history_path.write_bytes(b"agents\n\x1b[31mtrain 1\n\xff\xfe\ntrain 2\n")
    assert memory.history() == ["agents", "\ufffd\ufffd", "train 2"]


def test_aliases_of_two_sessions_are_merged(tmp_path: Path) -> None:
    macro = Macro(
        name="go",
        value="train {1}",
        minimum_arg_count=1,
        args=(MacroArg(start_index=6, number_str="1", is_escaped=False),),
    )
    first, second = Memory(tmp_path), Memory(tmp_path)
    first.save_changes(NOTHING, {"aliases": {"a": "agents", "l": "leaderboard"}, "macros": {}})
    second.save_changes(NOTHING, {"aliases": {"g": "generate"}, "macros": {"go": macro}})
    first.save_changes(
        {"aliases": {"a": "agents", "l": "leaderboard"}, "macros": {}},
        {"aliases": {"a": "agents --json"}, "macros": {}},
    )
    assert Memory(tmp_path).aliases() == {
        "aliases": {"a": "agents --json", "g": "generate"},
        "macros": {"go": macro},
    }


@pytest.mark.parametrize("content", ["{", "[]", '{"aliases": {}}', '{"aliases": 1, "macros": {}}'])
def test_an_unreadable_alias_file_is_kept_aside(home: Path, content: str) -> None:
    memory = Memory(home)
    home.mkdir(exist_ok=True)
    memory.aliases_path.write_text(content)
    done = quick(home, "-c", "alias create a agents")
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("warning: the saved aliases could not be read")
    assert memory.aliases_path.with_suffix(".json.broken").read_text() == content
    assert memory.aliases()["aliases"] == {"a": "agents"}


def test_aliases_and_macros_survive_the_process(home: Path) -> None:
    commands(
        home, "alias create who agents --json", 'macro create spar battle {1} {2} 5 --seed "{3}"'
    )
    listed = commands(home, "alias list", "macro list", "who", "spar A B 7")
    assert listed.startswith(
        'alias create who agents --json\nmacro create spar battle {1} {2} 5 --seed "{3}"\n[\n'
    )
    assert "seed 7" in listed
    commands(home, "alias delete who", "macro delete --all")
    assert commands(home, "alias list", "macro list") == ""


def test_an_alias_may_hold_several_commands(home: Path) -> None:
    printed = commands(home, 'alias create both energy A ";" energy B', "both")
    assert "A" in printed
    assert "B" in printed
    assert printed.count("total") == 2


def test_the_rc_file_runs_in_one_shots_quietly_and_its_aliases_stay_its_own(home: Path) -> None:
    home.mkdir(exist_ok=True)
    (home / ".banditsrc").write_text("alias create wrong agents\n")
    (home / "banditsrc").write_text(
        "# mine\nalias create w energy --json\ntrain zero\nset quiet true\n"
    )
    done = quick(home, "-c", "w")
    assert done.returncode == 0
    assert done.stdout.startswith("{")
    assert done.stderr == (
        "error: steps=zero is not a whole number; try 'train 100' (banditsrc, line 3)\n"
    )
    assert not Memory(home).aliases_path.exists()
    assert quick(home, "--no-rc", "-c", "w").returncode == 1
    (home / "banditsrc").unlink()
    assert "no command 'w'" in quick(home, "-c", "w").stderr
