"""The report of one match: who won and how surely, the race, the figures, what both wrote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from bandits.contest.rules import RULESETS
from bandits.errors import InvalidValue
from bandits.model.energy import Energy
from bandits.pages.rendering import render
from bandits.pictures.registration import short
from bandits.wording import decimal, format_flops, percent, plural, significant

if TYPE_CHECKING:
    from bandits.arena.arena import Arena
    from bandits.arena.reports import MatchReport
    from bandits.pictures.panels import Line

SIDES = ("a", "b")
_LABEL_LENGTH = 16  # two of them fit below a picture on a phone


class Row(NamedTuple):
    """One figure of both sides; better: which has the better one, or neither."""

    label: str
    a: str
    b: str
    better: str | None = None


def _row(label: str, figures: Iterable[str], better: str | None = None) -> Row:
    a, b = figures
    return Row(label, a, b, better)


def match_page(arena: Arena, match: MatchReport, *, battle: str, verify: str) -> str:
    """Return the page of a match; battle, verify: the commands that fight it and that prove it."""
    race, no_race = _race(arena, match)
    return render(
        "match.html",
        match=match,
        names={"a": match.name_a, "b": match.name_b},
        verdict=verdict_in_words(match),
        efficiency=efficiency_in_words(match),
        terms=_terms(match.outcome),
        notes=_notes(match),
        figures=_figures(match.outcome),
        fighters=_fighters(match),
        samples={side: match.outcome[side]["samples"] for side in SIDES},
        race=race,
        no_race=no_race,
        battle=battle,
        verify=verify,
    )


def verdict_in_words(match: MatchReport) -> str:
    """Say who won and how surely, or why it is a draw."""
    outcome = match.outcome
    verdict, reason = outcome["verdict"], outcome["reason"]
    a, b = match.name_a, match.name_b
    interval = f"{verdict['low']:z.1f} to {verdict['high']:z.1f}"
    if reason == "both diverged":
        return f"A draw: both {a} and {b} exploded, so neither can win."
    if reason == "interval":
        return (
            f"A draw: {a} and {b} are {abs(verdict['difference']):.1f} points apart, and the 95% "
            f"confidence interval of the difference, {interval} points, includes 0, so luck may explain it."
        )
    if reason == "margin":
        margin = RULESETS[match.ruleset].win_margin if match.ruleset in RULESETS else 5
        return (
            f"A draw: {a} and {b} are {abs(verdict['difference']):.1f} points apart (95% confidence: "
            f"{interval}), and a win needs {margin:.0f}."
        )
    winner, loser = (a, b) if match.winner == "a" else (b, a)
    if reason == "forfeit":
        return f"{winner} wins: {loser} exploded and forfeits."
    sign = 1 if match.winner == "a" else -1
    low, high = sorted((sign * verdict["low"], sign * verdict["high"]))
    return (
        f"{winner} wins by {sign * verdict['difference']:.0f} points of score. The 95% confidence interval "
        f"of the difference is {low:.0f} to {high:.0f} points: it excludes 0, so luck hardly explains it."
    )


def efficiency_in_words(match: MatchReport) -> str:
    """Say who made more of its energy."""
    side = match.outcome["efficiency_winner"]
    if side is None:
        return "By efficiency nobody leads."
    name = match.name_a if side == "a" else match.name_b
    best, other = (match.outcome[s]["score_per_mflop"] for s in (side, "b" if side == "a" else "a"))
    return (
        f"By efficiency {name} leads with {significant(best)} points for each million operations (MFLOP) "
        f"it ever spent, against {significant(other)}."
    )


def _terms(outcome: Mapping[str, Any]) -> str:
    if outcome["n_steps"] is not None:
        return f"{plural(outcome['n_steps'], 'training step')} each"
    return f"{format_flops(outcome['max_flops'] or 0)} of training each"


def _notes(match: MatchReport) -> list[str]:
    """Say why a side trained less than agreed."""
    agreed, notes = match.outcome["n_steps"], []
    for side, name in zip(SIDES, (match.name_a, match.name_b), strict=True):
        corner = match.outcome[side]
        if corner["diverged"]:
            notes.append(f"{name} exploded: its loss is no longer a finite number.")
        elif agreed and corner["n_steps"] < agreed:
            done = f"{corner['n_steps']:,} of the {agreed:,} steps"
            notes.append(f"{name} trained {done}: it has reached the horizon of its learning rate.")
    return notes


def _figures(outcome: Mapping[str, Any]) -> list[Row]:
    """Return the table of scores."""
    a, b = (outcome[side]["judgement"] for side in SIDES)
    verdict = outcome["verdict"]

    def higher(key: str, sign: int = 1) -> str | None:
        difference = sign * (a[key] - b[key])
        return "a" if difference > 0 else "b" if difference < 0 else None

    per_mflop = [outcome[side]["score_per_mflop"] for side in SIDES]
    leader = None if per_mflop[0] == per_mflop[1] else outcome["efficiency_winner"]
    intervals = (f"{verdict[f'{s}_low']:.0f} to {verdict[f'{s}_high']:.0f}" for s in SIDES)
    return [
        _row("Score", (f"{j['score']:.0f}" for j in (a, b)), higher("score")),
        _row("95% interval of the score", intervals),
        _row("Quality", (f"{j['quality']:.2f}" for j in (a, b)), higher("quality")),
        _row("Creativity", (percent(j["creativity"]) for j in (a, b)), higher("creativity")),
        _row("Uniqueness", (percent(j["uniqueness"]) for j in (a, b)), higher("uniqueness")),
        _row("Validity", (percent(j["validity"]) for j in (a, b)), higher("validity")),
        _row("Perplexity", (decimal(j["perplexity"]) for j in (a, b)), higher("bits", -1)),
        _row("Steps trained in the match", (f"{outcome[s]['n_steps']:,}" for s in SIDES)),
        _row("Training loss at the end", (_loss(outcome[s]) for s in SIDES)),
        _row(
            "Energy spent in the match", (format_flops(outcome[s]["battle_flops"]) for s in SIDES)
        ),
        _row("Energy spent in all", (format_flops(outcome[s]["total_flops"]) for s in SIDES)),
        _row("Score for each MFLOP", map(significant, per_mflop), leader),
    ]


def _loss(corner: Mapping[str, Any]) -> str:
    return "exploded" if corner["diverged"] else f"{decimal(corner['loss'], 3)} nats"


def _fighters(match: MatchReport) -> list[Row]:
    """Return what both were before the match; empty if the match did not keep it."""
    if match.starts is None:
        return []
    starts = [match.starts[side] for side in SIDES]
    configs = [start["config"] for start in starts]
    rows = [
        _row(label, (f"{config[key]:,}" for config in configs))
        for label, key in (
            ("Width (n_embd)", "n_embd"),
            ("Layers (n_layer)", "n_layer"),
            ("Heads (n_head)", "n_head"),
            ("Letters seen at once (block_size)", "block_size"),
        )
    ]
    rows.append(_row("Seed", (str(start["seed"]) for start in starts)))
    rows.append(_row("Steps trained before", (f"{start['n_steps']:,}" for start in starts)))
    spent = [Energy.from_dict(start["energy"]).total for start in starts]
    rows.append(_row("Energy spent before", map(format_flops, spent)))
    settings = [start["settings"] for start in starts]
    return rows + [_row(key, (_setting(s.get(key)) for s in settings)) for key in settings[0]]


def _setting(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _race(arena: Arena, match: MatchReport) -> tuple[str, str]:
    """Return the picture of the race, or why there is none."""
    from bandits.drawing.inline import inline_svg
    from bandits.pictures import PLOTS
    from bandits.pictures.panels import Curves
    from bandits.pictures.registration import Request

    try:
        picture = PLOTS.get("race").gather(arena, Request(names=(str(match.match_id),)))
    except InvalidValue as reason:
        return "", str(reason)
    panels = [
        replace(panel, title=title, lines=_relabelled(panel.lines, match))
        for panel, title in zip(picture.panels, ("", "Who leads"), strict=False)
        if isinstance(panel, Curves)
    ]
    losses = ", ".join(
        f"{name} ends at {_loss(match.outcome[side])}"
        for side, name in zip(SIDES, (match.name_a, match.name_b), strict=True)
    )
    description = f"The training losses of both agents, step by step: {losses}."
    return inline_svg(replace(picture, panels=panels), description), ""


def _relabelled(lines: Sequence[Line], match: MatchReport) -> list[Line]:
    """Name the lines by their agents alone, briefly: a page has the rest in its headings and tables."""
    names = (match.name_a, match.name_b)
    return [replace(line, label=short(names[line.place], _LABEL_LENGTH)) for line in lines]
