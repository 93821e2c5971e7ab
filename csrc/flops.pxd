"""Exact operation counts of what the engine runs: the closed forms of docs/RULES.md.

bandits/model/energy.py states the same forms in Python integers; a test holds both to a counting reference.
A step of the largest sizes allowed is below 2**60 operations.
"""

from layout cimport Model


cdef inline long long forward_flops(const Model* m, long long N, long long S, long long B) noexcept nogil:
    """Loss of a minibatch of B documents, N positions, S causal pairs."""
    cdef long long d = m.C, L = m.L, H = m.H, V = m.V
    cdef long long mean = B if B > 1 else 0
    return N * (4 * d + 4 + 2 * V * d + 3 * V + L * (24 * d * d - 2 * d + 6 - H)) + 4 * L * S * (d + H) + mean


cdef inline long long backward_flops(
    const Model* m, long long N, long long S, long long longest, long long n_distinct,
) noexcept nogil:
    """All gradients; `longest` is the largest T, `n_distinct` the distinct input tokens of the batch."""
    cdef long long d = m.C, L = m.L, H = m.H, V = m.V
    return (N * (1 + V + 4 * V * d + 5 * d + L * (48 * d * d + 2 * d - H)) + 4 * L * S * (2 * d + H)
            - n_distinct * d - V * d - 12 * L * d * d + (N - longest) * d)


cdef inline long long update_flops(const Model* m) noexcept nogil:
    """One Adam update."""
    return 14 * m.n_params


cdef inline long long clip_flops(const Model* m, bint clipped) noexcept nogil:
    """The norm of all gradients and, where it is too long, the scaling."""
    return 2 * m.n_params + (m.n_params + 1 if clipped else 0)


cdef inline long long evaluate_flops(const Model* m, long long N, long long S) noexcept nogil:
    """Losses of documents at a temperature: forward, not averaged over documents; V divisions each."""
    return forward_flops(m, N, S, 1) + N * m.V


cdef inline long long token_flops(const Model* m, long long t) noexcept nogil:
    """One generated token at position t, softmax and temperature included."""
    cdef long long d = m.C, L = m.L, H = m.H, V = m.V
    return 4 * d + 2 + 2 * V * d + 4 * V + L * (24 * d * d - 2 * d + 6 - H + 4 * (t + 1) * (d + H))
