"""`a; b` is two commands.  cmd2 would run the first and drop the rest.

A typed line is split before cmd2 sees it; the parser splits what aliases and macros expand to.  The words
of `shell` go to the system's shell as they are.
"""

from __future__ import annotations

from cmd2.parsing import Statement, StatementParser

SEPARATOR = ";"


def first_command(line: str) -> tuple[str, str]:
    """Return the first command of a line, and what follows the `;` after it."""
    start = line.lstrip()
    if start.startswith(("#", "!")) or start.split(None, 1)[:1] == ["shell"]:
        return line, ""
    quote = ""
    for n, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == SEPARATOR:
            return line[:n], line[n + 1 :].strip()
    return line, ""


class SplittingParser(StatementParser):
    """A parser that leaves everything after the first `;` in the statement's suffix."""

    def __init__(self) -> None:
        super().__init__(terminators=[SEPARATOR])
        self._of_shell = StatementParser(terminators=[])
        self._of_shell.aliases = self.aliases

    def parse(self, line: str) -> Statement:
        """Parse the first command of a line, aliases expanded."""
        tokens = self.tokenize(line)
        if tokens[:1] == ["shell"]:
            return self._of_shell.parse(line)
        ends = [n for n, token in enumerate(tokens) if token.startswith(SEPARATOR)]
        if not ends:
            return super().parse(line)
        first = super().parse(" ".join(tokens[: ends[0]]))
        rest = " ".join(tokens[ends[0] + 1 :])
        changes = {"raw": line, "terminator": SEPARATOR, "suffix": rest}
        return Statement.from_dict({**first.to_dict(), **changes})
