"""diagnose: what ails an agent's training, each finding with its figure, a verdict and what to type.

The probe is the agent's own: the next minibatches of its order, at its settings, run on a copy, so
that the agent does not change.  What the probe costs is counted and returned.
The ranges are wide: they were read off healthy runs from 8/1 to 64/2 and 32/8 on names, at every
stage of training (gradient norm 0.3 to 3, update 0.3% to 14% of the weights), and off planted
diseases (learning rates 10 and 0.1: norms of 40 to 700,000; learning rate 1e-7: updates of 1e-6).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from bandits.agent import Agent

N_PROBES = 64  # documents, at least; whole minibatches are probed

Verdict = Literal["ok", "warn", "bad"]
Arrays = Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One figure, the range it has in a healthy agent, and what to type if it is outside."""

    name: str
    layer: str | None  # 'layer0', 'wte', ...; None for the whole agent
    value: float
    unit: str
    healthy: str
    verdict: Verdict
    hint: str  # empty when all is well

    def as_dict(self) -> dict[str, str | float | None]:
        """The finding as plain JSON data; a figure that is not finite is None."""
        value = self.value if math.isfinite(self.value) else None
        return {key: getattr(self, key) for key in self.__slots__} | {"value": value}


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was looked at, and what looking cost."""

    findings: tuple[Finding, ...]
    n_documents: int  # that were probed
    n_flops: int

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all."""
        verdicts = {finding.verdict for finding in self.findings}
        return "bad" if "bad" in verdicts else "warn" if "warn" in verdicts else "ok"


@dataclass(frozen=True, slots=True)
class _Range:
    """ok within [ok_low, ok_high], bad outside [bad_low, bad_high], warn between."""

    bad_low: float
    ok_low: float
    ok_high: float
    bad_high: float
    shown: str

    def verdict(self, value: float) -> Verdict:
        if self.ok_low <= value <= self.ok_high:
            return "ok"
        return "warn" if self.bad_low <= value <= self.bad_high else "bad"


_LOSS = _Range(0.0, 0.0, 1.25, 2.0, "at most 1.25")
_GRADIENT = _Range(1e-6, 1e-4, 10.0, 100.0, "0.0001 to 10")
_WEAKEST = _Range(1e-5, 1e-3, 1.0, 1.0, "at least 0.001")
_DEAD = _Range(0.0, 0.0, 50.0, 75.0, "at most 50%")
_UPDATE = _Range(1e-5, 1e-4, 0.3, 1.0, "0.0001 to 0.3")


def diagnose(agent: Agent) -> Report:
    """Return the findings on an agent, which is left as it is."""
    hints = _Hints(agent)
    spoiled = _spoiled_weights(agent, hints)
    if spoiled.verdict == "bad":
        return Report((spoiled,), 0, 0)

    documents = agent.next_documents(_n_probed(agent.settings.batch_size))
    probe = _copy_at_full_learning_rate(agent)
    loss, n_flops = probe.model.probe(documents)
    findings = [spoiled, _loss(agent, loss, hints)]
    if not math.isfinite(loss):  # its gradients say nothing
        return Report(tuple(findings), len(documents), n_flops)
    findings += _gradients(probe.model.gradients(), hints)
    findings += _dead_units(probe, hints)
    if not agent.diverged:
        before = probe.model.state_dict()
        spent = probe.energy.total
        probe.train_all(1)
        n_flops += probe.energy.total - spent
        findings.append(_update(before, probe.model.state_dict(), hints))
    return Report(tuple(findings), len(documents), n_flops)


