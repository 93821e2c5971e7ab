"""What scoring and sampling, which keep nothing for a backward pass, need not compute.

x, q, k and v of layer 0 depend on a token and its position alone, so many documents are made of V block_size
different rows.  A row is computed when it is first met, by the products that would have made it anyway, and
copied from then on.  The table lives for one call, because training changes the weights.

An input of fc2 that is 0 adds 0 to every sum, unless it meets an infinite weight.
"""

from layout cimport Model, aligned, take
from libc.stdint cimport int32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset
from norm cimport rmsnorm_forward

cdef enum:
    LARGEST_TABLE = 1 << 22     # floats

ctypedef struct Shortcuts:
    bint finite         # whether all of fc2 is
    float* rows         # (V, block_size, C + 3 A): x, then q, k and v; NULL where a table would not pay
    int32_t* known      # (V, block_size) whether the row has been computed
    int32_t* fresh      # (V, block_size) scratch: the rows that are computed now
    void* block


cdef inline void place_shortcuts(Shortcuts* s, const Model* m, char** at) noexcept nogil:
    s.rows = take(at, m.V * m.block_size * (m.c_row + m.q_row))
    s.known = <int32_t*>take(at, m.V * m.block_size)
    s.fresh = <int32_t*>take(at, m.V * m.block_size)


cdef inline void begin_shortcuts(Shortcuts* s, const Model* m, Py_ssize_t n_rows) noexcept nogil:
    """For a call of about n_rows: a table pays where they could fill half of it, since few rows differ."""
    cdef Py_ssize_t n_different = m.V * m.block_size, l
    cdef char* at = NULL
    s.rows, s.block, s.finite = NULL, NULL, True
    for l in range(m.L):
        s.finite = s.finite and matrix_is_finite(&m.layer[l].fc2)
    if 2 * n_rows < n_different or n_different * (m.c_row + m.q_row) > LARGEST_TABLE:
        return
    place_shortcuts(s, m, &at)
    s.block, s.rows = malloc(<size_t>at + 64), NULL
    if s.block != NULL:     # without memory it goes without a table
        at = aligned(s.block)
        place_shortcuts(s, m, &at)
        memset(s.known, 0, n_different * sizeof(int32_t))


cdef inline void end_shortcuts(Shortcuts* s) noexcept nogil:
    free(s.block)


cdef inline void copy_row(float* to, const float* x, Py_ssize_t n) noexcept nogil:
    """n floats, a multiple of 16: too few to be worth a call of memcpy."""
    cdef Py_ssize_t j
    for j in range(0, n, 16):
        store16(to + j, load16(x + j))


cdef inline void compute_first_rows(
    const Model* m, float* x, float* qkv, float* a, float* rstd, Py_ssize_t N,
) noexcept nogil:
    """x = rmsnorm(a), qkv = wqkv rmsnorm(x), from embeddings in a, which becomes rmsnorm(x)."""
    rmsnorm_forward(x, rstd, a, N, m.C, m.Cp, m.c_row)
    rmsnorm_forward(a, rstd, x, N, m.C, m.Cp, m.c_row)
    linear(qkv, m.q_row, a, m.c_row, &m.layer[0].qkv, N, STORE)


cdef void first_rows(
    const Model* m, Shortcuts* s, float* x, float* qkv, float* a, float* rstd,
    const int32_t* token, const int32_t* position, Py_ssize_t N,
) noexcept nogil:
    """x (N, C) and qkv (N, 3 A) of layer 0; a (N, C) and rstd (N,) are scratch."""
    cdef Py_ssize_t n, row, n_fresh = 0, width = m.c_row + m.q_row
    if s.rows == NULL:
        for n in range(N):
            embed(m, a + n * m.c_row, token[n], position[n])
        compute_first_rows(m, x, qkv, a, rstd, N)
        return
    for n in range(N):
        row = token[n] * m.block_size + position[n]
        if not s.known[row]:
            s.known[row], s.fresh[n_fresh] = True, <int32_t>row
            embed(m, a + n_fresh * m.c_row, token[n], position[n])
            n_fresh += 1
    if n_fresh:
        compute_first_rows(m, x, qkv, a, rstd, n_fresh)
        for n in range(n_fresh):
            copy_row(s.rows + s.fresh[n] * width, x + n * m.c_row, m.c_row)
            copy_row(s.rows + s.fresh[n] * width + m.c_row, qkv + n * m.q_row, m.q_row)
    for n in range(N):
        row = (token[n] * m.block_size + position[n]) * width
        copy_row(x + n * m.c_row, s.rows + row, m.c_row)
        copy_row(qkv + n * m.q_row, s.rows + row + m.c_row, m.q_row)


cdef inline void add_fc2(
    const Model* m, const Shortcuts* s, float* x, const float* h, Py_ssize_t l, Py_ssize_t N,
) noexcept nogil:
    """x (N, C) += fc2(h (N, 4 C)) of layer l."""
    if s.finite:
        add_active_linear(x, m.c_row, h, m.f_row, &m.layer[l].fc2, N)
    else:
        add_linear_by_quarters(x, m.c_row, h, m.f_row, &m.layer[l].fc2, N)
