"""Training steps: a minibatch, its loss, its gradients, one Adam update; nothing of it in Python."""

from adam cimport AdamStep
from flops cimport backward_flops, clip_flops, forward_flops, update_flops
from gpt cimport (
    add_document, begin_batch, gpt_backward, gpt_forward, gpt_loss, gpt_update, gradient_squares,
    positions,
)
from lanes cimport is_finite
from layout cimport Activations, Model, reserve_activations
from libc.math cimport sqrt
from libc.stdint cimport int32_t, int64_t

cdef enum Stopped:
    DONE            # every step was run
    DIVERGED        # a loss was not finite: that step ran forward only, and counts its cost
    OUT_OF_BUDGET   # the next step would cost more than is left
    OUT_OF_MEMORY   # no room for the activations of a batch

ctypedef struct Stream:
    const int32_t* token        # packed documents: BOS, characters, BOS
    const int64_t* offset       # (n_documents + 1,)
    const int64_t* order        # (n_order,) documents, taken round and round
    int64_t n_order

ctypedef struct Optimiser:
    double beta1, beta2, eps, grad_clip
    double beta1_power, beta2_power     # running products: beta^t without pow


cdef inline int64_t document_at(const Stream* s, int64_t n_seen) noexcept nogil:
    return s.order[n_seen % s.n_order]


cdef inline void assemble(
    Activations* a, const Model* m, const Stream* s, int64_t n_seen, Py_ssize_t batch_size,
) noexcept nogil:
    """The batch of the batch_size documents that come after the n_seen-th."""
    cdef Py_ssize_t b
    begin_batch(a)
    for b in range(batch_size):
        add_document(a, m, s.token, s.offset, document_at(s, n_seen + b))


cdef inline int reserve_for_steps(
    Activations* a, const Model* m, const Stream* s, int64_t n_seen, Py_ssize_t n_steps,
    Py_ssize_t batch_size,
) noexcept nogil:
    """Room for the largest of these batches, so that no step allocates.  Returns 0 without memory."""
    cdef Py_ssize_t k, b, T, rows, pairs, most_rows = 0, most_pairs = 0
    for k in range(n_steps):
        rows = pairs = 0
        for b in range(batch_size):
            T = positions(m, s.offset, document_at(s, n_seen + k * batch_size + b))
            rows += T
            pairs += T * (T + 1) // 2
        most_rows, most_pairs = max(most_rows, rows), max(most_pairs, pairs)
    return reserve_activations(a, m, most_rows, most_pairs, batch_size)


cdef inline void gradients(Model* m, Activations* a, double* loss) noexcept nogil:
    """Loss of the assembled batch and, if it is finite, all gradients."""
    gpt_forward(m, a)
    loss[0] = gpt_loss(m, a, True)
    if is_finite(loss[0]):
        gpt_backward(m, a)


cdef inline AdamStep next_update(
    const Model* m, Optimiser* o, double learning_rate, long long* n_flops,
) noexcept nogil:
    """The constants of the next update, clipping included; the powers of beta move on."""
    cdef AdamStep step
    cdef double norm
    o.beta1_power *= o.beta1
    o.beta2_power *= o.beta2
    step.beta1, step.one_minus_beta1 = <float>o.beta1, <float>(1 - o.beta1)
    step.beta2, step.one_minus_beta2 = <float>o.beta2, <float>(1 - o.beta2)
    step.rate = <float>(learning_rate / (1 - o.beta1_power))
    step.root_scale = <float>(1 / sqrt(1 - o.beta2_power))
    step.eps = <float>o.eps
    step.grad_scale = 1
    if o.grad_clip > 0:
        norm = sqrt(gradient_squares(m))
        if norm > o.grad_clip:
            step.grad_scale = <float>(o.grad_clip / norm)
        n_flops[0] += clip_flops(m, norm > o.grad_clip)
    return step


cdef inline Stopped train_steps(
    Model* m, Activations* a, const Stream* s, Optimiser* o, int64_t n_seen, Py_ssize_t batch_size,
    Py_ssize_t n_steps, const double* learning_rate, double* losses, long long* flops,
    long long budget, Py_ssize_t* n_done,
) noexcept nogil:
    """Run up to n_steps steps; losses and flops (n_steps,) hold one entry for each that ran.

    A step is not begun unless its whole cost, clipping included, is within the budget (negative: no
    limit).  A diverged step is the last entry and is not counted in n_done.
    """
    cdef Py_ssize_t k
    cdef long long forward, backward, most
    cdef AdamStep step
    n_done[0] = 0
    if not reserve_for_steps(a, m, s, n_seen, n_steps, batch_size):
        return OUT_OF_MEMORY
    for k in range(n_steps):
        assemble(a, m, s, n_seen + k * batch_size, batch_size)
        forward = forward_flops(m, a.N, a.S, a.B)
        backward = backward_flops(m, a.N, a.S, a.longest, a.n_distinct)
        if budget >= 0:
            most = forward + backward + update_flops(m)
            if o.grad_clip > 0:
                most += clip_flops(m, True)
            if most > budget:
                return OUT_OF_BUDGET
        flops[k] = forward
        gradients(m, a, &losses[k])
        if not is_finite(losses[k]):
            return DIVERGED
        flops[k] += backward + update_flops(m)
        step = next_update(m, o, learning_rate[k], &flops[k])
        gpt_update(m, &step)
        if budget >= 0:
            budget -= flops[k]
        n_done[0] = k + 1
    return DONE
