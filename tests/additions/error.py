"""An error that a player can cause: a number of steps that brings bad luck."""

from __future__ import annotations

from tests.support.additions import Addition, Copy, replaced


def use(copy: Copy) -> None:
    assert copy.error("train 13") == "error: steps=13 brings bad luck; try 12 or 14"
    assert "trained 14 steps" in copy.bandits("train 14")


ADDITION = Addition(
    title="an error that a player can cause",
    file="bandits/model/value_kinds.py",
    edit=replaced(
        '    return STEPS.check("steps", n_steps)\n',
        "    if n_steps == 13:\n"
        '        raise InvalidValue("steps=13 brings bad luck; try 12 or 14")\n'
        '    return STEPS.check("steps", n_steps)\n',
    ),
    use=use,
)
