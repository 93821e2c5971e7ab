"""microGPT in numpy, any float type, a minibatch at a time: for long runs, and a peer to time.

Documents are packed one after another; a mask keeps each from seeing the next and the future.
tests/model/test_reference.py holds it to the scalar autograd.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tests.support.reference import Document, Shape, matrix_shapes, scored

Array = NDArray[Any]


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def rmsnorm(x: Array) -> tuple[Array, Array]:
    rstd = 1.0 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)
    return x * rstd, rstd


def rmsnorm_backward(dy: Array, y: Array, rstd: Array) -> Array:
    return np.asarray(rstd * (dy - y * (dy * y).mean(axis=-1, keepdims=True)))


class Batch:
    """Packed documents: input, target, position, owner of each scored token; who sees whom."""

    def __init__(self, shape: Shape, documents: Sequence[Document]) -> None:
        pairs = [scored(shape, document) for document in documents]
        lengths = np.array([len(inputs) for inputs, _ in pairs])
        self.inputs = np.concatenate([inputs for inputs, _ in pairs])
        self.targets = np.concatenate([targets for _, targets in pairs])
        self.positions = np.concatenate([np.arange(n) for n in lengths])
        self.owner = np.repeat(np.arange(len(lengths)), lengths)
        self.weight = 1.0 / (len(lengths) * lengths[self.owner])  # of each position in the loss
        n = np.arange(len(self.inputs))
        self.visible = (self.owner[:, None] == self.owner) & (n <= n[:, None])


class NumpyGPT:
    """One flat vector of weights with a named view of each matrix; gradients and moments alike."""

    def __init__(
        self, shape: Shape, weights: Mapping[str, Any], dtype: DTypeLike = np.float64
    ) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self.flat = np.zeros(shape.n_params, self.dtype)
        self.w = self._views(self.flat)
        for name, view in self.w.items():
            view[...] = weights[name]
        self.m, self.v = np.zeros_like(self.flat), np.zeros_like(self.flat)
        self.n_steps = 0

    def _views(self, flat: Array) -> dict[str, Array]:
        views, start = {}, 0
        for name, (n_out, n_in) in matrix_shapes(self.shape).items():
            views[name] = flat[start : start + n_out * n_in].reshape(n_out, n_in)
            start += n_out * n_in
        return views

    def _heads(self, x: Array) -> Array:
        return x.reshape(len(x), self.shape.n_head, self.shape.head_dim).transpose(1, 0, 2)

    def _joined(self, x: Array) -> Array:
        return x.transpose(1, 0, 2).reshape(x.shape[1], self.shape.n_embd)

    def forward(self, batch: Batch) -> tuple[Array, Array, list[tuple[Array, ...]]]:
        """Logits of every packed position, and what the backward pass needs."""
        w = self.w
        kept: list[tuple[Array, ...]] = []
        x, x_rstd = rmsnorm(w["wte"][batch.inputs] + w["wpe"][batch.positions])
        kept.append((x, x_rstd))
        hidden = np.where(batch.visible, 0.0, -np.inf).astype(self.dtype)
        for i in range(self.shape.n_layer):
            a, a_rstd = rmsnorm(x)
            q, k, v = (
                self._heads(a @ w[f"layer{i}.{name}"].T)
                for name in ("attn_wq", "attn_wk", "attn_wv")
            )
            att = softmax(q @ k.transpose(0, 2, 1) / self.shape.head_dim**0.5 + hidden)
            o = self._joined(att @ v)
            x = x + o @ w[f"layer{i}.attn_wo"].T
            b, b_rstd = rmsnorm(x)
            h = np.maximum(b @ w[f"layer{i}.mlp_fc1"].T, 0.0)
            x = x + h @ w[f"layer{i}.mlp_fc2"].T
            kept.append((a, a_rstd, q, k, v, att, o, b, b_rstd, h))
        return x @ w["lm_head"].T, x, kept

    def losses(self, documents: Sequence[Document], temperature: float = 1.0) -> Array:
        """Mean loss in nats of each document, at a temperature."""
        batch = Batch(self.shape, documents)
        p = softmax(self.forward(batch)[0] / temperature)
        picked = -np.log(p[np.arange(len(p)), batch.targets])
        return np.bincount(batch.owner, picked) / np.bincount(batch.owner)

    def loss_and_grads(self, documents: Sequence[Document]) -> tuple[float, dict[str, Array]]:
        loss, flat = self._loss_and_flat_grads(documents)
        return loss, self._views(flat)

    def _loss_and_flat_grads(self, documents: Sequence[Document]) -> tuple[float, Array]:
        batch = Batch(self.shape, documents)
        w, n = self.w, np.arange(len(batch.inputs))
        logits, x, kept = self.forward(batch)
        weight = batch.weight.astype(self.dtype)
        p = softmax(logits)
        loss = float((-np.log(p[n, batch.targets]) * weight).sum())

        flat = np.zeros_like(self.flat)
        grads = self._views(flat)
        p[n, batch.targets] -= 1.0
        dz = p * weight[:, None]
        grads["lm_head"][...] = dz.T @ x
        dx = dz @ w["lm_head"]
        for i in reversed(range(self.shape.n_layer)):
            a, a_rstd, q, k, v, att, o, b, b_rstd, h = kept[i + 1]
            grads[f"layer{i}.mlp_fc2"][...] = dx.T @ h
            dh = (dx @ w[f"layer{i}.mlp_fc2"]) * (h > 0.0)
            grads[f"layer{i}.mlp_fc1"][...] = dh.T @ b
            dx = dx + rmsnorm_backward(dh @ w[f"layer{i}.mlp_fc1"], b, b_rstd)
            grads[f"layer{i}.attn_wo"][...] = dx.T @ o
            do = self._heads(dx @ w[f"layer{i}.attn_wo"])
            datt = do @ v.transpose(0, 2, 1)
            ds = att * (datt - (att * datt).sum(axis=-1, keepdims=True))
            ds /= self.shape.head_dim**0.5
            da = np.zeros_like(a)
            for name, d in (
                ("attn_wq", ds @ k),
                ("attn_wk", ds.transpose(0, 2, 1) @ q),
                ("attn_wv", att.transpose(0, 2, 1) @ do),
            ):
                dy = self._joined(d)
                grads[f"layer{i}.{name}"][...] = dy.T @ a
                da += dy @ w[f"layer{i}.{name}"]
            dx = dx + rmsnorm_backward(da, a, a_rstd)
        de = rmsnorm_backward(dx, *kept[0])
        np.add.at(grads["wte"], batch.inputs, de)
        np.add.at(grads["wpe"], batch.positions, de)
        return loss, flat

    def train_step(
        self,
        documents: Sequence[Document],
        learning_rate: float = 0.01,
        horizon: int = 1000,
    ) -> float:
        """One step of Adam with a linear schedule; the loss before it."""
        loss, g = self._loss_and_flat_grads(documents)
        rate = learning_rate * (1 - self.n_steps / horizon)
        self.n_steps += 1
        self.m += (1 - 0.85) * (g - self.m)
        self.v += (1 - 0.99) * (g * g - self.v)
        m_hat = self.m / (1 - 0.85**self.n_steps)
        v_hat = self.v / (1 - 0.99**self.n_steps)
        self.flat -= rate * m_hat / (np.sqrt(v_hat) + 1e-8)
        return loss
