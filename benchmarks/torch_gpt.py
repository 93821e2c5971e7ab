"""microGPT as a plain PyTorch module with Adam, eager and compiled; one thread.

It is dealt with kindly: batches are padded and put into tensors before the clock starts, queries, keys and
values are one product, attention and Adam are PyTorch's fused ones, denormals are flushed.
"""

from __future__ import annotations

from time import process_time
from typing import Any

from benchmarks.sizes import Size, Work, weights
from benchmarks.slow_tasks import batches
from benchmarks.task import Skipped
from tests.support.reference import Shape, scored

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as error:
    raise Skipped("PyTorch is not installed: pip install -e '.[bench]'") from error


def norm(x: torch.Tensor) -> torch.Tensor:
    return functional.rms_norm(x, (x.shape[-1],), eps=1e-5)


class Layer(nn.Module):
    """Attention, then an MLP, each of a normalised x, each added to it."""

    def __init__(self, n_embd: int, n_head: int) -> None:
        super().__init__()
        self.n_head = n_head
        self.qkv = nn.Linear(n_embd, 3 * n_embd, bias=False)
        self.wo = nn.Linear(n_embd, n_embd, bias=False)
        self.fc1 = nn.Linear(n_embd, 4 * n_embd, bias=False)
        self.fc2 = nn.Linear(4 * n_embd, n_embd, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        B, T, C = x.shape
        q, k, v = (
            part.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)
            for part in self.qkv(norm(x)).split(C, dim=2)
        )
        att = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.wo(att.transpose(1, 2).reshape(B, T, C))
        return x + self.fc2(functional.relu(self.fc1(norm(x))))


class TorchGPT(nn.Module):
    """The loss of a padded batch; `weight` (B, T) is each position's share of it, 0 for padding."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        config = size.config
        self.wte = nn.Embedding(config.vocab_size, config.n_embd)
        self.wpe = nn.Embedding(config.block_size, config.n_embd)
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
        self.layers = nn.ModuleList(
            Layer(config.n_embd, config.n_head) for _ in range(config.n_layer)
        )
        self._load(size)

    def _load(self, size: Size) -> None:
        state = {name: torch.from_numpy(array) for name, array in weights(size.config).items()}
        published = {name: state[name] for name in ("wte", "wpe", "lm_head")}
        for i in range(size.n_layer):
            w = {key: state[f"layer{i}.{key}"] for key in ("attn_wq", "attn_wk", "attn_wv")}
            published[f"layers.{i}.qkv"] = torch.cat(list(w.values()))
            published[f"layers.{i}.wo"] = state[f"layer{i}.attn_wo"]
            published[f"layers.{i}.fc1"] = state[f"layer{i}.mlp_fc1"]
            published[f"layers.{i}.fc2"] = state[f"layer{i}.mlp_fc2"]
        self.load_state_dict({f"{name}.weight": tensor for name, tensor in published.items()})

    def forward(
        self, inputs: torch.Tensor, targets: torch.Tensor, weight: torch.Tensor
    ) -> torch.Tensor:
        x = norm(self.wte(inputs) + self.wpe.weight[: inputs.shape[1]])
        for layer in self.layers:
            x = layer(x)
        losses = functional.cross_entropy(
            self.lm_head(x).flatten(0, 1), targets.flatten(), reduction="none"
        )
        return (losses * weight.flatten()).sum()


def padded(size: Size, batch: list[list[int]]) -> tuple[torch.Tensor, ...]:
    """Inputs, targets and weights of a batch, (B, T), T of its longest document."""
    shape = Shape(**size.config.as_dict())
    T = max(len(scored(shape, document)[0]) for document in batch)
    inputs, targets = torch.zeros(2, len(batch), T, dtype=torch.long)
    weight = torch.zeros(len(batch), T)
    for row, document in enumerate(batch):
        x, y = scored(shape, document)
        inputs[row, : len(x)], targets[row, : len(y)] = torch.tensor(x), torch.tensor(y)
        weight[row, : len(x)] = 1 / (len(batch) * len(x))
    return inputs, targets, weight


class TorchTraining:
    """Eager."""

    clock = staticmethod(process_time)

    def __init__(self, **size: Any) -> None:
        torch.set_num_threads(1)
        torch.set_flush_denormal(True)
        self.size = Size(**size)
        self._work = Work(self.size)
        self.model = TorchGPT(self.size)
        self._loss = self._compiled()
        self._batches = [padded(self.size, batch) for batch in batches(self.size)]
        self.adam = torch.optim.Adam(
            self.model.parameters(), lr=1e-4, betas=(0.85, 0.99), eps=1e-8, fused=True
        )
        self.info = {"loss": float(self._loss(*self._batches[0]).detach())}

    def _compiled(self) -> Any:
        return self.model

    def run(self, n: int) -> None:
        for k in range(n):
            loss = self._loss(*self._batches[k % len(self._batches)])
            self.adam.zero_grad()
            loss.backward()
            self.adam.step()

    def work(self, n: int) -> float:
        return self._work.flops(n)


class CompiledTorchTraining(TorchTraining):
    """torch.compile for any number of positions: faster here than one shape with more padding."""

    def __init__(self, **size: Any) -> None:
        try:
            super().__init__(**size)
            self.run(1)
        except Exception as problem:  # of a compiler that is not here, in words of many kinds
            raise Skipped(f"torch.compile: {str(problem).strip().splitlines()[0][:160]}") from None

    def _compiled(self) -> Any:
        return torch.compile(self.model, dynamic=True)


TASKS = {"torch": TorchTraining, "torch_compiled": CompiledTorchTraining}
