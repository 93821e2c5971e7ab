"""One run of bandits: commands, a script, a pipe, or a player at a terminal."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from bandits.errors import BadFile, BanditsError
from bandits.model.builds import build
from bandits.shell.app import BanditsShell
from bandits.shell.banner import banner
from bandits.store.database import default_home


def run(
    *,
    command_sets: Sequence[type[Any]],
    commands: Sequence[str] | None,
    script: Path | None,
    keep_going: bool,
    with_rc: bool,
) -> int:
    """Run bandits and return its exit code: 0, 1 if a command failed, 130 after Ctrl-C."""
    build()  # raises EngineMissing before anything else is touched
    at_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    interactive = commands is None and script is None and at_terminal
    shell = BanditsShell(
        default_home(), command_sets, interactive=interactive, keep_going=keep_going
    )
    signal.signal(signal.SIGINT, shell.sigint_handler)
    for name in ("SIGTERM", "SIGHUP"):  # which cmd2 hears at the prompt alone
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), shell.termination_signal_handler)
    try:
        if with_rc:
            shell.run_rc()
        if interactive:
            shell.keep_going = False
            shell.poutput(banner(shell), soft_wrap=False)
            shell.cmdloop()
            return shell.exit_code
        try:
            if commands is not None:
                shell.runcmds_plus_hooks(commands)
            elif script is not None:
                shell.run_file(script)
            else:
                shell.run_numbered(_standard_input(shell), "standard input")
        except BanditsError as problem:
            shell.fail(problem)
        given_up = shell.failed and not keep_going
        if not shell.end_jobs(stop=given_up):
            return 130
        job_failed = any(job.error is not None for job in shell.jobs.all())
        return shell.exit_code or int(shell.failed or job_failed)
    except KeyboardInterrupt:
        return 130
    finally:
        shell.end_jobs(stop=True)
        shell.close()


def _standard_input(shell: BanditsShell) -> Iterator[str]:
    for n in count(1):
        with shell.asking():
            line = sys.stdin.buffer.readline()
        if not line:
            return
        try:
            yield line.decode("utf-8-sig" if n == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise BadFile(f"line {n} of standard input is not UTF-8 text") from None
