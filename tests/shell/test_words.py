"""Words to numbers, numbers to words, and a line to its commands."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandits.commands.base import as_json
from bandits.errors import InvalidValue
from bandits.shell.parsing import UsageError, add_json, energy, parser, whole_number
from bandits.shell.semicolons import SplittingParser, first_command
from bandits.terminal.chart import round_numbers
from bandits.terminal.tables import Column, fitting
from bandits.terminal.text import decimal, percent, plural, shown, significant


@pytest.mark.parametrize(
    ("text", "n_flops"),
    [
        ("1", 1), ("5e8", 500_000_000), ("500M", 500_000_000), ("500m", 500_000_000),
        ("1.5G", 1_500_000_000), ("0.5 kflop", 500), ("20 MFLOPs", 20_000_000), ("2e3k", 2_000_000),
        ("1_000", 1000), ("3E", 3 * 10**18), (" 7 ", 7),
    ],
)  # fmt: skip
def test_energy_reads_what_people_write(text: str, n_flops: int) -> None:
    assert energy(text, "x") == n_flops


@pytest.mark.parametrize(
    "text", ["", "M", "-5", "0", "1.5", "1e400", "5MM", "nan", "inf", "٣", "1e99G"]
)
def test_energy_refuses_the_rest_in_one_line(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"is not an amount of operations; try 'x'"):
        energy(text, "x")


@pytest.mark.parametrize(
    "line",
    [
        "10 B --watch 3 --json",
        "--json 10 --watch 3 B",
        "10 --watch=3 B --json",
        "10 --wat 3 --json B",
    ],
)
def test_options_may_stand_anywhere(line: str) -> None:
    command = parser("Train.")
    command.add_argument("steps")
    command.add_argument("agent", nargs="?")
    command.add_argument("--watch")
    add_json(command)
    args = command.parse_args(line.split())
    assert (args.steps, args.agent, args.watch, args.json) == ("10", "B", "3", True)
    assert command.parse_args(["-5", "--json", "-"]).agent == "-"
    with pytest.raises(UsageError, match=r"does not take C --jsn; did you mean '--json'"):
        command.parse_args(["10", "--jsn", "B", "C"])


@given(st.integers())
def test_a_whole_number_is_read_back(number: int) -> None:
    assert whole_number(str(number), "steps", "train 100") == number


@pytest.mark.parametrize("text", ["", "ten", "1.5", "1e3", "\x1b[31m", "9" * 5000])
def test_other_words_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        whole_number(text, "steps", "train 100")
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 100


@given(st.text())
def test_nothing_shown_can_steer_a_terminal(text: str) -> None:
    assert shown(text).isprintable()
    assert 0 < len(shown(text)) <= 60


@pytest.mark.parametrize(
    ("low", "high", "most", "numbers"),
    [
        (-3, 103, 4, [0, 50, 100]), (1.4, 4.22, 4, [2, 3, 4]), (-0.288, 0.285, 2, [-0.2, 0, 0.2]),
        (0, 1.12e-16, 5, [0, 5e-17, 1e-16]), (1, 1, 3, [0.5, 1, 1.5]), (-1e300, 1e300, 4, [-1e300, 0, 1e300]),
    ],
)  # fmt: skip
def test_an_axis_has_round_numbers(
    low: float, high: float, most: int, numbers: list[float]
) -> None:
    assert round_numbers(low, high, most) == numbers


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 8))
def test_the_numbers_of_an_axis_lie_within_it(low: float, span: float, most: int) -> None:
    numbers = round_numbers(low, low + span, most, whole=True)
    assert 2 <= len(numbers) <= most + 3  # of 0, 2, 4, 6, 8 the fives leave 0
    assert numbers == sorted(numbers)
    assert low - 1e-6 <= numbers[0]
    assert numbers[-1] <= low + span + 1e-6
    whole = all(number == round(number) for number in numbers)
    assert whole or numbers == [low, low + span]


def test_json_has_no_number_that_json_has_not() -> None:
    value = {"a": [1.5, math.nan, {"b": math.inf}], "c": ("\x1b[31m", None, True)}
    printed = as_json(value)
    assert printed.isascii()
    assert "\x1b" not in printed
    assert json.loads(printed) == {"a": [1.5, None, {"b": None}], "c": ["\x1b[31m", None, True]}


def test_numbers_read_naturally() -> None:
    assert [decimal(x) for x in (None, math.nan, 2.345, 1e9)] == [
        "-",
        "not finite",
        "2.35",
        "1.0e+09",
    ]
    assert [percent(x) for x in (None, 0.0, 0.001, 0.5, 0.999, 1.0)] == [
        "-", "0%", "0.1%", "50%", "99.9%", "100%",
    ]  # fmt: skip
    assert [significant(x) for x in (0, 0.00001, 0.0123, 38.0, 1234.5)] == [
        "0", "1.0e-05", "0.0123", "38.0", "1234",
    ]  # fmt: skip
    assert [plural(n, "step") for n in (0, 1, 1000)] == ["0 steps", "1 step", "1,000 steps"]


@pytest.mark.parametrize(
    ("line", "first", "rest"),
    [
        ("agents", "agents", ""),
        ("agents; energy", "agents", "energy"),
        ("agents > x ; energy ; about", "agents > x ", "energy ; about"),
        ("alias create x a ';' b; agents", "alias create x a ';' b", "agents"),
        ("# a; b", "# a; b", ""),
        ("!ls; pwd", "!ls; pwd", ""),
        (" shell ls; pwd", " shell ls; pwd", ""),
        ("agents 'unclosed ; energy", "agents 'unclosed ; energy", ""),
        (";agents", "", "agents"),
    ],
)
def test_a_line_is_split_at_its_unquoted_semicolons(line: str, first: str, rest: str) -> None:
    assert first_command(line) == (first, rest)


def test_an_alias_is_split_where_it_says() -> None:
    parser = SplittingParser()
    parser.aliases["both"] = "agents > x.txt ; energy > y.txt ; about"
    statement = parser.parse("both")
    assert (statement.command, statement.redirector, statement.redirect_to) == (
        "agents",
        ">",
        "x.txt",
    )
    assert statement.suffix == "energy > y.txt ; about"
    assert parser.parse("shell ls; pwd").args == "ls; pwd"


def test_a_narrow_table_drops_what_tells_least() -> None:
    columns = [
        Column("agent", ["Ada"], left=True),
        Column("score", ["500"]),
        Column("rating", ["12.5"], dropped=2),
        Column("energy", ["12.5 MFLOP"], dropped=1),
    ]
    for width, kept in ((80, 4), (30, 3), (12, 2), (3, 2)):
        table = fitting(columns, width)
        assert len(table.columns) == kept
        assert [str(column.header) for column in table.columns][:2] == ["agent", "score"]
