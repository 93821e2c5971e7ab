"""Numbers as players read them."""

from __future__ import annotations

import pytest

from bandits.wording import format_flops


@pytest.mark.parametrize(
    ("n_flops", "shown"),
    [
        (0, "0 FLOP"),
        (999, "999 FLOP"),
        (1_000, "1.00 kFLOP"),
        (29_308, "29.3 kFLOP"),
        (999_499, "999 kFLOP"),
        (999_500, "1.00 MFLOP"),
        (1_230_000, "1.23 MFLOP"),
        (45_600_000_000, "45.6 GFLOP"),
        (7 * 10**12, "7.00 TFLOP"),
        (8 * 10**15, "8.00 PFLOP"),
        (9 * 10**18, "9.00 EFLOP"),
        (123_456 * 10**18, "123456 EFLOP"),
    ],
)
def test_operations_are_shown_with_three_digits(n_flops: int, shown: str) -> None:
    assert format_flops(n_flops) == shown
