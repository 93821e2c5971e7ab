"""microGPT in float64 scalars, with its own reverse-mode autograd: the truth the engine is held to.

The model is written once (`step`, `document_pass`) over whatever scalar it is given: `Value` builds
a graph and differentiates it, `counting.Counted` counts its operations. It shares no code with the
engine and takes no short cut, so it is slow: some 20 ms a default training step. `vectorised.py` is
the same in numpy, for long runs.

Source: microGPT, karpathy.github.io, 12 Feb 2026.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Scalar = Any  # Value, Counted or float: anything with + - * / exp log sqrt relu
Vector = list[Scalar]
Matrix = list[Vector]
Weights = dict[str, Matrix]
Document = Sequence[int]  # token ids without BOS


class Shape(NamedTuple):
    """The sizes of a model, by the names that GPTConfig gives them."""

    vocab_size: int = 27
    n_embd: int = 16
    n_layer: int = 1
    n_head: int = 4
    block_size: int = 16

    @property
    def bos(self) -> int:
        return self.vocab_size - 1

    @property
    def head_dim(self) -> int:
        return self.n_embd // self.n_head

    @property
    def n_params(self) -> int:
        return sum(n_out * n_in for n_out, n_in in matrix_shapes(self).values())


def matrix_shapes(shape: Shape) -> dict[str, tuple[int, int]]:
    """Name -> (out, in) of every weight matrix, in the order in which they are drawn."""
    d = shape.n_embd
    shapes = {"wte": (shape.vocab_size, d), "wpe": (shape.block_size, d)}
    shapes["lm_head"] = (shape.vocab_size, d)
    for i in range(shape.n_layer):
        for name in ("attn_wq", "attn_wk", "attn_wv", "attn_wo"):
            shapes[f"layer{i}.{name}"] = (d, d)
        shapes[f"layer{i}.mlp_fc1"] = (4 * d, d)
        shapes[f"layer{i}.mlp_fc2"] = (d, 4 * d)
    return shapes


def initial_weights(shape: Shape, rng: random.Random) -> dict[str, list[list[float]]]:
    """gauss(0, 0.08) row by row, matrix after matrix."""
    return {
        name: [[rng.gauss(0, 0.08) for _ in range(n_in)] for _ in range(n_out)]
        for name, (n_out, n_in) in matrix_shapes(shape).items()
    }


# ---------------------------------------------------------- the scalar that differentiates itself


class Value:
    """A number that remembers the numbers it came from and its slope in each of them."""

    __slots__ = ("data", "grad", "parents", "slopes")

    def __init__(
        self, data: float, parents: Sequence[Value] = (), slopes: Sequence[float] = ()
    ) -> None:
        self.data = data
        self.grad = 0.0
        self.parents = parents
        self.slopes = slopes

    def __float__(self) -> float:
        return self.data

    def __add__(self, other: Value | float) -> Value:
        if isinstance(other, Value):
            return Value(self.data + other.data, (self, other), (1.0, 1.0))
        return Value(self.data + other, (self,), (1.0,))

    def __sub__(self, other: Value | float) -> Value:
        if isinstance(other, Value):
            return Value(self.data - other.data, (self, other), (1.0, -1.0))
        return Value(self.data - other, (self,), (1.0,))

    def __mul__(self, other: Value | float) -> Value:
        if isinstance(other, Value):
            return Value(self.data * other.data, (self, other), (other.data, self.data))
        return Value(self.data * other, (self,), (other,))

    def __truediv__(self, other: Value | float) -> Value:
        if isinstance(other, Value):
            quotient = self.data / other.data
            return Value(quotient, (self, other), (1.0 / other.data, -quotient / other.data))
        return Value(self.data / other, (self,), (1.0 / other,))

    def __rtruediv__(self, other: float) -> Value:
        quotient = other / self.data
        return Value(quotient, (self,), (-quotient / self.data,))

    def __neg__(self) -> Value:
        return Value(-self.data, (self,), (-1.0,))

    def exp(self) -> Value:
        y = math.exp(self.data)
        return Value(y, (self,), (y,))

    def log(self) -> Value:
        return Value(math.log(self.data), (self,), (1.0 / self.data,))

    def sqrt(self) -> Value:
        y = math.sqrt(self.data)
        return Value(y, (self,), (0.5 / y,))

    def relu(self) -> Value:
        return Value(max(self.data, 0.0), (self,), (1.0 if self.data > 0.0 else 0.0,))

    @staticmethod
    def dot(a: Sequence[Value], b: Sequence[Value]) -> Value:
        """sum of a[i] * b[i] as one node: the slope in a[i] is b[i], and the other way round."""
        a_data = [v.data for v in a]
        b_data = [v.data for v in b]
        total = a_data[0] * b_data[0]
        for i in range(1, len(a_data)):
            total += a_data[i] * b_data[i]
        return Value(total, [*a, *b], b_data + a_data)

    def backward(self) -> None:
        """Add d self / d node to the grad of every node below; parents after children."""
        self.grad = 1.0
        for node in reversed(self._topological_order()):
            slope_here = node.grad
            for parent, slope in zip(node.parents, node.slopes, strict=True):
                parent.grad += slope_here * slope

    def _topological_order(self) -> list[Value]:
        order: list[Value] = []
        seen = {id(self)}
        stack: list[tuple[Value, Iterator[Value]]] = [(self, iter(self.parents))]
        while stack:  # a recursion would be as deep as the document is long
            node, parents = stack[-1]
            for parent in parents:
                if id(parent) not in seen:
                    seen.add(id(parent))
                    stack.append((parent, iter(parent.parents)))
                    break
            else:
                order.append(node)
                stack.pop()
        return order


# ---------------------------------------------------------- the model, over any scalar


def dot(a: Sequence[Scalar], b: Sequence[Scalar]) -> Scalar:
    """sum of a[i] * b[i], starting from the first term: n multiplications, n - 1 additions."""
    if isinstance(a[0], Value):
        return Value.dot(a, b)
    total = a[0] * b[0]
    for i in range(1, len(a)):
        total = total + a[i] * b[i]
    return total


def total(terms: Sequence[Scalar]) -> Scalar:
    """The sum, starting from the first term."""
    result = terms[0]
    for term in terms[1:]:
        result = result + term
    return result


def linear(w: Matrix, x: Vector) -> Vector:
    return [dot(row, x) for row in w]


def add(x: Vector, y: Vector) -> Vector:
    return [a + b for a, b in zip(x, y, strict=True)]


def rmsnorm(x: Vector) -> tuple[Vector, Scalar]:
    """x / rms(x), and 1 / rms(x)."""
    rstd = 1.0 / (dot(x, x) / float(len(x)) + 1e-5).sqrt()
    return [a * rstd for a in x], rstd


def softmax(z: Vector) -> Vector:
    largest = max(float(a) for a in z)
    e = [(a - largest).exp() for a in z]
    e_sum = total(e)
    return [a / e_sum for a in e]


@dataclass
class LayerPass:
    """What one layer computed at one position; the backward pass of `counting` reads it."""

    a: Vector
    a_rstd: Scalar
    q: Vector
    k: Vector
    v: Vector
    att: list[Vector]  # per head, over the positions seen
    o: Vector
    b: Vector
    b_rstd: Scalar
    h: Vector


@dataclass
class Pass:
    """What the model computed at one position."""

    token: int
    x0: Vector
    x0_rstd: Scalar
    layers: list[LayerPass] = field(default_factory=list)
    x: Vector = field(default_factory=list)
    logits: Vector = field(default_factory=list)


def step(weights: Weights, shape: Shape, token: int, past: Sequence[Pass]) -> Pass:
    """One position, given all earlier ones: their keys and values are read from `past`."""
    d, dh = shape.n_embd, shape.head_dim
    x, x0_rstd = rmsnorm(add(weights["wte"][token], weights["wpe"][len(past)]))
    here = Pass(token, x, x0_rstd)
    for i in range(shape.n_layer):
        w = {name: weights[f"layer{i}.{name}"] for name in LAYER_NAMES}
        a, a_rstd = rmsnorm(x)
        q, k, v = linear(w["attn_wq"], a), linear(w["attn_wk"], a), linear(w["attn_wv"], a)
        keys = [p.layers[i].k for p in past] + [k]
        values = [p.layers[i].v for p in past] + [v]
        att: list[Vector] = []
        o: Vector = []
        for j in range(0, d, dh):
            scores = [dot(q[j : j + dh], key[j : j + dh]) / math.sqrt(dh) for key in keys]
            att.append(softmax(scores))
            o += [dot(att[-1], [value[c] for value in values]) for c in range(j, j + dh)]
        x = add(x, linear(w["attn_wo"], o))
        b, b_rstd = rmsnorm(x)
        h = [z.relu() for z in linear(w["mlp_fc1"], b)]
        x = add(x, linear(w["mlp_fc2"], h))
        here.layers.append(LayerPass(a, a_rstd, q, k, v, att, o, b, b_rstd, h))
    here.x = x
    here.logits = linear(weights["lm_head"], x)
    return here


LAYER_NAMES = ("attn_wq", "attn_wk", "attn_wv", "attn_wo", "mlp_fc1", "mlp_fc2")


def scored(shape: Shape, document: Document) -> tuple[list[int], list[int]]:
    """Inputs and targets: BOS before the document, BOS after it, cut at block_size positions."""
    tokens = [shape.bos, *document, shape.bos]
    n = min(shape.block_size, len(tokens) - 1)
    return tokens[:n], tokens[1 : n + 1]


def document_pass(
    weights: Weights, shape: Shape, document: Document, temperature: float | None = None
) -> tuple[Scalar, list[Pass], list[Vector]]:
    """Mean loss in nats over the document's positions, every pass, every distribution.

    Without a temperature nothing is divided by it, as in training."""
    inputs, targets = scored(shape, document)
    passes: list[Pass] = []
    losses: Vector = []
    probabilities: list[Vector] = []
    for token, target in zip(inputs, targets, strict=True):
        passes.append(step(weights, shape, token, passes))
        logits = passes[-1].logits
        if temperature is not None:
            logits = [z / temperature for z in logits]
        probabilities.append(softmax(logits))
        losses.append(-probabilities[-1][target].log())
    return total(losses) / float(len(losses)), passes, probabilities


def batch_mean(losses: Vector) -> Scalar:
    """The mean over documents; of a single one it is the loss itself."""
    return losses[0] if len(losses) == 1 else total(losses) / float(len(losses))


# ---------------------------------------------------------- what the tests ask for


def loss_and_grads(
    weights: dict[str, list[list[float]]], shape: Shape, documents: Sequence[Document]
) -> tuple[float, dict[str, list[list[float]]]]:
    """The minibatch's mean loss, and its gradient in every weight, by autograd."""
    leaves = {name: [[Value(w) for w in row] for row in rows] for name, rows in weights.items()}
    loss = batch_mean([document_pass(leaves, shape, document)[0] for document in documents])
    loss.backward()
    return loss.data, {n: [[w.grad for w in row] for row in rows] for n, rows in leaves.items()}


