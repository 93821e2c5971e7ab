"""Courses as they are stored and as digests name them, whichever build wrote them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bandits.agent.course import (
    ARITHMETIC,
    Course,
    Segment,
    course_as_dict,
    course_from_dict,
    course_identity,
)
from bandits.errors import InvalidValue
from bandits.model.config import GPTConfig
from bandits.model.settings import Settings

# What every build before format 3 wrote of the first part of a course.
WHOLE = {
    "learning_rate": 0.01, "batch_size": 1, "horizon": 1000, "schedule": "linear", "warmup": 0,
    "beta1": 0.85, "beta2": 0.99, "eps": 1e-8, "grad_clip": 0.0,
}  # fmt: skip
COURSE = (
    Segment(0, Settings(batch_size=4)),
    Segment(7, Settings(learning_rate=0.5)),
    Segment(9, Settings(learning_rate=0.5, schedule="cosine")),
)


def read(segments: list[dict[str, Any]]) -> Course:
    data = {"arithmetic": ARITHMETIC, "segments": segments}
    return course_from_dict(json.loads(json.dumps(data)), GPTConfig(), 10, diverged=False)


def test_what_is_stored_leaves_defaults_out() -> None:
    assert course_as_dict((Segment(0, Settings()),))["segments"] == [{"first_step": 0}]
    assert course_as_dict(COURSE)["segments"] == [
        {"first_step": 0, "batch_size": 4},
        {"first_step": 7, "learning_rate": 0.5, "batch_size": 1},  # back to its default
        {"first_step": 9, "schedule": "cosine"},
    ]


def test_what_is_left_out_is_at_its_default() -> None:
    assert read([{"first_step": 3}]) == (Segment(3, Settings()),)
    assert read(course_as_dict(COURSE)["segments"]) == COURSE


def test_a_course_that_names_every_setting_is_the_same() -> None:
    first, *others = course_as_dict(COURSE)["segments"]
    assert read([{**WHOLE, **first}, *others]) == COURSE


@pytest.mark.parametrize("key", ["weight_decay", "n_embd", "first"])
def test_an_unknown_setting_is_refused_by_its_name_in_one_line(key: str) -> None:
    for segments in (
        [{"first_step": 0, key: 0.1}],
        [{"first_step": 0}, {"first_step": 5, key: 0.1}],
    ):
        with pytest.raises(InvalidValue, match=f"has no '{key}'") as caught:
            read(segments)
        assert str(caught.value).isprintable()


def test_what_trains_nothing_is_in_no_course() -> None:
    with pytest.raises(InvalidValue, match="other settings at step 0 than training has"):
        read([{"first_step": 0, "temperature": 1.0}])


def test_digests_name_a_course_as_the_first_builds_wrote_it() -> None:
    """What they remembered of it stays remembered: their own form, key by key, is written out here."""
    assert course_identity(COURSE) == {
        "arithmetic": ARITHMETIC,
        "segments": [
            {"first_step": 0, **WHOLE, "batch_size": 4},
            {"first_step": 7, "learning_rate": 0.5, "batch_size": 1},
            {"first_step": 9, "schedule": "cosine"},
        ],
    }


@pytest.mark.parametrize("changes", [{"grad_clip": 0}, {"learning_rate": 1}, {"grad_clip": -0.0}])
def test_a_number_is_stored_as_digests_have_it(changes: dict[str, Any]) -> None:
    """A library may set 0 where the default is 0.0: equal, and not the same to a digest."""
    course = (Segment(0, replace(Settings(), **changes)),)
    before = json.dumps(course_identity(course))
    assert json.dumps(course_identity(read(course_as_dict(course)["segments"]))) == before
