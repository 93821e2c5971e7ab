"""bandits' own command line: what runs, what stops, and what it exits with."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import bandits as package
from tests.support.shelltools import SECONDS, bandits, commands, environment, quick
from tests.support.telling import MENTIONED, Telling


def test_version_and_help_need_no_engine_and_no_shell(home: Path) -> None:
    for option, pattern in (
        ("--version", rf"^bandits {package.__version__}\n$"),
        ("--help", "usage: "),
    ):
        done = bandits(home, "-h" if option == "--help" else option)
        assert done.returncode == 0
        assert re.search(pattern, done.stdout)
        assert not done.stderr
    program = (
        "import sys, bandits.__main__; print([m for m in ('cmd2', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(home), capture_output=True, check=True
    )
    assert done.stdout == b"[]\n"


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["--xyzzy"], r"unrecognized arguments: --xyzzy; try 'bandits --help'"),
        (["-c"], r"expected one argument"),
        (["battle", "A", "B", "100"], r"no script 'battle'; .* bandits -c \"battle A B 100\""),
        (["nowhere.txt"], r"no script 'nowhere.txt'"),
        ([__file__, "-c", "agents"], r"a script or -c commands, not both"),
        ([__file__, "more"], r"unrecognized arguments: more"),
    ],
)
def test_bad_usage_is_one_line_and_exits_2(home: Path, arguments: list[str], pattern: str) -> None:
    done = quick(home, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(rf"error: .*{pattern}.*\n", done.stderr), done.stderr
    assert not home.exists()


def test_a_missing_engine_is_one_line(home: Path) -> None:
    program = (
        "import sys; sys.modules['bandits.model._engine_base'] = None\n"
        "from bandits.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    for arguments in (["-c", "about"], ["-c", "help", "--keep-going"], []):
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            env=environment(home),
            input="agents\n",
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.count("\n") == 1
        assert "pip install -e ." in done.stderr


def test_a_clone_that_was_never_installed_says_what_to_type(home: Path) -> None:
    clone = Path(package.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-S", "-m", "bandits", "-c", "about"],  # -S: no installed libraries
        cwd=clone,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "pip install -e ." in done.stderr


def test_commands_run_in_order_up_to_the_first_that_fails(home: Path) -> None:
    lines = ["-c", "energy --json", "-c", "xyzzy", "-c", "agents"]
    done = bandits(home, *lines)
    assert done.returncode == 1
    assert '"total": 0' in done.stdout
    assert "shape" not in done.stdout
    done = quick(home, "--keep-going", *lines)
    assert done.returncode == 1
    assert "shape" in done.stdout
    assert done.stderr == "error: no command 'xyzzy' (help lists them)\n"


def test_a_semicolon_separates_commands_and_none_is_dropped(home: Path, tmp_path: Path) -> None:
    printed = commands(home, "switch_agent B; create_agent C 8 1 2 ; agents > list.txt; energy C")
    assert "created C" in printed
    assert "total" in printed
    listed = (tmp_path / "list.txt").read_text()
    assert "▸   C" in listed
    assert commands(home, "shell echo one; echo two") == "one\ntwo\n"
    assert commands(home, 'shell echo "a;b"') == "a;b\n"
    done = quick(home, "-c", "xyzzy; create_agent D", "-c", "create_agent E")
    assert done.returncode == 1
    assert done.stdout == ""
    done = quick(home, "--keep-going", "-c", "xyzzy; create_agent D")
    assert done.returncode == 1
    assert "created D" in done.stdout


def test_a_script_a_pipe_and_run_script_do_the_same(home: Path, tmp_path: Path) -> None:
    script = tmp_path / "match.txt"
    script.write_text("# warm up\n\nswitch_agent B\nenergy --json  \n", encoding="utf-8-sig")
    expected = commands(home, "switch_agent B", "energy --json")
    assert bandits(home, str(script)).stdout == expected
    assert bandits(home, stdin=script.read_bytes()).stdout == expected
    assert commands(home, f"run_script {script}") == expected
    assert commands(home, f"@{script}") == expected


def test_a_script_finds_its_neighbours_wherever_it_is_run(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "inner.txt").write_text("switch_agent B\n")
    (folder / "outer.txt").write_text("@@ inner.txt\nenergy --json\n")
    expected = commands(home, "switch_agent B", "energy --json")
    assert commands(home, "switch_agent A", f"run_script {folder / 'outer.txt'}").endswith(expected)
    (folder / "outer.txt").write_text("run_script inner.txt\n")
    assert "no such file" in quick(home, "-c", f"@@ {folder / 'outer.txt'}").stderr


def test_a_failing_line_of_a_script_is_named_and_ends_it(home: Path, tmp_path: Path) -> None:
    (tmp_path / "inner.txt").write_text("switch_agent B\ntrain abc\nswitch_agent A\n")
    (tmp_path / "outer.txt").write_text("run_script inner.txt\nswitch_agent A\n")
    rule = "steps=abc is not a whole number; try 'train 100'"
    done = quick(home, "outer.txt")
    assert done.returncode == 1
    assert done.stderr == f"error: {rule} (inner.txt, line 2)\n"
    assert '"B"' in commands(home, "energy --json")
    done = quick(home, stdin="switch_agent A\ntrain abc\nswitch_agent B\n")
    assert (done.returncode, done.stderr) == (1, f"error: {rule} (standard input, line 2)\n")
    done = quick(home, "--keep-going", "outer.txt")
    assert done.returncode == 1
    assert '"A"' in commands(home, "energy --json")


def test_scripts_that_cannot_be_run_are_one_line(home: Path, tmp_path: Path) -> None:
    (tmp_path / "latin.txt").write_bytes(b"agents \xe9\n")
    (tmp_path / "again.txt").write_text("run_script again.txt\n")
    for name, pattern in (("latin.txt", "is not UTF-8 text"), ("again.txt", "more than 20 deep")):
        done = quick(home, name)
        assert done.returncode == 1, done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
        assert pattern in done.stderr
    done = quick(home, stdin=b"energy\n\xff\xfe\n")
    assert done.returncode == 1
    assert done.stderr == "error: line 2 of standard input is not UTF-8 text\n"


def test_nothing_to_do_is_done(home: Path) -> None:
    for arguments in (["-c", ""], ["-c", "# only a comment"], ["-c", "quit", "-c", "xyzzy"], []):
        done = quick(home, *arguments, stdin="quit\nxyzzy\n")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_defect_shows_its_traceback_and_exits_1(home: Path) -> None:
    program = (
        "import sys; from bandits import Arena\n"
        "def broken(self): raise ZeroDivisionError('a defect')\n"
        "Arena.agents = broken\n"
        "from bandits.__main__ import main; sys.exit(main(['-c', 'agents', '-c', 'energy']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(home), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Traceback")
    assert "ZeroDivisionError: a defect" in done.stderr


@pytest.mark.parametrize(
    ("line", "trained"), [("train 100000000", ["A"]), ("battle A B 100000000", ["A", "B"])]
)
def test_ctrl_c_stops_a_training_and_keeps_what_was_trained(
    home: Path, line: str, trained: list[str]
) -> None:
    commands(home, *(f"config schedule constant --agent {name}" for name in "AB"))
    telling = Telling(home, "train_steps", line, "xyzzy")
    process = telling.wait_for(2, n_models=len(trained))  # each has trained a chunk
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    assert MENTIONED.fullmatch(errors)
    assert output.startswith("stopped")
    rows = json.loads(commands(home, "agents --json"))
    kept = [row for row in rows if row["n_steps"] > 0 and row["energy"]["training"] > 0]
    assert [row["name"] for row in kept] == trained
    assert all(row["wins"] + row["draws"] + row["losses"] == 0 for row in rows)


def test_ctrl_c_stops_a_long_sample_which_then_costs_nothing(home: Path) -> None:
    commands(home, "create_agent Ada 64 4 4")
    process = Telling(home, "generate", "generate 1000000", "xyzzy").wait_for(1)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, output) == (130, "")
    assert MENTIONED.fullmatch(errors)
    assert json.loads(commands(home, "energy --json"))["total"] == 0


def test_a_reader_that_leaves_early_is_no_error(home: Path) -> None:
    line = f"{sys.executable} -m bandits -c 'history --help' -c help | head -1"
    done = subprocess.run(
        ["sh", "-c", line], env=environment(home), capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1


def test_closed_and_full_streams_are_survived(home: Path) -> None:
    run = f"{sys.executable} -m bandits -c agents"
    for redirection, code in (("<&- >/dev/null", 0), (">&-", 0), (">/dev/full", 1), ("2>&-", 0)):
        done = subprocess.run(
            ["sh", "-c", f"{run} {redirection}"], env=environment(home), capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, (redirection, done)
        assert "Traceback" not in done.stderr, (redirection, done)


def test_an_encoding_without_boxes_still_prints(home: Path) -> None:
    done = bandits(home, "-c", "agents", env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "16/1/4" in done.stdout


def test_output_that_is_not_a_terminal_is_plain(home: Path) -> None:
    for env in ({}, {"NO_COLOR": "1"}, {"TERM": "dumb"}, {"COLUMNS": "40"}):
        done = quick(home, "-c", "help", "-c", "agents", "-c", "help train", env=env)
        assert done.returncode == 0
        assert "\x1b" not in done.stdout
        width = int(env.get("COLUMNS", "80"))
        assert max(map(len, done.stdout.splitlines())) <= width
    assert os.environ["BANDITS_HOME"] == str(home)
