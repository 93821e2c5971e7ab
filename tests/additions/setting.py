"""A setting of agents: a share of the learning rate that is held back."""

from __future__ import annotations

import json
import re

from tests.support.additions import (
    PLAY_ON,
    Addition,
    Copy,
    both,
    check_config,
    completing,
    replaced,
)

COURSES = """
import json
from bandits.agent.course import course_as_dict
from bandits.arena.arena import Arena
with Arena() as arena:
    print(json.dumps([course_as_dict(arena.agent(name).course)["segments"] for name in ("A", "B")]))
"""


def use(copy: Copy) -> None:
    text = copy.bandits(
        "config",
        "help damping",
        "config damping 0.25",
        "config learning_rate 0.02",
        "train 30",
        "config damping default",
        "train 30",
        "verify A",
        "save Ada",
        "load Ada --as Twin",
        "verify Ada.safetensors Twin",
        "battle Twin B 20",
        "verify 1",
        "config --json",
    )
    assert re.search(r"damping +0\.0 +share of the learning rate that is held back", text)
    assert "allowed: a number, 0 to 1" in text
    assert "A: damping = 0.0 → 0.25" in text
    assert "learning rate now 0.01455" in text  # (1 - 0.25) * 0.02 * (1 - 30 / 1000)
    assert text.count(" verified: ") == 4
    tab = completing("config dam", "config damping ")
    courses, (keys, values) = map(json.loads, copy.python(COURSES + tab + PLAY_ON).splitlines())
    assert courses == [
        [
            {"first_step": 0, "learning_rate": 0.02, "damping": 0.25},
            {"first_step": 30, "damping": 0.0},
        ],
        [{"first_step": 0}],
    ]
    assert (keys, values) == (["damping"], ["0", "0.5", "default"])
    check_config(copy, text)
    assert "| `damping` | number |" in (copy.folder / "docs" / "JSON.md").read_text("utf-8")


ADDITION = Addition(
    title="a setting of agents",
    file="bandits/model/settings.py",
    edit=both(
        replaced(
            "    temperature: float = _setting(\n",
            "    damping: float = _setting(\n"
            "        0.0,\n"
            "        Number(at_least=0.0, at_most=1.0),\n"
            '        "share of the learning rate that is held back",\n'
            '        usual=("0", "0.5"),\n'
            "    )\n"
            "    temperature: float = _setting(\n",
        ),
        replaced(
            "        return schedules.learning_rates(\n",
            "        return (1.0 - self.damping) * schedules.learning_rates(\n",
        ),
    ),
    use=use,
)
