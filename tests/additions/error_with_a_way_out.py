"""An error with a way out to type: the loss of so many agents that no line of it can be followed."""

from __future__ import annotations

from tests.support.additions import Addition, Copy, Registration, both, replaced


def use(copy: Copy) -> None:
    copy.bandits("train 10 A", "train 10 B", "clone_agent A C", "visualize loss A C --terminal")
    said = copy.error("visualize loss A B C --terminal")
    assert said == "error: 3 curves are a tangle; try 'visualize loss A B'"


ADDITION = Addition(
    title="an error with a way out to type",
    file="bandits/pictures/loss.py",
    edit=both(
        replaced(
            '@picture(\n    "loss",\n',
            "class Tangle(InvalidValue):\n"
            '    """More curves than can be followed.  names: of these agents."""\n\n'
            "    def __init__(self, names: tuple[str, ...]) -> None:\n"
            "        self.names = names\n"
            '        super().__init__(f"{len(names)} curves are a tangle")\n\n\n'
            '@picture(\n    "loss",\n',
        ),
        replaced(
            "    names = names_of(arena, request)\n",
            "    names = names_of(arena, request)\n"
            "    if len(names) > 2:\n"
            "        raise Tangle(names)\n",
        ),
    ),
    registration=Registration(
        file="bandits/shell/advice.py",
        edit=both(
            replaced(
                "    from bandits.pictures.loss import NoLossYet\n",
                "    from bandits.pictures.loss import NoLossYet, Tangle\n",
            ),
            replaced(
                "        TooManyAgents: ",
                "        Tangle: lambda e: f\"; try 'visualize loss {' '.join(e.names[:2])}'\",\n"
                "        TooManyAgents: ",
            ),
        ),
    ),
    use=use,
)
