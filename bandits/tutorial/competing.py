"""The tutorial's steps 5 to 8: what energy buys, temperature, a battle and its score, the leaderboard."""

from __future__ import annotations

from bandits.arena.reports import AgentReport
from bandits.contest.judge import judge_for
from bandits.contest.judgement import Figures
from bandits.terminal.text import decimal, percent, plural, significant
from bandits.tutorial.lesson import Done, Lesson, Task, a_batch, nobody
from bandits.tutorial.situation import Situation, counts, noun, well
from bandits.wording import format_flops

_N_JUDGED = 1000


def _widen(now: Situation) -> Task:
    row = now.pupil
    if row is None:
        return nobody()
    c = row.config
    begin = f"create_agent {now.free_name('Wide')} {2 * c.n_embd} {c.n_layer} {c.n_head}"
    for other in now.here:
        if other.config.n_params > c.n_params and other.n_steps == 0:  # it is there already
            begin = f"switch_agent {other.name}"
    batch = 8 if row.settings.batch_size < 8 else 2 * row.settings.batch_size
    return Task(
        f"Two ways to learn more from a step: a wider agent (n_embd; {row.name} has {c.n_embd}), and "
        f"more {noun(row)} a step (batch_size; it has {row.settings.batch_size}). Both cost energy. "
        "Try both at once.",
        [
            begin,
            f"config batch_size {batch}",
            "train 300",
        ],
    )


def _widened(now: Situation) -> Done | str | None:
    pupil = now.pupil
    row = now.most("n_steps", well)
    if pupil is None or row is None:
        new = now.rows[-1].name if now.rows else ""
        if now.command == "create_agent":
            return f"Now the batch of {new}: config batch_size 8. Then: train 300"
        return "Now train it: train 300" if now.command == "config" else None
    n = now.grown(row, "n_steps")
    if n < 50:
        return f"{plural(n, 'step')} are few. Go on: train 300{now.at(row)}"
    if row.name == pupil.name:  # its own batch was changed: compare with its past
        before = now.place.base[row.name]
        had_trained, had_loss = before["n_steps"], before["loss"]
        a_step = before["training"] / had_trained if had_trained else 0.0
    else:
        had_trained, had_loss = pupil.n_steps, pupil.loss or pupil.config.uniform_loss
        a_step = pupil.energy.training / had_trained if had_trained else 0.0
    cost = now.grown(row, "training") / n
    times = cost / a_step if a_step else 0.0
    if times and times < 1.5:
        return (
            f"A step of {row.name} cost no more than before. Give an agent more width (create_agent "
            f"{now.free_name('Wide')} 32) or a larger batch (config batch_size 8), and train it."
        )
    now.place.rival = row.name
    them = "before" if row.name == pupil.name else f"{pupil.name}"
    compared = f", {times:.0f} times as much as {them}" if times else ""
    return Done(
        [
            f"{row.name}: {row.config.n_params:,} weights, {a_batch(row)} a step. A step cost "
            f"{format_flops(round(cost))}{compared}.",
            f"For that its loss is {decimal(row.loss)} after {plural(row.n_steps, 'step')}, against "
            f"{decimal(had_loss)} after {int(had_trained):,} ({them}). Its whole bill is "
            f"{format_flops(row.energy.total)}.",
            "Width lets an agent keep more apart; a batch averages the noise of single "
            f"{noun(row)}. Whether that is worth its price is the question of this game.",
        ]
    )


# 6


def _cool(now: Situation) -> Task:
    row = now.rival if now.place.rival else now.pupil
    if row is None:
        return nobody()
    return Task(
        "The temperature divides an agent's scores for each next letter before it draws one. Below 1 "
        "it plays safe, above 1 it gambles. "
        f"{row.name} has {row.settings.temperature:g}. Cool it, and let it write.",
        [f"config temperature 0.5{now.option(row)}", f"generate 10{now.at(row)}"],
    )


def _cooled(now: Situation) -> Done | str | None:
    row = now.most("generation", lambda row: row.settings.temperature != 1.0)
    if row is None:
        warm = now.most("generation")
        if warm is not None:
            now.place.base[warm.name] = counts(warm)  # this sample does not count
            return f"That was at temperature 1. First: config temperature 0.5{now.option(warm)}"
        changed = [row for row in now.rows if row.settings.temperature != 1.0]
        if now.command == "config" and changed:
            return f"Now let it write: generate 10{now.at(changed[-1])}"
        return None
    T = row.settings.temperature
    warm_figures, cool_figures = _judged(now, row, 1.0), _judged(now, row, T)
    better = 1.0 if warm_figures.score > cool_figures.score else T
    return Done(
        [
            f"A thousand {noun(row)} of {row.name}, written for you and not charged:",
            _figures("1", warm_figures) + "\n" + _figures(f"{T:g}", cool_figures),
            "Cooler, it looks real more often and repeats itself more. But perplexity is measured at "
            "the same temperature, so a sure tone costs quality where it is wrong.",
            f"The score weighs both: of these two, {better:g} is better for {row.name}.",
        ]
    )


