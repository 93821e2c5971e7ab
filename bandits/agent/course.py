"""The course of an agent: which settings its steps were trained with, from the first one on.

With the seed, the sizes and the dataset, a course makes an agent anew, bit for bit (bandits/agent/replay.py).
What trains nothing is left out of it: the temperature, and settings that were changed back before a step.
The course of an agent that an earlier bandits trained, in part or whole, begins later than step 0: what
came before is not known.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from bandits.errors import InvalidValue, printable
from bandits.model.batch_memory import check_batch_memory
from bandits.model.config import GPTConfig
from bandits.model.settings import SETTINGS, TRAINING_SETTINGS, Settings

# Counted up when the same training gives other bits; a course of another arithmetic is not known.
ARITHMETIC = 3
MAX_SEGMENTS = 4096

# The settings that digests have always named, at their defaults too; never any more.
_FIRST_SETTINGS = (
    "learning_rate", "batch_size", "horizon", "schedule", "warmup", "beta1", "beta2", "eps", "grad_clip",
)  # fmt: skip
_UNTRAINED = {key: about.default for key, about in SETTINGS.items() if not about.trains}
_trained_by = attrgetter(*TRAINING_SETTINGS)


@dataclass(frozen=True, slots=True)
class Segment:
    """Settings in force from a step on; first_step counts the steps before it.

    What trains nothing, such as the temperature, is at its default.
    """

    first_step: int
    settings: Settings


Course = tuple[Segment, ...]
_FIRST_STEP = attrgetter("first_step")


def extended(course: Course, step: int, settings: Settings) -> Course:
    """Return the course of an agent that trains its next step, after `step` others, with these settings.

    More than MAX_SEGMENTS are not kept: then what came before is forgotten, and the course is not known.
    """
    if course and _trained_by(course[-1].settings) == _trained_by(settings):
        return course
    segment = Segment(step, replace(settings, **_UNTRAINED))
    return (*course, segment) if len(course) < MAX_SEGMENTS else (segment,)


def known_from(course: Course, n_steps: int) -> int:
    """Return the first step whose settings are known; 0 for a course that is known from its start."""
    return course[0].first_step if course else n_steps


def settings_at(course: Course, step: int) -> Settings:
    """Return the settings of the step that follows `step` others."""
    return course[bisect_right(course, step, key=_FIRST_STEP) - 1].settings


def next_change(course: Course, step: int) -> int | None:
    """Return the first step after this one that other settings are in force from, or None."""
    place = bisect_right(course, step, key=_FIRST_STEP)
    return course[place].first_step if place < len(course) else None


def n_seen_along(course: Course, n_steps: int) -> int:
    """Return how many documents the steps of a known course take."""
    if not course:
        return 0
    ends = [*(part.first_step for part in course[1:]), n_steps]
    return sum(
        (end - part.first_step) * part.settings.batch_size
        for part, end in zip(course, ends, strict=True)
    )


def course_as_dict(course: Course) -> dict[str, Any]:
    """Return a course as plain data: what each segment changes, the first what is off its default."""
    known = course_identity(course)
    for first in known["segments"][:1]:
        for key, about in SETTINGS.items():
            # By repr: 0 is not 0.0, since digests tell them apart.
            if key in first and repr(first[key]) == repr(about.default):
                del first[key]
    return known


def course_identity(course: Course) -> dict[str, Any]:
    """Return a course as digests name it: as the first builds wrote it, its first segment whole.

    Of a setting that was added later it names what is off its default, so that what was remembered of a
    course without it stays remembered.
    """
    segments: list[dict[str, Any]] = []
    before = {k: SETTINGS[k].default for k in TRAINING_SETTINGS if k not in _FIRST_SETTINGS}
    for part in course:
        now = {key: getattr(part.settings, key) for key in TRAINING_SETTINGS}
        changed = {k: v for k, v in now.items() if k not in before or before[k] != v}
        segments.append({"first_step": part.first_step, **changed})
        before = now
    return {"arithmetic": ARITHMETIC, "segments": segments}


def unknown_course() -> dict[str, Any]:
    """Return what stands for the course in the record of an agent that has none."""
    return {"arithmetic": 0, "segments": []}


def course_from_dict(data: object, config: GPTConfig, n_steps: int, *, diverged: bool) -> Course:
    """Return the course that `course_as_dict` wrote, checked; unknown if the arithmetic was another.

    Raises: InvalidValue, naming what is wrong.
    """
    if not isinstance(data, Mapping) or set(data) != {"arithmetic", "segments"}:
        raise InvalidValue("its course does not hold arithmetic and segments")
    if type(data["arithmetic"]) is not int or not isinstance(data["segments"], list):
        raise InvalidValue("its course is of the wrong kind")
    if data["arithmetic"] != ARITHMETIC:
        return ()
    if len(data["segments"]) > MAX_SEGMENTS:
        raise InvalidValue(
            f"its course has {len(data['segments']):,} parts, at most {MAX_SEGMENTS:,}"
        )
    course = _segments(data["segments"])
    _check_steps(course, n_steps, diverged=diverged)
    for batch_size in {part.settings.batch_size for part in course}:
        check_batch_memory(config, batch_size)
    return course


def _segments(items: Sequence[object]) -> Course:
    course: list[Segment] = []
    settings: dict[str, Any] = {}
    for item in items:
        if not isinstance(item, Mapping):
            raise InvalidValue("a part of its course is of the wrong kind")
        changes = dict(item)
        first_step = changes.pop("first_step", None)
        if type(first_step) is not int or not 0 <= first_step < 2**62:
            raise InvalidValue(f"its course has a part from step {printable(str(first_step), 24)}")
        if not _UNTRAINED.keys().isdisjoint(changes):
            raise InvalidValue(
                f"its course has other settings at step {first_step} than training has"
            )
        settings |= changes
        part = Segment(first_step, Settings.from_dict(settings))
        if course and first_step <= course[-1].first_step:
            raise InvalidValue(f"its course is not in order at step {first_step}")
        if course and part.settings == course[-1].settings:
            raise InvalidValue(f"its course changes nothing at step {first_step}")
        course.append(part)
    return tuple(course)


def _check_steps(course: Course, n_steps: int, *, diverged: bool) -> None:
    # A step that diverges is not counted, and may be the first with its settings.
    if course and course[-1].first_step >= n_steps + diverged:
        raise InvalidValue(
            f"its course has a part from step {course[-1].first_step}, of {n_steps} steps"
        )
