"""Training steps: a minibatch, its loss, its gradients, one Adam update; nothing of it in Python."""

from adam cimport AdamStep
from flops cimport backward_flops, clip_flops, forward_flops, update_flops
from lanes cimport is_finite, prefetch, set16
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


cdef inline Py_ssize_t next_document(const Stream* s, int64_t* place) noexcept nogil:
    """The document at a place in the order; the place moves on, round and round."""
    cdef Py_ssize_t document = s.order[place[0]]
    place[0] += 1
    if place[0] == s.n_order:
        place[0] = 0
    return document


cdef void assemble(
    Activations* a, const Model* m, const Stream* s, int64_t* place, Py_ssize_t batch_size,
) noexcept nogil:
    """The batch of the next batch_size documents.  The order is a shuffled one, so the documents after
    them are asked from memory now, and where the ones after those begin.
    """
    cdef Py_ssize_t b
    cdef int64_t ahead
    begin_batch(a)
    for b in range(batch_size):
        add_document(a, m, s.token, s.offset, next_document(s, place))
    ahead = place[0]
    for b in range(batch_size):
        prefetch(s.token + s.offset[next_document(s, &ahead)])
    for b in range(batch_size):
        prefetch(s.offset + next_document(s, &ahead))


cdef int reserve_for_steps(
    Activations* a, const Model* m, const Stream* s, int64_t place, Py_ssize_t n_steps,
    Py_ssize_t batch_size,
) noexcept nogil:
    """Room for the largest of these batches, so that no step allocates.  Returns 0 without memory."""
    cdef Py_ssize_t k, b, T, rows, pairs, most_rows = 0, most_pairs = 0
    if a.max_documents >= batch_size and a.max_rows >= batch_size * m.block_size and (
            a.max_pairs >= batch_size * (m.block_size * (m.block_size + 1) // 2)):
        return 1
    for k in range(n_steps):
        rows = pairs = 0
        for b in range(batch_size):
            T = positions(m, s.offset, next_document(s, &place))
            rows += T
            pairs += T * (T + 1) // 2
        most_rows, most_pairs = max(most_rows, rows), max(most_pairs, pairs)
    return reserve_activations(a, m, most_rows, most_pairs, batch_size)


cdef AdamStep next_update(Optimiser* o, double learning_rate) noexcept nogil:
    """The constants of the next update; the powers of beta move on."""
    cdef AdamStep step
    o.beta1_power *= o.beta1
    o.beta2_power *= o.beta2
    step.beta1, step.one_minus_beta1 = set16(<float>o.beta1), set16(<float>(1 - o.beta1))
    step.beta2, step.one_minus_beta2 = set16(<float>o.beta2), set16(<float>(1 - o.beta2))
    step.rate = set16(<float>(learning_rate / (1 - o.beta1_power)))
    step.root_scale = set16(<float>(1 / sqrt(1 - o.beta2_power)))
    step.eps = set16(<float>o.eps)
    return step


cdef long long backward_and_update(
    Model* m, Activations* a, Optimiser* o, double learning_rate,
) noexcept nogil:
    """The second half of a step; returns the operations of clipping, 0 where nothing may be clipped."""
    cdef AdamStep step = next_update(o, learning_rate)
    cdef double norm
    if o.grad_clip <= 0:
        gpt_backward(m, a, &step)
        return 0
    gpt_backward(m, a, NULL)
    norm = sqrt(gradient_squares(m))
    gpt_update(m, <float>(o.grad_clip / norm) if norm > o.grad_clip else 1, &step)
    return clip_flops(m, norm > o.grad_clip)


cdef Stopped train_steps(
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
    cdef int64_t place = n_seen % s.n_order
    n_done[0] = 0
    if not reserve_for_steps(a, m, s, place, n_steps, batch_size):
        return OUT_OF_MEMORY
    for k in range(n_steps):
        assemble(a, m, s, &place, batch_size)
        forward = forward_flops(m, a.N, a.S, a.B)
        backward = backward_flops(m, a.N, a.S, a.longest, a.n_distinct)
        if budget >= 0:
            most = forward + backward + update_flops(m)
            if o.grad_clip > 0:
                most += clip_flops(m, True)
            if most > budget:
                return OUT_OF_BUDGET
        flops[k] = forward
        gpt_forward(m, a, NULL)
        losses[k] = gpt_loss(m, a)
        if not is_finite(losses[k]):
            return DIVERGED
        flops[k] += backward + update_flops(m) + backward_and_update(m, a, o, learning_rate[k])
        if budget >= 0:
            budget -= flops[k]
        n_done[0] = k + 1
    return DONE