class Adam:
    """microGPT's optimiser: bias-corrected, learning rate linear to 0 over `horizon` steps."""

    def __init__(self, learning_rate: float = 0.01, horizon: int = 1000) -> None:
        self.learning_rate, self.horizon = learning_rate, horizon
        self.n_steps = 0
        self.m: dict[tuple[str, int, int], float] = {}
        self.v: dict[tuple[str, int, int], float] = {}

    def update(
        self, weights: dict[str, list[list[float]]], grads: dict[str, list[list[float]]]
    ) -> None:
        beta1, beta2, eps = 0.85, 0.99, 1e-8
        rate = self.learning_rate * (1 - self.n_steps / self.horizon)
        self.n_steps += 1
        for name, rows in weights.items():
            for i, row in enumerate(rows):
                for j in range(len(row)):
                    at, g = (name, i, j), grads[name][i][j]
                    m = self.m[at] = beta1 * self.m.get(at, 0.0) + (1 - beta1) * g
                    v = self.v[at] = beta2 * self.v.get(at, 0.0) + (1 - beta2) * g * g
                    m_hat = m / (1 - beta1**self.n_steps)
                    v_hat = v / (1 - beta2**self.n_steps)
                    row[j] -= rate * m_hat / (v_hat**0.5 + eps)
