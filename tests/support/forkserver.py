"""A process that has imported bandits, and forks one process for each run of it.

A run is a process of its own, with its own arguments, environment, folder and standard streams; only the
half second of imports is shared.  Requests and exit codes are lines of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any


def serve() -> None:
    """Answer requests until standard input ends."""
    import bandits.shell.run  # noqa: F401  (imported once, for all runs)
    from bandits import datasets
    from bandits.contest.judge import judge_for

    judge_for(datasets.load("names"))
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            run(request)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def run(request: dict[str, Any]) -> None:
    """Be `python -m bandits` with the request's arguments, and exit."""
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    for target, (path, flags) in enumerate(request["streams"]):
        descriptor = os.open(path, flags)
        os.dup2(descriptor, target)
        os.close(descriptor)
    encoding = request["env"]["PYTHONIOENCODING"]
    # The streams live as long as the process: nothing is to be closed.
    sys.stdin = open(0, encoding=encoding, closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding=encoding, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding=encoding, closefd=False)  # noqa: SIM115
    code: object = 1
    try:
        from bandits.__main__ import main

        code = main(request["arguments"])
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    serve()