def _judged(now: Situation, row: AgentReport, temperature: float) -> Figures:
    agent = now.arena.agent(row.name)
    judge = judge_for(agent.dataset)
    found = judge.judge(agent.model, temperature, 0, _N_JUDGED, diverged=agent.diverged)
    return judge.ruleset.figures(found)


def _figures(temperature: str, found: Figures) -> str:
    return (
        f"  at {temperature:<4} perplexity {decimal(found.perplexity):>6}   valid "
        f"{percent(found.validity):>4}   new {percent(found.uniqueness):>4}   score {found.score:.0f}"
    )


# 7


def _fight(now: Situation) -> Task:
    a, b = now.pupil, now.rival
    if a is None or b is None:
        return Task(
            "A battle needs two agents. Make another.", [f"create_agent {now.free_name('Rival')}"]
        )
    mended = [
        f"config temperature 1{now.option(row)}"
        for row in (a, b)
        if row.settings.temperature != 1.0
    ]
    return Task(
        f"A battle: {a.name} and {b.name} train 100 more steps each and keep them. Then both write "
        f"1,000 {noun(a)}, and are judged by those and by {noun(a)} that neither has seen.",
        [*mended, f"battle {a.name} {b.name} 100"],
    )


def _fought(now: Situation) -> Done | str | None:
    if now.most("fights") is None:
        if now.command == "battle":
            return "That one is not recorded. A battle that counts: " + _fight(now).commands[-1]
        return None
    match = now.arena.matches()[-1]
    verdict = match.outcome["verdict"]
    lines = []
    for name, side in ((match.name_a, "a"), (match.name_b, "b")):
        found = match.outcome[side]["judgement"]
        q, c = found["quality"], found["creativity"]
        lines.append(
            f"  {name}: 1000 × 2 × {q:.3f} × {c:.3f} / ({q:.3f} + {c:.3f}) = {found['score']:.0f}"
        )
    winner = {"a": match.name_a, "b": match.name_b}.get(match.winner or "")
    lead = f"{abs(verdict['difference']):.0f} points"
    low, high = sorted(abs(verdict[key]) for key in ("low", "high"))
    end = (
        f"{winner} won: the other's loss exploded on the way, which forfeits."
        if match.outcome["reason"] == "forfeit"
        else f"{winner} won by {lead}; with 95% certainty the lead is {low:.0f} to {high:.0f}."
        if winner
        else f"A draw: a lead of {lead} may be luck."
    )
    return Done(
        [
            "Quality is how few bits an agent needs for unseen "
            f"{'names' if match.dataset_name == 'names' else 'documents'}: 0 for counting letters, 1 "
            "a little beyond the best n-gram. Creativity is the share of its 1,000 that looks real, is "
            "new and is no repeat. The score is 1000 times their harmonic mean:",
            "\n".join(lines),
            "So neither copying nor noise pays: either factor at 0 makes 0.",
            end,
        ]
    )


# 8


def _rank(now: Situation) -> Task:
    return Task(
        "The battle asked who is better. The leaderboard asks who is better for what was spent.",
        ["leaderboard"],
    )


def _ranked(now: Situation) -> Done | str | None:
    if now.command != "leaderboard":
        return None
    rows = now.arena.leaderboard()
    ranked = [row for row in rows if row.league]
    if not ranked:
        first = rows[0] if rows else None
        why = f" {first.name}: {first.missing}." if first is not None else ""
        text = f"Nobody is ranked yet.{why} More steps, a batch of 8, and it will be."
    else:
        top = ranked[0]
        text = (
            f"{top.name} leads in {top.league}: {top.score:.0f} points for "
            f"{format_flops(top.total_flops)} make {significant(top.score_per_mflop)} points a MFLOP."
        )
        thrifty = max(ranked, key=lambda row: row.score_per_mflop)
        if thrifty.name != top.name:
            text += (
                f" {thrifty.name} makes {significant(thrifty.score_per_mflop)}, but in {thrifty.league}: "
                "a better league comes first."
            )
    return Done(
        [
            text,
            "Leagues go by perplexity: Bronze beats the bigrams, Platinum the 4-grams. Within a league "
            "the most points for each MFLOP come first, and the bill is for life.",
            "That is the game: the best agent for the least energy. diagnose says what ails an agent, "
            "config lists every knob, save makes a file that a friend can load and fight.",
        ]
    )


COMPETING = (
    Lesson("Width and batch, against energy", _widen, _widened),
    Lesson("Temperature: safe or bold", _cool, _cooled),
    Lesson("A battle, and how the score comes about", _fight, _fought),
    Lesson("The leaderboard: points for energy", _rank, _ranked),
)
