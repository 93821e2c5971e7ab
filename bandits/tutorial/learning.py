"""The tutorial's steps 1 to 4: what an agent writes, how it learns, how that is measured, how it fails."""

from __future__ import annotations

import math

from bandits.contest.judge import judge_for
from bandits.terminal.text import decimal, plural
from bandits.tutorial.lesson import Done, Lesson, Task, a_batch, nobody
from bandits.tutorial.situation import Situation, can_train, noun
from bandits.wording import format_flops

_HIGH = 0.3  # a learning rate that no agent survives for long


def _look(now: Situation) -> Task:
    row = now.pupil
    if row is None:
        return nobody()
    weights = f"{row.name} is a GPT of {row.config.n_params:,} weights"
    if row.n_steps:
        text = f"{weights} that has trained {plural(row.n_steps, 'step')}. Let it write ten {noun(row)}."
    else:
        text = f"{weights}, drawn at random. It has read nothing yet. Let it write ten {noun(row)}."
    return Task(text, [f"generate 10{now.at(row)}"])


def _looked(now: Situation) -> Done | str | None:
    row = now.most("generation")
    if row is None:
        wrong = "That comes next. First look at what it writes now"
        return f"{wrong}: {_look(now).commands[-1]}" if now.command == "train" else None
    now.place.pupil = row.name
    V = row.config.vocab_size
    spent = format_flops(now.grown(row, "generation"))
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


def _teach(now: Situation) -> Task:
    row = now.pupil
    if row is None or not can_train(row):
        return Task(
            "Your agents have trained as far as their settings let them. Make a new one and let it "
            "take 300 steps.",
            [f"create_agent {now.free_name('Pupil')}", "train 300"],
        )
    return Task(
        f"At each step {row.name} reads {a_batch(row)}, measures how badly it predicted each next "
        "letter (the loss), and moves every weight a little the better way. Let it take 300 steps.",
        [f"train 300{now.at(row)}"],
    )


def _taught(now: Situation) -> Done | str | None:
    row = now.most("n_steps")
    if row is None:
        return None
    n = now.grown(row, "n_steps")
    if n < 100:
        return f"{plural(n, 'step')} hardly show. A few hundred do: train 300{now.at(row)}"
    now.place.pupil = row.name
    losses = now.arena.losses(row.name)
    first = float(losses.losses[: max(1, 10 // losses.stride)].mean())
    last = losses.mean_of_last() or first
    uniform = row.config.uniform_loss
    spent = now.grown(row, "training")
    verb = "fell" if last < first else "went"
    return Done(
        [
            f"{row.name}'s loss {verb} from {first:.2f} to {decimal(last)}: the means of its first 10 "
            f"and its last 50 steps. A blind guess among {row.config.vocab_size} tokens has a loss of "
            f"ln {row.config.vocab_size} = {uniform:.2f}.",
            f"The {n:,} steps cost {format_flops(spent)}, {format_flops(round(spent / n))} a step: "
            "forward, backward, and Adam's update of all weights.",
            f"Look again if you like: generate 10{now.at(row)}",
        ]
    )


# 3


def _measure(now: Situation) -> Task:
    row = now.pupil
    if row is None:
        return nobody()
    return Task(
        f"The loss was measured on {noun(row)} that {row.name} learns from. What counts is how well it "
        f"predicts {noun(row)} it has never seen; some are held out for that. Measure it.",
        [f"evaluate{now.at(row)}"],
    )


def _measured(now: Situation) -> Done | str | None:
    row = now.most("evaluation")
    if now.command in ("diagnose", "visualize"):
        return f"That looks inside. To measure its perplexity: {_measure(now).commands[-1]}"
    if row is None:
        return None
    now.place.pupil = now.place.pupil or row.name
    agent = now.arena.agent(row.name)
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


def _blow_up(now: Situation) -> Task:
    row = now.pupil
    if row is None:
        return nobody()
    boom = now.free_name("Boom")
    for other in now.rows:  # it is there already: go on with it
        if other.settings.learning_rate >= _HIGH and not now.grown(other, "n_steps"):
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


def _blown_up(now: Situation) -> Done | str | None:
    fast = now.most("n_steps", lambda row: row.settings.learning_rate >= _HIGH)
    if fast is None:
        return _toward_blow_up(now)
    rate, n = fast.settings.learning_rate, now.grown(fast, "n_steps")
    before = now.place.base[fast.name]["loss"]
    after = math.inf if fast.diverged or fast.loss is None else fast.loss
    if after < before + 0.2:
        return f"{plural(n, 'step')} at {rate:g}, and {fast.name} lives: loss {after:.2f}. Try more, or 10."
    other = now.pupil
    safe = (
        f"{other.name} is as it was."
        if other is not None and other.name != fast.name
        else f"{fast.name} was no copy: it is spoiled."
    )
    return Done(
        [
            f"{fast.name}'s loss went from {before:.2f} to {decimal(after)} in {plural(n, 'step')}; a "
            f"blind guess has {fast.config.uniform_loss:.2f}. Each step overshot the valley that it aimed "
            "at, and landed higher on the other side.",
            f"Too small is no better, only slower to notice: at 0.00001 nothing would move. {safe}",
            f"No setting mends spoiled weights. When you are done with it: delete_agent {fast.name}. What "
            "it spent stays spent, and a copy inherits the bill.",
        ]
    )


def _toward_blow_up(now: Situation) -> str | None:
    brave = now.most("n_steps", lambda row: row.settings.learning_rate > 0.02)
    if brave is not None:
        rate = brave.settings.learning_rate
        return f"{rate:g} is brave, and {brave.name} survives it. Try 10."
    ready = [row for row in now.rows if row.settings.learning_rate >= _HIGH]
    if now.command == "config" and ready:
        return f"Now let it take the steps: train 200 {ready[-1].name}"
    if now.command == "clone_agent":
        return f"Now its learning rate: config learning_rate 10 --agent {now.rows[-1].name}"
    return None


LEARNING = (
    Lesson("What an agent writes", _look, _looked),
    Lesson("Train, and see the loss fall", _teach, _taught),
    Lesson("Perplexity: how unsure it is", _measure, _measured),
    Lesson("The learning rate: how far a step goes", _blow_up, _blown_up),
)
