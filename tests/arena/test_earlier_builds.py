"""What is stored outlives the code that wrote it: files of earlier builds open, play on and verify."""

from __future__ import annotations

from pathlib import Path

from tests.support.earlier import left_behind, play_on


def test_an_arena_a_champion_and_a_match_of_an_earlier_build_play_on(tmp_path: Path) -> None:
    play_on(left_behind(tmp_path / "earlier"))
