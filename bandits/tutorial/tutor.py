"""The tutorial's course: where a player stands, kept in the arena's home; and the command `tutorial`.

It looks at the arena after each command and speaks when something came of it.  Nothing of it is
loaded, and no command is slower, while no tutorial is under way.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from rich.box import ROUNDED
from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from bandits.errors import BanditsError, StoreError
from bandits.outfile import replace_file
from bandits.shell.advice import in_full

if TYPE_CHECKING:
    from bandits.shell.app import BanditsShell
    from bandits.tutorial.lessons import Done, Task
    from bandits.tutorial.situation import Place, Situation

FILE_NAME = "tutorial.json"
_WIDEST = 80


class Tutor:
    """The tutorial of one shell."""

    def __init__(self, shell: BanditsShell) -> None:
        from bandits.tutorial.situation import Place

        self._shell = shell
        self._path = shell.home / FILE_NAME
        self.place: Place = self._read() or Place()

    @property
    def step(self) -> int:
        """The number of the step, from 1; one more than there are steps after the last."""
        return self.place.step + 1

    def notice(self, command: str) -> None:
        """Look at what a command came to; `command` is its first word, empty if it did not succeed.

        Whatever hinders it is said in a line, and the command has succeeded all the same.
        """
        if command == "tutorial" or not self._has_more():
            return
        try:
            self._check(command)
            self._write()
        except BanditsError as problem:  # an agent that trains in the background, a full disk
            self._remark(in_full(problem))

    def _check(self, command: str) -> None:
        from bandits.tutorial.lessons import LESSONS, Done

        lesson = LESSONS[self.place.step]
        found = lesson.check(self._situation(command))
        if isinstance(found, Done):
            title = f"step {self.step} of {len(LESSONS)} done: {lesson.title}"
            self._turn_to(self.place.step + 1)
            self.place.on = self._has_more()
            self._say(title, _explanation(found), "green")
            self.show()
        elif found:
            self._remark(found)

    def _remark(self, text: str) -> None:
        self._shell.poutput(Text(f"tutorial: {text}", style="yellow"), soft_wrap=False)

    def show(self) -> None:
        """Show the current step."""
        from bandits.tutorial.lessons import LESSONS

        if not self._has_more():
            self._shell.poutput(
                Text("that was the tutorial, all of it; tutorial restart begins again"),
                soft_wrap=False,
            )
            return
        lesson = LESSONS[self.place.step]
        self._say(
            f"Tutorial {self.step}/{len(LESSONS)}: {lesson.title}",
            _exercise(lesson.task(self._situation(""))),
            "cyan",
        )

    def reminder(self) -> Text:
        """Return the line that greets a player who left in the middle."""
        from bandits.tutorial.lessons import LESSONS

        text = f"tutorial: step {self.step} of {len(LESSONS)} waits; tutorial shows it, tutorial off ends it"
        return Text(text, style="yellow")

    def begin(self) -> None:
        """Speak from now on, from where the player stands."""
        self.place.on = self._has_more()
        if self.place.on:
            self._situation("")  # what is there now is not the player's doing of this step
        self._write()

    def move(self, action: str) -> None:
        """Do what `tutorial ACTION` asks for, except off."""
        from bandits.tutorial.lessons import LESSONS
        from bandits.tutorial.situation import Place

        if action == "restart":
            self.place = Place()
        else:
            step = self.place.step + (1 if action == "skip" else -1)
            self._turn_to(min(max(step, 0), len(LESSONS)))
        self.begin()

    def stop(self) -> None:
        """Be silent until it is asked for again."""
        self.place.on = False
        self._write()

    def _has_more(self) -> bool:
        from bandits.tutorial.lessons import LESSONS

        return self.place.step < len(LESSONS)

    def _turn_to(self, step: int) -> None:
        self.place.step, self.place.base = step, {}
        self._situation("")

    def _situation(self, command: str) -> Situation:
        from bandits.tutorial.situation import Situation

        return Situation.now(self._shell.arena, self.place, command)

    def _say(self, title: str, body: Group, colour: str) -> None:
        width = min(self._shell.width, _WIDEST)
        if len(title) > width - 6:  # the frame would cut it
            title, _, rest = title.partition(": ")
            body = Group(Text(rest, style="bold"), body)
        self._shell.poutput(
            Panel(
                body,
                title=Text(title, style=f"bold {colour}"),
                title_align="left",
                border_style=colour,
                box=ROUNDED,
                width=width,
            ),
            soft_wrap=False,
        )

    # ------------------------------------------------------------------ the file

    def _read(self) -> Place | None:
        from bandits.tutorial.lessons import LESSONS
        from bandits.tutorial.situation import Place

        try:
            place = Place.from_dict(json.loads(self._path.read_text("utf-8")))
        except (OSError, ValueError, RecursionError):  # none yet, or not ours: begin anew
            return None
        return place if 0 <= place.step <= len(LESSONS) else None

    def _write(self) -> None:
        """Keep the place; a torn or a full disk leaves the older one.  Raises StoreError."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._path, json.dumps(self.place.as_dict()).encode())
        except OSError as problem:
            raise StoreError(
                f"the place in the tutorial cannot be kept: {problem.strerror}"
            ) from None


def under_way(home: Path) -> bool:
    """Whether a tutorial was begun in this home and not ended, by a glance at its file."""
    try:
        return '"on": true' in (home / FILE_NAME).read_text("utf-8")
    except (OSError, ValueError):
        return False


def _explanation(done: Done) -> Group:
    return Group(*(Text(paragraph) for paragraph in done.paragraphs))


def _exercise(task: Task) -> Group:
    lines = [Text(task.text)]
    for n, command in enumerate(task.commands):
        lead = "type  " if n == 0 else "then  "
        lines.append(Text.assemble((lead, "dim"), (command, "bold cyan")))
    return Group(*lines)
