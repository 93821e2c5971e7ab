"""What bandits says of itself outside the game: --help, completion for shells, and the man page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bandits.__main__ import EXIT_CODES, command_line_parser
from bandits.shell.parsing import actions_of
from tests.support.paths import ROOT
from tests.support.shelltools import SECONDS, environment, quick

PAGE = ROOT / "docs" / "bandits.1"


def needs(program: str) -> str:
    """The path of a program; a test that wants it is skipped without it."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    return path


def completion(home: Path, shell: str) -> str:
    pytest.importorskip("shtab")
    done = quick(home, "--print-completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_help_is_complete_and_fits(home: Path) -> None:
    done = quick(home, "--help")
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    for action in actions_of(command_line_parser()):
        assert all(option in done.stdout for option in action.option_strings)
        assert action.help
    for title in ("examples:", "exit codes:", "environment:", "files:"):
        assert title in lines
    assert all(re.search(rf"^  {code} ", done.stdout, re.M) for code in EXIT_CODES)


def test_tab_in_bash_completes_options_files_and_commands(home: Path, tmp_path: Path) -> None:
    pexpect = pytest.importorskip("pexpect")
    bash = needs("bash")
    script = tmp_path / "completion.bash"
    script.write_text(completion(home, "bash"))
    (tmp_path / "contest.txt").write_text("agents\n")
    terminal = pexpect.spawn(
        bash, ["--norc", "--noprofile", "-i"], cwd=str(tmp_path), encoding="utf-8", timeout=SECONDS,
        env={**environment(home), "PS1": "ready> ", "INPUTRC": "/dev/null"},
    )  # fmt: skip
    terminal.expect("ready> ")
    terminal.sendline(f"bind 'set enable-bracketed-paste off'; source {script}; bandits() {{ :; }}")
    terminal.expect("ready> ")
    for typed, completed in (
        ("bandits --kee", "--keep-going "),
        ("bandits --print-completion ba", "--print-completion bash "),
        ("bandits -c leader", "-c leaderboard "),
        ("bandits conte", "contest.txt"),
    ):
        terminal.send(typed + "\t")
        terminal.expect(re.escape(completed))
        terminal.send("\x15\r")
        terminal.expect("ready> ")
    terminal.close(force=True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_each_shell_reads_its_script(home: Path, tmp_path: Path, shell: str) -> None:
    program = needs(shell)
    script = tmp_path / f"completion.{shell}"
    script.write_text(completion(home, shell))
    load = f"source {script}"
    if shell == "zsh":
        load = f'autoload -U compinit && compinit -u && eval "$(cat {script})"'
    quiet = ["-f"] if shell != "bash" else ["--norc"]
    done = subprocess.run(
        [program, *quiet, "-c", load], env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_a_shell_that_is_unknown_is_one_line(home: Path) -> None:
    done = quick(home, "--print-completion", "cmd")
    assert done.returncode == 2
    assert re.fullmatch(r"error: .*invalid choice: 'cmd'.*\n", done.stderr)


def test_the_man_page_is_made_of_the_parser() -> None:
    pytest.importorskip("argparse_manpage")
    done = subprocess.run(
        [sys.executable, "-c", "import man_page; print(man_page.page(), end='')"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tools")])},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert PAGE.read_text("utf-8") == done.stdout, "python tools/man_page.py makes it anew"


def test_the_man_page_is_rendered_without_a_warning() -> None:
    groff = needs("groff")
    done = subprocess.run(
        [groff, "-man", "-ww", "-Tutf8", str(PAGE)], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    text = re.sub(r"\x1b\[[0-9;]*m|.\x08", "", done.stdout)
    for action in actions_of(command_line_parser()):
        if action.option_strings and action.dest != "help":
            assert action.option_strings[-1] in text
    assert 'bandits -c "battle A B 100"' in text


def test_man_finds_the_page_where_an_installation_puts_it(tmp_path: Path) -> None:
    man = needs("man")
    folder = tmp_path / "share" / "man" / "man1"  # as [tool.setuptools.data-files] says
    folder.mkdir(parents=True)
    shutil.copy(PAGE, folder)
    done = subprocess.run(
        [man, "-M", str(tmp_path / "share" / "man"), "bandits"],
        env={**os.environ, "MANPAGER": "cat", "MANWIDTH": "80"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "BANDITS(1)" in done.stdout
