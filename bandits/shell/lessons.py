"""The eight steps of the tutorial: what each asks for, how it is seen to be done, what it means.

`task` returns a text and the commands to type; `check` returns Done with the explanation, a hint, or
None if the command had nothing to do with it.  Figures come from the arena, and where something is
measured for an explanation, from copies that cost the player nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bandits.energy import format_flops
from bandits.judge import Judgement, judge_for
from bandits.reports import AgentRow
from bandits.shell.scene import Scene, can_train, counts, noun, uniform_loss, well
from bandits.shell.text import decimal, percent, plural, significant

_HIGH = 0.3  # a learning rate that no agent survives for long
_N_JUDGED = 1000


@dataclass(frozen=True)
class Task:
    """What a step asks for, and the commands that do it."""

    text: str
    commands: Sequence[str]


@dataclass(frozen=True)
class Done:
    """The step is done; what happened."""

    paragraphs: Sequence[str]


@dataclass(frozen=True)
class Lesson:
    """One step."""

    title: str
    task: Callable[[Scene], Task]
    check: Callable[[Scene], Done | str | None]


# 1


def _look(scene: Scene) -> Task:
    row = scene.pupil
    if row is None:
        return _nobody()
    weights = f"{row.name} is a GPT of {row.config.n_params:,} weights"
    if row.n_steps:
        text = f"{weights} that has trained {plural(row.n_steps, 'step')}. Let it write ten {noun(row)}."
    else:
        text = f"{weights}, drawn at random. It has read nothing yet. Let it write ten {noun(row)}."
    return Task(text, [f"generate 10{scene.at(row)}"])


def _looked(scene: Scene) -> Done | str | None:
    row = scene.most("generation")
    if row is None:
        wrong = "That comes next. First look at what it writes now"
        return f"{wrong}: {_look(scene).commands[-1]}" if scene.command == "train" else None
    scene.place.pupil = row.name
    V = row.config.vocab_size
    spent = format_flops(scene.grown(row, "generation"))
    if row.n_steps:
        first = f"{row.name} has taken {plural(row.n_steps, 'step')}, and it shows."
    else:
        first = (
            f"Noise: {row.name} writes letter by letter, and each of its {V} tokens (the letters and "
            f"the end of a {noun(row)[:-1]}) is about as likely as any other."
        )
    return Done(
        [
            first,
            "Marks: + looks real and is new, x does not look real, = is copied from the training "
            "data, ~ is a repeat.",
            f"Writing cost {spent}. Every addition and multiplication is counted: that is energy, "
            "and this game is about what you make of it.",
        ]
    )


# 2


def _teach(scene: Scene) -> Task:
    row = scene.pupil
    if row is None or not can_train(row):
        return Task(
            "Your agents have trained as far as their settings let them. Make a new one and let it "
            "take 300 steps.",
            [f"create_agent {scene.free_name('Pupil')}", "train 300"],
        )
    return Task(
        f"At each step {row.name} reads {_a_batch(row)}, measures how badly it predicted each next "
        "letter (the loss), and moves every weight a little the better way. Let it take 300 steps.",
        [f"train 300{scene.at(row)}"],
    )


def _taught(scene: Scene) -> Done | str | None:
    row = scene.most("n_steps")
    if row is None:
        return None
    n = scene.grown(row, "n_steps")
    if n < 100:
        return f"{plural(n, 'step')} hardly show. A few hundred do: train 300{scene.at(row)}"
    scene.place.pupil = row.name
    losses = scene.arena.losses(row.name)
    first = float(losses.losses[: max(1, 10 // losses.stride)].mean())
    last = losses.mean_of_last() or first
    uniform = uniform_loss(row)
    spent = scene.grown(row, "training")
    verb = "fell" if last < first else "went"
    return Done(
        [
            f"{row.name}'s loss {verb} from {first:.2f} to {decimal(last)}: the means of its first 10 "
            f"and its last 50 steps. A blind guess among {row.config.vocab_size} tokens has a loss of "
            f"ln {row.config.vocab_size} = {uniform:.2f}.",
            f"The {n:,} steps cost {format_flops(spent)}, {format_flops(round(spent / n))} a step: "
            "forward, backward, and Adam's update of all weights.",
            f"Look again if you like: generate 10{scene.at(row)}",
        ]
    )


# 3


def _measure(scene: Scene) -> Task:
    row = scene.pupil
    if row is None:
        return _nobody()
    return Task(
        f"The loss was measured on {noun(row)} that {row.name} learns from. What counts is how well it "
        f"predicts {noun(row)} it has never seen; some are held out for that. Measure it.",
        [f"evaluate{scene.at(row)}"],
    )


def _measured(scene: Scene) -> Done | str | None:
    row = scene.most("evaluation")
    if scene.command in ("diagnose", "visualize"):
        return f"That looks inside. To measure its perplexity: {_measure(scene).commands[-1]}"
    if row is None:
        return None
    scene.place.pupil = scene.place.pupil or row.name
    agent = scene.arena.agent(row.name)
    found = agent.evaluate(agent.dataset.validation)
    bits, V = found.bits_per_token, row.config.vocab_size
    h = judge_for(agent.dataset).h
    return Done(
        [
            f"{row.name} needs {decimal(bits)} bits to get each letter right. Perplexity is 2 to that "
            f"power: 2^{decimal(bits)} = {decimal(found.perplexity)}. It is as unsure of the next letter "
            f"as if it chose among {decimal(found.perplexity, 1)} equally likely ones.",
            f"For comparison: a blind guess {V}.00, knowing how often each letter comes {2 ** h[0]:.2f}, "
            f"knowing the letter before too {2 ** h[1]:.2f}, the best house n-gram {2 ** min(h):.2f}.",
            f"Lower is better. Measuring cost {format_flops(found.n_flops)}; in a battle it is free.",
        ]
    )


# 4


def _blow_up(scene: Scene) -> Task:
    row = scene.pupil
    if row is None:
        return _nobody()
    boom = scene.free_name("Boom")
    for other in scene.rows:  # it is there already: go on with it
        if other.settings.learning_rate >= _HIGH and not scene.grown(other, "n_steps"):
            boom = other.name
    commands = [f"clone_agent {row.name} {boom}", f"config learning_rate 10 --agent {boom}"]
    if not can_train(row):
        commands.append(f"config schedule constant --agent {boom}")
    return Task(
        "The learning rate says how far each step moves the weights. "
        f"{row.name} has {row.settings.learning_rate:g}. See what 10 does, on a copy, which leaves "
        f"{row.name} as it is.",
        [*commands, f"train 200 {boom}"],
    )


def _blown_up(scene: Scene) -> Done | str | None:
    fast = scene.most("n_steps", lambda row: row.settings.learning_rate >= _HIGH)
    if fast is None:
        return _toward_blow_up(scene)
    rate, n = fast.settings.learning_rate, scene.grown(fast, "n_steps")
    before = scene.place.base[fast.name]["loss"]
    after = math.inf if fast.diverged or fast.loss is None else fast.loss
    if after < before + 0.2:
        return f"{plural(n, 'step')} at {rate:g}, and {fast.name} lives: loss {after:.2f}. Try more, or 10."
    other = scene.pupil
    safe = (
        f"{other.name} is as it was."
        if other is not None and other.name != fast.name
        else f"{fast.name} was no copy: it is spoiled."
    )
    return Done(
        [
            f"{fast.name}'s loss went from {before:.2f} to {decimal(after)} in {plural(n, 'step')}; a "
            f"blind guess has {uniform_loss(fast):.2f}. Each step overshot the valley that it aimed at, "
            "and landed higher on the other side.",
            f"Too small is no better, only slower to notice: at 0.00001 nothing would move. {safe}",
            f"No setting mends spoiled weights. When you are done with it: delete_agent {fast.name}. What "
            "it spent stays spent, and a copy inherits the bill.",
        ]
    )


def _toward_blow_up(scene: Scene) -> str | None:
    brave = scene.most("n_steps", lambda row: row.settings.learning_rate > 0.02)
    if brave is not None:
        rate = brave.settings.learning_rate
        return f"{rate:g} is brave, and {brave.name} survives it. Try 10."
    ready = [row for row in scene.rows if row.settings.learning_rate >= _HIGH]
    if scene.command == "config" and ready:
        return f"Now let it take the steps: train 200 {ready[-1].name}"
    if scene.command == "clone_agent":
        return f"Now its learning rate: config learning_rate 10 --agent {scene.rows[-1].name}"
    return None


# 5


def _widen(scene: Scene) -> Task:
    row = scene.pupil
    if row is None:
        return _nobody()
    c = row.config
    name = scene.free_name("Wide")
    for other in scene.rows:
        if other.config.n_params > c.n_params and other.n_steps == 0:
            name = other.name
    batch = 8 if row.settings.batch_size < 8 else 2 * row.settings.batch_size
    return Task(
        f"Two ways to learn more from a step: a wider agent (n_embd; {row.name} has {c.n_embd}), and "
        f"more {noun(row)} a step (batch_size; it has {row.settings.batch_size}). Both cost energy. "
        "Try both at once.",
        [
            f"create_agent {name} {2 * c.n_embd} {c.n_layer} {c.n_head}",
            f"config batch_size {batch}",
            "train 300",
        ],
    )


def _widened(scene: Scene) -> Done | str | None:
    pupil = scene.pupil
    row = scene.most("n_steps", well)
    if pupil is None or row is None:
        new = scene.rows[-1].name if scene.rows else ""
        if scene.command == "create_agent":
            return f"Now the batch of {new}: config batch_size 8. Then: train 300"
        return "Now train it: train 300" if scene.command == "config" else None
    n = scene.grown(row, "n_steps")
    if n < 50:
        return f"{plural(n, 'step')} are few. Go on: train 300{scene.at(row)}"
    if row.name == pupil.name:  # its own batch was changed: compare with its past
        before = scene.place.base[row.name]
        had_trained, had_loss = before["n_steps"], before["loss"]
        a_step = before["training"] / had_trained if had_trained else 0.0
    else:
        had_trained, had_loss = pupil.n_steps, pupil.loss or uniform_loss(pupil)
        a_step = pupil.energy.training / had_trained if had_trained else 0.0
    cost = scene.grown(row, "training") / n
    times = cost / a_step if a_step else 0.0
    if times and times < 1.5:
        return (
            f"A step of {row.name} cost no more than before. Give an agent more width (create_agent "
            f"{scene.free_name('Wide')} 32) or a larger batch (config batch_size 8), and train it."
        )
    scene.place.rival = row.name
    them = "before" if row.name == pupil.name else f"{pupil.name}"
    compared = f", {times:.0f} times as much as {them}" if times else ""
    return Done(
        [
            f"{row.name}: {row.config.n_params:,} weights, {_a_batch(row)} a step. A step cost "
            f"{format_flops(round(cost))}{compared}.",
            f"For that its loss is {decimal(row.loss)} after {plural(row.n_steps, 'step')}, against "
            f"{decimal(had_loss)} after {int(had_trained):,} ({them}). Its whole bill is "
            f"{format_flops(row.energy.total)}.",
            "Width lets an agent keep more apart; a batch averages the noise of single "
            f"{noun(row)}. Whether that is worth its price is the question of this game.",
        ]
    )


# 6


def _cool(scene: Scene) -> Task:
    row = scene.row(scene.place.rival) or scene.pupil
    if row is None:
        return _nobody()
    return Task(
        "The temperature divides an agent's scores for each next letter before it draws one. Below 1 "
        "it plays safe, above 1 it gambles. "
        f"{row.name} has {row.settings.temperature:g}. Cool it, and let it write.",
        [f"config temperature 0.5{scene.option(row)}", f"generate 10{scene.at(row)}"],
    )


def _cooled(scene: Scene) -> Done | str | None:
    row = scene.most("generation", lambda row: row.settings.temperature != 1.0)
    if row is None:
        warm = scene.most("generation")
        if warm is not None:
            scene.place.base[warm.name] = counts(warm)  # this sample does not count
            return f"That was at temperature 1. First: config temperature 0.5{scene.option(warm)}"
        changed = [row for row in scene.rows if row.settings.temperature != 1.0]
        if scene.command == "config" and changed:
            return f"Now let it write: generate 10{scene.at(changed[-1])}"
        return None
    T = row.settings.temperature
    warm_figures, cool_figures = _judged(scene, row, 1.0), _judged(scene, row, T)
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


def _judged(scene: Scene, row: AgentRow, temperature: float) -> Judgement:
    agent = scene.arena.agent(row.name)
    samples = agent.model.generate(_N_JUDGED, temperature=temperature, seed=0)
    judge = judge_for(agent.dataset)
    return judge.judge_samples(agent.model, temperature, samples, diverged=agent.diverged)


def _figures(temperature: str, found: Judgement) -> str:
    return (
        f"  at {temperature:<4} perplexity {decimal(found.perplexity):>6}   valid "
        f"{percent(found.validity):>4}   new {percent(found.uniqueness):>4}   score {found.score:.0f}"
    )


# 7


def _fight(scene: Scene) -> Task:
    a, b = scene.pupil, scene.rival
    if a is None or b is None:
        return Task(
            "A battle needs two agents. Make another.", [f"create_agent {scene.free_name('Rival')}"]
        )
    mended = [
        f"config temperature 1{scene.option(row)}"
        for row in (a, b)
        if row.settings.temperature != 1.0
    ]
    return Task(
        f"A battle: {a.name} and {b.name} train 100 more steps each and keep them. Then both write "
        f"1,000 {noun(a)}, and are judged by those and by {noun(a)} that neither has seen.",
        [*mended, f"battle {a.name} {b.name} 100"],
    )


def _fought(scene: Scene) -> Done | str | None:
    if scene.most("fights") is None:
        if scene.command == "battle":
            return "That one is not recorded. A battle that counts: " + _fight(scene).commands[-1]
        return None
    match = scene.arena.matches()[-1]
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


def _rank(scene: Scene) -> Task:
    return Task(
        "The battle asked who is better. The leaderboard asks who is better for what was spent.",
        ["leaderboard"],
    )


def _ranked(scene: Scene) -> Done | str | None:
    if scene.command != "leaderboard":
        return None
    rows = scene.arena.leaderboard()
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


def _a_batch(row: AgentRow) -> str:
    n = row.settings.batch_size
    return f"one {noun(row)[:-1]}" if n == 1 else f"{n} {noun(row)}"


def _nobody() -> Task:
    return Task("There are no agents here. Make one first.", ["create_agent Ada"])


LESSONS: tuple[Lesson, ...] = (
    Lesson("What an agent writes", _look, _looked),
    Lesson("Train, and see the loss fall", _teach, _taught),
    Lesson("Perplexity: how unsure it is", _measure, _measured),
    Lesson("The learning rate: how far a step goes", _blow_up, _blown_up),
    Lesson("Width and batch, against energy", _widen, _widened),
    Lesson("Temperature: safe or bold", _cool, _cooled),
    Lesson("A battle, and how the score comes about", _fight, _fought),
    Lesson("The leaderboard: points for energy", _rank, _ranked),
)
