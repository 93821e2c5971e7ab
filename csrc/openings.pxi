"""How documents open, computed once a call.

All documents begin with BOS, and of many most go on as another did.  What the model makes of an opening,
its keys, its values and the softmax of its next token, is kept for the documents that open alike.

An opening is BOS and the few tokens after it, numbered as a tree: BOS alone is 0, opening i and then token a
is i V + 1 + a.
"""

from layout cimport Model, take
from libc.stdint cimport int32_t

cdef enum:
    MOST_OPENINGS = 1 << 14     # BOS and two tokens more of 27
    MOST_KEPT = 1 << 20         # floats

ctypedef struct Openings:
    Py_ssize_t n            # openings
    Py_ssize_t n_kept, most_kept
    Py_ssize_t width        # floats of one that is kept
    int32_t* place          # (n,) of an opening among those kept, from 1 on; 0 if it is not kept
    float* kept             # (most_kept, width): k, v (L, 2 A), exponentials (V), their sum


cdef inline void place_openings(
    Openings* o, const Model* m, Py_ssize_t n_documents, char** at,
) noexcept nogil:
    cdef Py_ssize_t longest = 1
    o.n, o.n_kept = 1, 0
    while o.n * m.V + 1 <= MOST_OPENINGS and longest < m.block_size:
        o.n, longest = o.n * m.V + 1, longest + 1
    o.width = m.L * 2 * m.A + m.Vp + 16
    o.most_kept = min(o.n, MOST_KEPT // o.width)
    if n_documents < o.most_kept // longest:
        o.most_kept = n_documents * longest
    o.place = <int32_t*>take(at, o.n)
    o.kept = take(at, o.most_kept * o.width)


cdef inline Py_ssize_t continued(
    const Openings* o, const Model* m, Py_ssize_t opening, int32_t token,
) noexcept nogil:
    """The opening that this token makes of one; n if it is too long to be one."""
    return min(o.n, opening * m.V + 1 + token)


cdef inline float* kept_opening(const Openings* o, Py_ssize_t opening) noexcept nogil:
    """What is kept of it, or NULL."""
    if opening == o.n or o.place[opening] == 0:
        return NULL
    return o.kept + (o.place[opening] - 1) * o.width


cdef inline float* keep_opening(Openings* o, Py_ssize_t opening) noexcept nogil:
    """Where to keep it, or NULL: it is kept already, or is not to be."""
    if opening == o.n or o.place[opening] != 0 or o.n_kept == o.most_kept:
        return NULL
    o.n_kept += 1
    o.place[opening] = <int32_t>o.n_kept
    return o.kept + (o.n_kept - 1) * o.width