def _n_probed(batch_size: int) -> int:
    return -(-N_PROBES // batch_size) * batch_size


def _copy_at_full_learning_rate(agent: Agent) -> Agent:
    """Where the schedule stands must not hide a rate that is too high, nor an end that it has reached."""
    settings = replace(agent.settings, schedule="constant", warmup=0)
    return Agent.from_state(replace(agent.state(), settings=settings), agent.dataset)


# ---- findings --------------------------------------------------------------------------------------


def _spoiled_weights(agent: Agent, hints: _Hints) -> Finding:
    n_spoiled = sum(int(np.sum(~np.isfinite(w))) for w in agent.model.state_dict().values())
    verdict: Verdict = "bad" if n_spoiled else "ok"
    hint = hints.start_again() if n_spoiled else ""
    name = "weights that are not finite"
    return Finding(name, None, float(n_spoiled), "weights", "0", verdict, hint)


def _loss(agent: Agent, loss: float, hints: _Hints) -> Finding:
    """Against a uniform guess: an untrained agent stands near 1, an exploded one far above."""
    relative = loss / math.log(agent.config.vocab_size)
    verdict = _LOSS.verdict(relative)
    hint = "" if verdict == "ok" else hints.too_fast()
    return Finding("loss", None, relative, "x uniform guess", _LOSS.shown, verdict, hint)


def _gradients(grads: Arrays, hints: _Hints) -> list[Finding]:
    """Exploding: the norm of all gradients. Vanishing: the weakest block beside the strongest."""
    norms = _block_norms(grads)
    whole = math.sqrt(sum(norm * norm for norm in norms.values()))
    verdict = _GRADIENT.verdict(whole)
    exploding = not whole <= _GRADIENT.ok_high
    hint = "" if verdict == "ok" else hints.exploding() if exploding else hints.vanishing()
    findings = [Finding("gradient norm", None, whole, "", _GRADIENT.shown, verdict, hint)]

    block = min(norms, key=lambda name: norms[name])
    strongest = max(norms.values())
    share = norms[block] / strongest if strongest > 0.0 else 0.0
    verdict = _WEAKEST.verdict(share)
    hint = "" if verdict == "ok" else hints.vanishing()
    weakest = Finding(
        "weakest gradient", block, share, "of the strongest", _WEAKEST.shown, verdict, hint
    )
    return [*findings, weakest]


def _dead_units(probe: Agent, hints: _Hints) -> list[Finding]:
    findings = []
    for i in range(probe.config.n_layer):
        active, _ = probe.model.relu_active(i)
        dead = 100.0 * float(np.mean(active == 0))
        verdict = _DEAD.verdict(dead)
        hint = "" if verdict == "ok" else hints.dead_units()
        findings.append(
            Finding("dead ReLU units", f"layer{i}", dead, "%", _DEAD.shown, verdict, hint)
        )
    return findings


def _update(before: Arrays, after: Arrays, hints: _Hints) -> Finding:
    """One step's change of each block beside the block, at the full learning rate; the worst shown."""
    sizes = _block_norms(before)
    changes = _block_norms({name: after[name] - w for name, w in before.items()})
    ratios = {block: changes[block] / sizes[block] if sizes[block] else 0.0 for block in sizes}
    largest = max(ratios, key=lambda block: ratios[block])
    smallest = min(ratios, key=lambda block: ratios[block])
    block = largest if not ratios[largest] <= _UPDATE.ok_high else smallest
    verdict = _UPDATE.verdict(ratios[block])
    too_large = not ratios[block] <= _UPDATE.ok_high
    hint = "" if verdict == "ok" else hints.too_fast() if too_large else hints.too_slow()
    return Finding("update / weights", block, ratios[block], "", _UPDATE.shown, verdict, hint)


def _block_norms(arrays: Arrays) -> dict[str, float]:
    """Euclidean norm of wte, wpe, lm_head and of each layer as a whole."""
    squares: dict[str, float] = {}
    for name, a in arrays.items():
        block = name.partition(".")[0]
        a64 = a.astype(np.float64)
        squares[block] = squares.get(block, 0.0) + float(np.sum(a64 * a64))
    return {block: math.sqrt(total) for block, total in squares.items()}


# ---- hints -----------------------------------------------------------------------------------------


class _Hints:
    """What to type, with this agent's own numbers in it."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.rate = agent.settings.learning_rate

    def start_again(self) -> str:
        """Training spoiled it: a new one of its shape, slower."""
        c = self.agent.config
        slower = f", then config learning_rate {self._lower():g}"
        return f"it will not recover: create_agent NAME {c.n_embd} {c.n_layer} {c.n_head}{slower}"

    def too_fast(self) -> str:
        if self.agent.n_steps == 0:
            return f"too large a step: config learning_rate {self._lower():g}"
        if self.rate <= 0.01:  # a wide agent's first steps: they come down
            return f"it may recover: config learning_rate {self._lower():g}, and train on"
        return self.start_again()

    def too_slow(self) -> str:
        higher = 0.01 if self.rate < 0.001 else self.rate * 10
        return f"it hardly learns: config learning_rate {higher:g}"

    def exploding(self) -> str:
        if self.rate <= 0.01 and not self.agent.settings.grad_clip:
            return "config grad_clip 1"
        return self.too_fast()

    def vanishing(self) -> str:
        n_layer = self.agent.config.n_layer
        if n_layer > 1:
            c = self.agent.config
            return f"fewer layers: create_agent NAME {c.n_embd} {max(1, n_layer // 2)} {c.n_head}"
        return self.start_again()

    def dead_units(self) -> str:
        if self.rate > 0.01:
            return self.start_again()
        return f"config learning_rate {self.rate / 3:.1g}, or a narrower agent: the units idle"

    def _lower(self) -> float:
        return 0.01 if self.rate > 0.01 else float(f"{self.rate / 10:.1g}")
