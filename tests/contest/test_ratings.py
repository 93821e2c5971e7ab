"""Ratings: laws that any fair rating of two sides keeps."""

from bandits.contest.ratings import Rating, new, update


def test_a_new_agent_shows_zero():
    assert new().ordinal == 0.0


def test_a_win_raises_the_winner_and_lowers_the_loser():
    a, b = update(new(), new(), "a")
    assert a.mu > 25.0 > b.mu
    assert a.sigma == b.sigma < new().sigma


def test_swapping_the_corners_mirrors_the_update():
    strong, weak = Rating(31.0, 4.0), Rating(22.0, 6.0)
    for there, back in (("a", "b"), ("b", "a"), (None, None)):
        assert update(strong, weak, there) == update(weak, strong, back)[::-1]


def test_a_draw_between_equals_moves_no_mean():
    a, b = update(new(), new(), None)
    assert a == b
    assert a.mu == 25.0


def test_an_upset_moves_more_than_an_expected_win():
    strong, weak = Rating(31.0, 4.0), Rating(22.0, 4.0)
    expected, _ = update(strong, weak, "a")
    _, upset = update(strong, weak, "b")
    assert upset.mu - weak.mu > expected.mu - strong.mu > 0
