"""The one Python class of the engine, the same source in every build.

It is not for users: bandits/model/gpt.py wraps it, checks every argument and gives arrays their names.
Buffers are trusted here, but for their types, which the memoryviews check.
"""

from cpython.exc cimport PyErr_NoMemory
from libc.string cimport memset

import numpy as np

from flops cimport backward_flops, evaluate_flops, forward_flops
from lanes cimport VL, cpu_has_avx2, cpu_has_avx512, flush_denormals, restore_denormals
from layout cimport (
    Activations, Layer, LayerActivations, Matrix, Model, allocate_model, free_activations, free_model,
    pad16, place_of, reserve_activations, set_sizes, size_of_activations,
)
from libc.stdint cimport int32_t, int64_t, uint64_t

include "gpt.pxi"
include "train.pxi"
include "generate.pxi"
include "peak.pxi"
include "seeding.pxi"

cdef extern from *:
    const char* ENGINE_SOURCES      # setup.py's digest of this folder

STOPPED = {DONE: "done", DIVERGED: "diverged", OUT_OF_BUDGET: "budget"}
LANES_A_REGISTER = VL
SOURCES = ENGINE_SOURCES.decode()


def cpu_supports() -> dict:
    """Which builds this machine can run, by the name of their instruction set."""
    return {"avx512": bool(cpu_has_avx512()), "avx2": bool(cpu_has_avx2()), "base": True}


cdef struct Named:
    Matrix* matrix              # a published weight is some outputs of it
    Py_ssize_t first            # the first of them
    bint heads_out, heads_in    # outputs, inputs are columns of heads, which are padded to Dp


cdef inline Py_ssize_t place_of_weight(
    const Model* m, const Named* at, Py_ssize_t i, Py_ssize_t j,
) noexcept nogil:
    """Where input i of output j of a published weight lies in w, m, v and g."""
    if at.heads_in:
        i = i // m.D * m.Dp + i % m.D
    if at.heads_out:
        j = j // m.D * m.Dp + j % m.D
    return place_of(at.matrix, i, at.first + j)


