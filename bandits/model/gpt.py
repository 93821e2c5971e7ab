"""GPT: a microGPT with named weights, exact gradients, scoring and sampling, on the compiled engine.

This is the boundary of the engine: every argument is checked here and trusted below.
Source of the model: Andrej Karpathy, microGPT (karpathy.github.io, 12 Feb 2026).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from bandits.errors import InvalidValue, printable
from bandits.model import builds as engine
from bandits.model.batch_memory import check_batch_memory
from bandits.model.config import GPTConfig
from bandits.model.documents import Documents, vector
from bandits.model.energy import evaluate_flops, generate_flops
from bandits.model.exact import Float, log2
from bandits.model.results import Evaluation, Samples, TrainedSteps
from bandits.model.seeding import Twister, initial_weights, twister_of, weight_shapes
from bandits.model.settings import Settings
from bandits.model.value_kinds import SEEDS, check_generated, check_seed

MAX_SIDE_BY_SIDE = 32  # documents that are generated at a time

Arrays = dict[str, npt.NDArray[np.float32]]
CheckStop = Callable[[], None]

SLICE_FLOPS = (
    100_000_000  # scored or sampled by one call, which no Ctrl-C can stop: well under 0.1 s
)


class GPT:
    """A microGPT of any size.  Raises InvalidValue or TypeError for what it cannot use.

    `seed`: a number, or a `random.Random` whose next draws become the weights (so that documents
    can be shuffled by it first, as microGPT does), or the `Twister` of bandits/model/seeding.py that
    shuffled them, which then moves on, or None for weights of zero.
    """

    def __init__(self, config: GPTConfig, seed: int | random.Random | Twister | None = 42) -> None:
        self.config = config
        self._engine = engine.build().Engine(
            config.vocab_size, config.n_embd, config.n_layer, config.n_head, config.block_size
        )
        self._shapes = weight_shapes(config)
        self._checked_order: npt.NDArray[np.int64] | None = None
        self._n_ordered = 0
        self.beta1_power = 1.0  # beta1 ** steps, as a running product
        self.beta2_power = 1.0
        if seed is not None:
            for name, weights in initial_weights(config, _twister(seed)):
                self._engine.write("weight", name, weights)

    @property
    def n_params(self) -> int:
        """Number of weights."""
        return self.config.n_params

    @property
    def bos(self) -> int:
        """The token that begins and ends a document."""
        return self.config.vocab_size - 1

    # ---- weights -------------------------------------------------------------------------------

    def state_dict(self) -> Arrays:
        """Return copies of all weights by microGPT's names, float32 [out, in]."""
        return {name: _one_nan(w) for name, w in self._read("weight").items()}

    def load_state_dict(self, weights: Mapping[str, npt.ArrayLike]) -> None:
        """Take these weights.  Raises InvalidValue if a name or a shape differs; then nothing changes."""
        self._write("weight", self._checked(weights))

    def is_finite(self) -> bool:
        """Whether every weight is a number."""
        return bool(self._engine.weights_are_finite())

    def moments(self) -> tuple[Arrays, Arrays]:
        """Return copies of Adam's first and second moments, like `state_dict`."""
        first, second = self._read("first_moment"), self._read("second_moment")
        return (
            {name: _one_nan(m) for name, m in first.items()},
            {name: _one_nan(v) for name, v in second.items()},
        )

    def load_moments(
        self,
        first: Mapping[str, npt.ArrayLike],
        second: Mapping[str, npt.ArrayLike],
        beta1_power: float,
        beta2_power: float,
    ) -> None:
        """Take the optimiser's state.  Raises InvalidValue; then nothing changes."""
        checked = self._checked(first), self._checked(second)
        for name, power in (("beta1_power", beta1_power), ("beta2_power", beta2_power)):
            if not 0 <= power <= 1:
                raise InvalidValue(f"{name}={power} is not between 0 and 1")
        self._write("first_moment", checked[0])
        self._write("second_moment", checked[1])
        self.beta1_power, self.beta2_power = beta1_power, beta2_power

    def gradients(self) -> Arrays:
        """Return copies of the gradients of the latest minibatch, like `state_dict`."""
        return self._read("gradient")

    def _read(self, kind: str) -> Arrays:
        arrays = {name: np.empty(shape, np.float32) for name, shape in self._shapes.items()}
        for name, array in arrays.items():
            self._engine.read(kind, name, array)
        return arrays

    def _write(self, kind: str, arrays: Arrays) -> None:
        for name, array in arrays.items():
            self._engine.write(kind, name, array)

    def _checked(self, arrays: Mapping[str, npt.ArrayLike]) -> Arrays:
        missing, unknown = self._shapes.keys() - arrays.keys(), arrays.keys() - self._shapes.keys()
        if missing or unknown:
            raise InvalidValue(
                f"weights do not fit: missing {sorted(missing) or 'none'}, "
                f"unknown {[printable(str(name)) for name in unknown] or 'none'}"
            )
        checked = {}
        for name, shape in self._shapes.items():
            array = np.asarray(arrays[name])
            if array.dtype.kind != "f":
                raise TypeError(f"{name} has dtype {array.dtype}, a float is needed")
            if array.shape != shape:
                raise InvalidValue(f"{name} has shape {array.shape}, {shape} is needed")
            with np.errstate(over="ignore"):  # of a float64 beyond float32: infinite
                checked[name] = _one_nan(np.ascontiguousarray(array, dtype=np.float32))
        return checked

    # ---- training ------------------------------------------------------------------------------

    def loss_and_grads(
        self, documents: Documents | Sequence[Sequence[int]]
    ) -> tuple[float, Arrays]:
        """Return the loss, in nats, of these documents as one minibatch, and its exact gradients.

        documents: packed, or sequences of token ids without BOS.  The loss is the mean over the
        documents of the mean over the first min(block_size, len + 1) positions of each.
        """
        loss, _ = self.probe(documents)
        return loss, self.gradients()

    def probe(self, documents: Documents | Sequence[Sequence[int]]) -> tuple[float, int]:
        """Compute loss and gradients, and return the loss (nats) and the operations it took.

        `gradients`, `relu_active` and `attention` read what is left behind.
        """
        packed = self._packed(documents)
        check_batch_memory(self.config, len(packed))
        loss, n_flops = self._engine.loss_and_grads(packed.tokens, packed.offsets)
        return loss, n_flops

    def relu_active(self, layer: int) -> tuple[npt.NDArray[np.int64], int]:
        """Return in how many positions of the latest minibatch each MLP unit was above 0, and how many
        positions it had; int64 (4 n_embd,).
        """
        self._check_layer(layer)
        counts = np.zeros(4 * self.config.n_embd, dtype=np.int64)
        return counts, self._engine.relu_active(layer, counts)

    def attention(self, layer: int, document: int = 0) -> npt.NDArray[np.float32]:
        """Return where a document of the minibatch that `probe` ran last attended; float32
        (n_head, T, T): row t is how position t weighs positions 0 to t, and sums to 1.
        """
        self._check_layer(layer)
        T = self._engine.positions(document) if document >= 0 else 0
        if not T:
            raise InvalidValue(
                f"document={document} is not in the latest minibatch; probe documents first"
            )
        array = np.zeros((self.config.n_head, T, T), np.float32)
        self._engine.attention(layer, document, array)
        return array

    def _check_layer(self, layer: int) -> None:
        if not 0 <= layer < self.config.n_layer:
            raise InvalidValue(
                f"layer={layer} is out of range; choose 0 to {self.config.n_layer - 1}"
            )

    def train_steps(
        self,
        documents: Documents,
        order: npt.NDArray[np.int64],
        n_seen: int,
        learning_rates: Float,
        settings: Settings,
        max_flops: int | None = None,
    ) -> TrainedSteps:
        """Run one step of Adam for each learning rate, float64 (n,).

        Step k takes the batch_size documents from order[(n_seen + k batch_size) mod n] on.  With
        max_flops, no step is begun that the rest of it cannot pay.  Raises TypeError or InvalidValue,
        naming the argument; then nothing changes.
        """
        n = len(vector("learning_rates", learning_rates, np.float64))
        self._check_training(documents, order, n_seen, max_flops)
        losses, flops = np.empty(n), np.empty(n, dtype=np.longlong)
        n_done, stopped, self.beta1_power, self.beta2_power = self._engine.train(
            documents.tokens,
            documents.offsets,
            order,
            n_seen,
            settings.batch_size,
            learning_rates,
            settings.beta1,
            settings.beta2,
            settings.eps,
            settings.grad_clip,
            self.beta1_power,
            self.beta2_power,
            losses,
            flops,
            -1 if max_flops is None else min(max_flops, 2**62),
        )
        return TrainedSteps(
            losses[:n_done],
            sum(flops[:n_done].tolist()),
            stopped,
            int(flops[n_done]) if stopped == "diverged" else 0,
        )

    def _check_training(
        self,
        documents: Documents,
        order: npt.NDArray[np.int64],
        n_seen: int,
        max_flops: int | None,
    ) -> None:
        """Raise what train_steps may.  A read-only order that has passed is known again, and not read."""
        self._check_vocabulary(documents)
        if order is not self._checked_order or len(documents) != self._n_ordered:
            if not vector("order", order, np.int64).size:
                raise InvalidValue("order is empty; give at least one document")
            if order.min() < 0 or order.max() >= len(documents):
                raise InvalidValue(
                    f"order holds {order.min()} to {order.max()}; choose 0 to {len(documents) - 1}"
                )
            if not order.flags.writeable:
                self._checked_order, self._n_ordered = order, len(documents)
        if not 0 <= n_seen < 2**62:
            raise InvalidValue(f"n_seen={n_seen} is not a count")
        if max_flops is not None and max_flops < 0:
            raise InvalidValue(f"max_flops={max_flops} must be at least 0")

    # ---- scoring and sampling --------------------------------------------------------------------

    def evaluate(
        self,
        documents: Documents | Sequence[Sequence[int]],
        temperature: float = 1.0,
        *,
        check_stop: CheckStop | None = None,
    ) -> Evaluation:
        """Return the bits of these documents, each for itself, at a temperature.

        Tokens past block_size count as uniform guesses, log2(vocab_size) bits.
        check_stop: called every few hundredths of a second; what it raises ends it.
        """
        Settings(temperature=temperature)
        packed = self._packed(documents)
        n_tokens = packed.lengths + 1
        bits, n_flops = np.empty(len(packed)), 0
        for start, stop in slices(
            len(packed), evaluate_flops(self.config, [self.config.block_size])
        ):
            if check_stop:
                check_stop()
            offsets = packed.offsets[start : stop + 1]
            n_flops += self._engine.evaluate(packed.tokens, offsets, temperature, bits[start:stop])
        if n_tokens.max() > self.config.block_size:
            beyond = np.maximum(n_tokens - self.config.block_size, 0)
            bits += beyond * float(log2(self.config.vocab_size))
        return Evaluation(bits, n_tokens, n_flops)

    def generate(
        self,
        n: int,
        *,
        temperature: float = 1.0,
        seed: int = 0,
        first: int = 0,
        batch_size: int = MAX_SIDE_BY_SIDE,
        check_stop: CheckStop | None = None,
    ) -> Samples:
        """Return documents first .. first + n - 1 of the endless sequence of this seed.

        batch_size of them are made side by side, at most 32: that changes the speed, not a bit.
        check_stop: called every few hundredths of a second; what it raises ends it.
        """
        Settings(temperature=temperature, batch_size=batch_size)
        check_generated(n)
        if not isinstance(first, int) or not 0 <= first <= SEEDS.high - n:
            raise InvalidValue(f"first={first} is out of range; choose 0 to {SEEDS.high - n:,}")
        tokens = np.full((n, self.config.block_size), self.bos, dtype=np.int32)
        lengths, ended = np.zeros(n, dtype=np.int32), np.zeros(n, dtype=np.uint8)
        check_seed(seed)
        finite, n_flops = True, 0
        for start, stop in slices(n, generate_flops(self.config, [self.config.block_size])):
            if check_stop:
                check_stop()
            rows = slice(start, stop)
            is_finite, cost = self._engine.generate(
                temperature,
                seed,
                first + start,
                tokens[rows],
                lengths[rows],
                ended[rows],
                batch_size,
            )
            finite, n_flops = finite and is_finite, n_flops + cost
        return Samples(tokens, lengths, ended.astype(bool), finite, n_flops)

    def _packed(self, documents: Documents | Sequence[Sequence[int]]) -> Documents:
        packed = (
            documents
            if isinstance(documents, Documents)
            else Documents.from_tokens(documents, self.bos)
        )
        if not len(packed):
            raise InvalidValue("no documents; give at least one")
        self._check_vocabulary(packed)
        return packed

    def _check_vocabulary(self, documents: Documents) -> None:
        if not isinstance(documents, Documents):
            raise TypeError(f"documents must be Documents, not {type(documents).__name__}")
        if documents.bos != self.bos:
            raise InvalidValue(
                f"documents of {documents.bos + 1} tokens do not fit "
                f"vocab_size={self.config.vocab_size}"
            )


def _twister(seed: int | random.Random | Twister) -> Twister:
    if isinstance(seed, Twister):
        return seed
    return twister_of(seed if isinstance(seed, random.Random) else check_seed(seed))


def _one_nan(array: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the array, all NaN alike: machines make different ones, and exp2 computes with their bits."""
    is_nan = np.isnan(array)
    return np.where(is_nan, np.float32(np.nan), array) if is_nan.any() else array


def slices(n_documents: int, n_flops_each: int) -> Iterator[tuple[int, int]]:
    """Yield the start and stop of runs of documents that cost SLICE_FLOPS at most, or are one."""
    size = max(1, SLICE_FLOPS // n_flops_each)
    for start in range(0, n_documents, size):
        yield start, min(start + size, n_documents)
