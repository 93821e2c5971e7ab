"""Two learning-rate schedules: one that ends at the horizon, and one that never does."""

from __future__ import annotations

import json
import re

from tests.support.additions import Addition, Copy, check_config, completing, replaced


def use(copy: Copy) -> None:
    text = copy.bandits(
        "help schedule",
        *(f"config horizon 20 --agent {name}" for name in ("A", "B")),
        "config schedule square",
        "train 50",
        "config schedule root --agent B",
        "train 50 B",
        "diagnose B",
        "verify A B",
        "battle A B 10",
        "visualize schedule A B --terminal",
        "config --json --agent B",
    )
    assert "linear, cosine, square (all fall to 0 at the horizon), constant or root" in text
    assert "A is at step 20" in text
    assert text.count("the schedule is complete: at the horizon of 20 steps") == 1
    assert "B is at step 50" in text
    assert "learning rate now 0.005345" in text  # 0.01 / sqrt(1 + 50 / 20)
    assert text.count(" verified: ") == 2
    assert re.search(r"at its horizon: it trained 0 of the steps", text)  # A, and not B
    assert "to come (root)" in text
    assert json.loads(copy.python(completing("config schedule ro"))) == [["root"]]
    check_config(copy, text)


ADDITION = Addition(
    title="a learning-rate schedule",
    file="bandits/model/schedules.py",
    edit=replaced(
        "def learning_rates(\n",
        '@schedule("square", ends=True)\n'
        "def square(step: Float, horizon: int) -> Float:\n"
        '    """(1 - step / horizon)^2."""\n'
        "    return (1.0 - step / horizon) ** 2\n\n\n"
        '@schedule("root", ends=False)\n'
        "def root(step: Float, horizon: int) -> Float:\n"
        '    """1 / sqrt(1 + step / horizon)."""\n'
        "    return 1.0 / np.sqrt(1.0 + step / horizon)\n\n\n"
        "def learning_rates(\n",
    ),
    use=use,
)
