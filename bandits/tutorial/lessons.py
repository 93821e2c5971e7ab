"""The eight steps of the tutorial, in order.

A step's `task` returns a text and the commands to type; its `check` returns Done with the explanation, a
hint, or None if the command had nothing to do with it.  Figures come from the arena, and where something
is measured for an explanation, from copies that cost the player nothing.
"""

from __future__ import annotations

from bandits.tutorial.competing import COMPETING
from bandits.tutorial.learning import LEARNING
from bandits.tutorial.lesson import Done, Lesson, Task

LESSONS: tuple[Lesson, ...] = (*LEARNING, *COMPETING)

__all__ = ["LESSONS", "Done", "Lesson", "Task"]
