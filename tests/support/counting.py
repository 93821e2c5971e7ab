"""A float that counts: a step executed operation by operation, by the convention of docs/RULES.md.

Each add, subtract, multiply, divide, exp, log and square root is one; comparisons, max, selecting
by a mask, copies, negation and integer arithmetic are free; a sum starts from its first term, and
the first contribution to a gradient is an assignment. What is counted is the arithmetic of
`reference`, followed by the backward pass below, whose result the tests compare with autograd: so
what is counted is known to be right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tests.support import reference
from tests.support.reference import (
    Document,
    LayerPass,
    Matrix,
    Pass,
    Scalar,
    Shape,
    Vector,
    Weights,
    dot,
)


class Counted(float):
    """A float whose arithmetic counts itself. `tally` makes a fresh kind, with its own count."""

    n_operations: int = 0

    def __add__(self, other: float) -> Counted:
        return self._counted(float.__add__(self, other))

    def __sub__(self, other: float) -> Counted:
        return self._counted(float.__sub__(self, other))

    def __mul__(self, other: float) -> Counted:
        return self._counted(float.__mul__(self, other))

    def __truediv__(self, other: float) -> Counted:
        return self._counted(float.__truediv__(self, other))

    def __radd__(self, other: float) -> Counted:
        return self._counted(float.__radd__(self, other))

    def __rsub__(self, other: float) -> Counted:
        return self._counted(float.__rsub__(self, other))

    def __rmul__(self, other: float) -> Counted:
        return self._counted(float.__rmul__(self, other))

    def __rtruediv__(self, other: float) -> Counted:
        return self._counted(float.__rtruediv__(self, other))

    def __neg__(self) -> Counted:
        return type(self)(float.__neg__(self))

    def exp(self) -> Counted:
        return self._counted(math.exp(self))

    def log(self) -> Counted:
        return self._counted(math.log(self))

    def sqrt(self) -> Counted:
        return self._counted(math.sqrt(self))

    def relu(self) -> Counted:
        return self if self > 0.0 else type(self)(0.0)

    def _counted(self, result: float) -> Counted:
        kind = type(self)
        kind.n_operations += 1
        return kind(result)


def tally() -> type[Counted]:
    """A new kind of counted float; its `n_operations` starts at 0."""
    return type("Counted", (Counted,), {"n_operations": 0})


def lift(kind: type[Counted], weights: dict[str, list[list[float]]]) -> Weights:
    return {name: [[kind(w) for w in row] for row in rows] for name, rows in weights.items()}


class Gradients:
    """Sums that start from their first contribution; a weight that nothing reached has None."""

    def __init__(self, shape: Shape) -> None:
        self.of: dict[str, list[list[Any]]] = {
            name: [[None] * n_in for _ in range(n_out)]
            for name, (n_out, n_in) in reference.matrix_shapes(shape).items()
        }

    def accumulate(self, name: str, row: int, values: Vector) -> None:
        accumulate(self.of[name][row], 0, values)

    def zero_filled(self) -> dict[str, list[list[float]]]:
        return {
            n: [[0.0 if g is None else g for g in row] for row in m] for n, m in self.of.items()
        }


def accumulate(into: list[Any], start: int, values: Vector) -> None:
    for j, value in enumerate(values, start):
        into[j] = value if into[j] is None else into[j] + value


# ---------------------------------------------------------- the backward pass, by hand


def linear_backward(w: Matrix, x: Vector, dy: Vector, grads: Gradients, name: str) -> Vector:
    """y = w x: dw += dy x^T, and dx = w^T dy is returned."""
    for i, g in enumerate(dy):
        grads.accumulate(name, i, [g * a for a in x])
    return [dot([row[j] for row in w], dy) for j in range(len(x))]


def rmsnorm_backward(dy: Vector, y: Vector, rstd: Scalar) -> Vector:
    """y = x * rstd: dx = rstd * (dy - y * mean(dy * y))."""
    mean = dot(dy, y) / float(len(y))
    return [rstd * (g - a * mean) for g, a in zip(dy, y, strict=True)]


def attention_backward(
    shape: Shape, layer: list[LayerPass], do: list[Vector]
) -> list[list[Vector]]:
    """dq, dk, dv of every position from do; a position reaches every earlier key and value."""
    dh, n = shape.head_dim, len(layer)
    dq, dk, dv = ([[None] * shape.n_embd for _ in range(n)] for _ in range(3))
    for t in range(n):
        for head, j in enumerate(range(0, shape.n_embd, dh)):
            att, g = layer[t].att[head], do[t][j : j + dh]
            datt = [dot(g, layer[s].v[j : j + dh]) for s in range(t + 1)]
            mean = dot(att, datt)
            for s in range(t + 1):
                dscore = att[s] * (datt[s] - mean) / math.sqrt(dh)
                accumulate(dv[s], j, [att[s] * a for a in g])
                accumulate(dq[t], j, [dscore * a for a in layer[s].k[j : j + dh]])
                accumulate(dk[s], j, [dscore * a for a in layer[t].q[j : j + dh]])
    return [dq, dk, dv]


def layer_backward(
    weights: Weights, shape: Shape, i: int, passes: list[Pass], dx: list[Vector], grads: Gradients
) -> list[Vector]:
    """d loss / d (input of layer i) from d loss / d (its output), at every position."""
    layer = [p.layers[i] for p in passes]

    def back(name: str, x: Vector, dy: Vector) -> Vector:
        return linear_backward(weights[f"layer{i}.{name}"], x, dy, grads, f"layer{i}.{name}")

    dx, do = list(dx), []
    for t, at in enumerate(layer):
        dh = back("mlp_fc2", at.h, dx[t])
        dh = [g if a > 0.0 else type(g)(0.0) for g, a in zip(dh, at.h, strict=True)]
        db = back("mlp_fc1", at.b, dh)
        dx[t] = reference.add(dx[t], rmsnorm_backward(db, at.b, at.b_rstd))
        do.append(back("attn_wo", at.o, dx[t]))
    dqkv = attention_backward(shape, layer, do)
    for t, at in enumerate(layer):
        da = [
            back(name, at.a, d[t])
            for name, d in zip(("attn_wq", "attn_wk", "attn_wv"), dqkv, strict=True)
        ]
        da_sum = reference.add(reference.add(da[0], da[1]), da[2])
        dx[t] = reference.add(dx[t], rmsnorm_backward(da_sum, at.a, at.a_rstd))
    return dx


def document_backward(
    weights: Weights,
    shape: Shape,
    passes: list[Pass],
    probabilities: list[Vector],
    targets: Sequence[int],
    n_documents: int,
    grads: Gradients,
) -> None:
    """Add the gradients of one document of a minibatch of `n_documents`."""
    weight = float(len(passes) * n_documents)  # integers: the product is no operation
    dx: list[Vector] = []
    for at, p, target in zip(passes, probabilities, targets, strict=True):
        dz = list(p)
        dz[target] = dz[target] - 1.0
        dz = [g / weight for g in dz]
        dx.append(linear_backward(weights["lm_head"], at.x, dz, grads, "lm_head"))
    for i in reversed(range(shape.n_layer)):
        dx = layer_backward(weights, shape, i, passes, dx, grads)
    for t, at in enumerate(passes):
        de = rmsnorm_backward(dx[t], at.x0, at.x0_rstd)
        grads.accumulate("wte", at.token, de)
        grads.accumulate("wpe", t, de)


def clip(
    grads: dict[str, list[list[Scalar]]], largest_norm: float
) -> dict[str, list[list[Scalar]]]:
    """Gradients scaled down to the largest norm that is allowed, if they are above it."""
    flat = [g for rows in grads.values() for row in rows for g in row]
    norm = dot(flat, flat).sqrt()
    if not norm > largest_norm:
        return grads
    scale = largest_norm / norm
    return {name: [[g * scale for g in row] for row in rows] for name, rows in grads.items()}


def adam(w: Scalar, g: Scalar, m: Scalar, v: Scalar) -> tuple[Scalar, Scalar, Scalar]:
    """One weight's update; the step's constants (1 - beta, bias corrections, rate) are given."""
    m = 0.85 * m + 0.15 * g
    v = 0.99 * v + 0.01 * (g * g)
    m_hat = m / 0.15
    v_hat = v / 0.01
    return w - 0.01 * m_hat / (v_hat.sqrt() + 1e-8), m, v


# ---------------------------------------------------------- what the tests ask for


def count_step(
    weights: dict[str, list[list[float]]], shape: Shape, documents: Sequence[Document]
) -> tuple[int, int, float, dict[str, list[list[float]]]]:
    """Operations of the forward and of the backward pass of a minibatch, its loss and gradients."""
    kind = tally()
    lifted = lift(kind, weights)
    passed = [reference.document_pass(lifted, shape, document) for document in documents]
    loss = reference.batch_mean([p[0] for p in passed])
    n_forward, kind.n_operations = kind.n_operations, 0
    grads = Gradients(shape)
    for document, (_, passes, probabilities) in zip(documents, passed, strict=True):
        targets = reference.scored(shape, document)[1]
        document_backward(lifted, shape, passes, probabilities, targets, len(documents), grads)
    return n_forward, kind.n_operations, float(loss), grads.zero_filled()


def count_update(n_params: int) -> int:
    """Operations of Adam over that many weights; a weight without a gradient is updated too."""
    kind = tally()
    for _ in range(n_params):
        adam(kind(1.0), kind(0.5), kind(0.0), kind(0.0))
    return kind.n_operations


def count_clip(n_params: int, largest_norm: float) -> int:
    """Operations of clipping that many gradients, each 1.0, to a norm."""
    kind = tally()
    clip({"all": [[kind(1.0) for _ in range(n_params)]]}, largest_norm)
    return kind.n_operations


def count_evaluation(
    weights: dict[str, list[list[float]]], shape: Shape, documents: Sequence[Document]
) -> int:
    """Operations of the losses of documents at a temperature; they are not averaged."""
    kind = tally()
    lifted = lift(kind, weights)
    for document in documents:
        reference.document_pass(lifted, shape, document, temperature=0.7)
    return kind.n_operations


def count_generation(
    weights: dict[str, list[list[float]]], shape: Shape, tokens: Sequence[int]
) -> int:
    """Operations of generating those tokens (BOS among them if it was drawn), one by one.

    Drawing from the distribution compares and looks up: it is free."""
    kind = tally()
    lifted = lift(kind, weights)
    passes: list[Pass] = []
    for token in [shape.bos, *tokens][: len(tokens)]:
        passes.append(reference.step(lifted, shape, token, passes))
        reference.softmax([z / 0.7 for z in passes[-1].logits])
    return kind.n_operations