cdef class Engine:
    """A model's weights, moments and gradients, and the activations of its latest batch."""

    cdef Model m
    cdef Activations a

    def __cinit__(self, Py_ssize_t vocab_size, Py_ssize_t n_embd, Py_ssize_t n_layer,
                  Py_ssize_t n_head, Py_ssize_t block_size):
        set_sizes(&self.m, vocab_size, n_embd, n_layer, n_head, block_size)
        if not allocate_model(&self.m):
            PyErr_NoMemory()

    def __dealloc__(self):
        free_activations(&self.a)
        free_model(&self.m)

    @staticmethod
    def activation_bytes(Py_ssize_t vocab_size, Py_ssize_t n_embd, Py_ssize_t n_layer,
                         Py_ssize_t n_head, Py_ssize_t block_size, Py_ssize_t n_documents) -> int:
        """Bytes of the activations of a batch of so many documents, all as long as can be."""
        cdef Model m
        set_sizes(&m, vocab_size, n_embd, n_layer, n_head, block_size)
        size = size_of_activations(&m, n_documents)
        if size < 0:
            PyErr_NoMemory()
        return size

    # ---- weights in and out, by their published names, each [out, in] ------------------------------

    cdef Named _named(self, str name) except *:
        """Where a published weight lies."""
        cdef Named at
        cdef Layer* layer
        at.first, at.heads_out, at.heads_in = 0, False, False
        if name in ("wte", "wpe"):
            at.matrix = &self.m.embedding
            at.first = self.m.V if name == "wpe" else 0
            return at
        if name == "lm_head":
            at.matrix = &self.m.lm_head
            return at
        prefix, _, kind = name.partition(".")
        layer = &self.m.layer[<Py_ssize_t>int(prefix.removeprefix("layer"))]
        if kind == "attn_wo":
            at.matrix, at.heads_in = &layer.wo, True
        elif kind == "mlp_fc1":
            at.matrix = &layer.fc1
        elif kind == "mlp_fc2":
            at.matrix = &layer.fc2
        else:
            at.matrix, at.heads_out = &layer.qkv, True
            at.first = ("attn_wq", "attn_wk", "attn_wv").index(kind) * self.m.A
        return at

    cdef float* _buffer(self, Matrix* w, str kind) except NULL:
        if kind == "weight":
            return w.w
        if kind == "gradient":
            return w.g
        if kind == "first_moment":
            return w.m
        if kind == "second_moment":
            return w.v
        raise KeyError(kind)

    def read(self, str kind, str name, float[:, ::1] to) -> None:
        """Copy a weight, gradient or moment into `to`, [out, in]."""
        cdef Py_ssize_t i, j
        cdef Named at = self._named(name)
        cdef const float* x = self._buffer(at.matrix, kind)
        with nogil:
            for i in range(to.shape[0]):
                for j in range(to.shape[1]):
                    to[i, j] = x[place_of_weight(&self.m, &at, j, i)]

    def write(self, str kind, str name, const float[:, ::1] value) -> None:
        """Copy `value`, [out, in], into a weight or moment, and keep the transposed copy true."""
        cdef Py_ssize_t i, j
        cdef Named at = self._named(name)
        cdef float* x = self._buffer(at.matrix, kind)
        cdef bint transposed = kind == "weight" and at.matrix.wt != NULL
        with nogil:
            for i in range(value.shape[0]):
                for j in range(value.shape[1]):
                    x[place_of_weight(&self.m, &at, j, i)] = value[i, j]
            if transposed:
                transpose_matrix(at.matrix)

    def weights_are_finite(self) -> bool:
        """Whether no weight is NaN or infinite."""
        cdef Py_ssize_t l
        cdef bint finite = matrix_is_finite(&self.m.embedding) and matrix_is_finite(&self.m.lm_head)
        for l in range(self.m.L):
            finite = (finite and matrix_is_finite(&self.m.layer[l].qkv)
                      and matrix_is_finite(&self.m.layer[l].wo)
                      and matrix_is_finite(&self.m.layer[l].fc1)
                      and matrix_is_finite(&self.m.layer[l].fc2))
        return finite

    # ---- training ------------------------------------------------------------------------------------

    def train(self, const int32_t[::1] tokens, const int64_t[::1] offsets, const int64_t[::1] order,
              int64_t n_seen, Py_ssize_t batch_size, const double[::1] learning_rates,
              double beta1, double beta2, double eps, double grad_clip,
              double beta1_power, double beta2_power, double[::1] losses, long long[::1] flops,
              long long budget) -> tuple:
        """Run a step for each learning rate.  Returns (n_done, stopped, beta1_power, beta2_power).

        losses (nats) and flops have a place for each step; `stopped` is 'done', 'diverged' or
        'budget'.  The GIL is released.  Raises MemoryError before the first step.
        """
        cdef Stream stream
        cdef Optimiser optimiser
        cdef Stopped stopped
        cdef Py_ssize_t n_done = 0, n_steps = learning_rates.shape[0]
        cdef uint64_t float_mode
        if n_steps == 0:
            return 0, STOPPED[DONE], beta1_power, beta2_power
        stream.token, stream.offset, stream.order = &tokens[0], &offsets[0], &order[0]
        stream.n_order = order.shape[0]
        optimiser.beta1, optimiser.beta2, optimiser.eps = beta1, beta2, eps
        optimiser.grad_clip = grad_clip
        optimiser.beta1_power, optimiser.beta2_power = beta1_power, beta2_power
        with nogil:
            float_mode = flush_denormals()
            stopped = train_steps(&self.m, &self.a, &stream, &optimiser, n_seen, batch_size, n_steps,
                                  &learning_rates[0], &losses[0], &flops[0], budget, &n_done)
            restore_denormals(float_mode)
        if stopped == OUT_OF_MEMORY:
            raise MemoryError("no memory for the activations of a batch")
        return n_done, STOPPED[stopped], optimiser.beta1_power, optimiser.beta2_power

    def loss_and_grads(self, const int32_t[::1] tokens, const int64_t[::1] offsets) -> tuple:
        """Loss (nats) of these documents as one minibatch, and its operations; gradients stay for `read`."""
        cdef Py_ssize_t n = offsets.shape[0] - 1, i, rows = 0, pairs = 0, T
        cdef double loss = 0
        cdef uint64_t float_mode
        for i in range(n):
            T = positions(&self.m, &offsets[0], i)
            rows, pairs = rows + T, pairs + T * (T + 1) // 2
        if not reserve_activations(&self.a, &self.m, rows, pairs, n):
            raise MemoryError("no memory for the activations of a batch")
        with nogil:
            float_mode = flush_denormals()
            begin_batch(&self.a)
            for i in range(n):
                add_document(&self.a, &self.m, &tokens[0], &offsets[0], i)
            gpt_forward(&self.m, &self.a, NULL)
            loss = gpt_loss(&self.m, &self.a)
            gpt_backward(&self.m, &self.a, NULL)    # of a loss that is not finite too: then it shows
            restore_denormals(float_mode)
        return loss, (forward_flops(&self.m, self.a.N, self.a.S, self.a.B)
                      + backward_flops(&self.m, self.a.N, self.a.S, self.a.longest, self.a.n_distinct))

    # ---- a look at the latest batch ----------------------------------------------------------------

    def positions(self, Py_ssize_t document=-1) -> int:
        """How many positions the latest batch had, or one of its documents; 0 if it had no such one."""
        if document < 0:
            return self.a.N
        if document >= self.a.B:
            return 0
        return self.a.start[document + 1] - self.a.start[document]

    def relu_active(self, Py_ssize_t layer, int64_t[::1] to) -> int:
        """Count where in the latest batch each MLP unit was above 0; returns the number of positions."""
        cdef Py_ssize_t n, j
        to[:] = 0
        for n in range(self.a.N):
            for j in range(to.shape[0]):
                to[j] += self.a.layer[layer].h[n * self.m.f_row + j] > 0
        return self.a.N

    def attention(self, Py_ssize_t layer, Py_ssize_t document, float[:, :, ::1] to) -> None:
        """Copy where one document of the latest batch attended, (H, T, T); `to` comes as zeros."""
        cdef LayerActivations* y = &self.a.layer[layer]
        cdef Py_ssize_t T = to.shape[1], pairs = T * (T + 1) // 2, b, n, group, lane, head, t, s
        cdef const float* att = y.att
        cdef const float* share = y.share
        for b in range(document):
            n = self.a.start[b + 1] - self.a.start[b]
            att += self.m.n_groups * n * (n + 1) // 2 * 16
            share += self.m.n_groups * n * 16
        if is_long(&self.m, T):
            for head in range(to.shape[0]):
                for t in range(T):
                    for s in range(t + 1):
                        to[head, t, s] = att[(head * T + t) * pad16(T) + s]
            return
        for head in range(to.shape[0]):
            group, lane = head * self.m.Dp // self.m.n_lanes, head * self.m.Dp % 16
            for t in range(T):
                for s in range(t + 1):
                    to[head, t, s] = (att[(group * pairs + t * (t + 1) // 2 + s) * 16 + lane]
                                      * share[(group * T + t) * 16 + lane])

    # ---- scoring and sampling ------------------------------------------------------------------------

    def evaluate(self, const int32_t[::1] tokens, const int64_t[::1] offsets, double temperature,
                 double[::1] bits) -> int:
        """Write the bits of each document's positions within block_size; returns the operations."""
        cdef Py_ssize_t n = offsets.shape[0] - 1, i = 0, last, b, row, T, rows, pairs
        cdef long long n_flops = 0
        cdef float scale = <float>(1.4426950408889634 / temperature)
        cdef Shortcuts shortcuts
        cdef uint64_t float_mode
        cdef bint memory = True
        with nogil:
            float_mode = flush_denormals()
            begin_shortcuts(&shortcuts, &self.m, <Py_ssize_t>(offsets[n] - offsets[0]))
            while i < n and memory:
                last, rows, pairs = i, 0, 0
                while last < n and (last == i or rows < ROWS_A_CALL):
                    T = positions(&self.m, &offsets[0], last)
                    rows, pairs, last = rows + T, pairs + T * (T + 1) // 2, last + 1
                memory = reserve_activations(&self.a, &self.m, rows, pairs, last - i)
                if memory:
                    begin_batch(&self.a)
                    for b in range(i, last):
                        add_document(&self.a, &self.m, &tokens[0], &offsets[0], b)
                    gpt_forward(&self.m, &self.a, &shortcuts)
                    n_flops += evaluate_flops(&self.m, self.a.N, self.a.S)
                    gpt_bits(&self.m, &self.a, scale)
                    for b in range(self.a.B):
                        bits[i + b] = 0
                        for row in range(self.a.start[b], self.a.start[b + 1]):
                            bits[i + b] += self.a.bits[row]
                    i = last
            end_shortcuts(&shortcuts)
            restore_denormals(float_mode)
        if not memory:
            raise MemoryError("no memory for the activations of a batch")
        return n_flops

    def generate(self, float temperature, uint64_t seed, int64_t first, int32_t[:, ::1] tokens,
                 int32_t[::1] lengths, unsigned char[::1] ended, Py_ssize_t slots) -> tuple:
        """Fill tokens (n, block_size), lengths and ended.  Returns (finite, operations)."""
        cdef Writing w
        cdef int made
        cdef uint64_t float_mode
        w.seed, w.first, w.n, w.n_begun = seed, first, tokens.shape[0], 0
        w.scale = <float>(1.4426950408889634 / temperature)
        w.tokens, w.lengths, w.ended = &tokens[0, 0], &lengths[0], &ended[0]
        w.finite, w.n_flops = True, 0
        with nogil:
            float_mode = flush_denormals()
            made = generate_documents(&self.m, &w, slots)
            restore_denormals(float_mode)
        if not made:
            raise MemoryError("no memory for the cache of keys and values")
        return bool(w.finite), w.n_flops
