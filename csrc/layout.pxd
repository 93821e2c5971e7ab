"""Where everything lies: the weights of a model and the activations of a batch.

A model is one block of float32, 64-byte aligned, all rows padded with zeros to multiples of 16; the
padding stays exactly 0 because zeros come in and zeros go out of every kernel.  Activations are rows
of tokens, documents packed one behind the other without padding.
"""

from libc.stdlib cimport calloc, free
from libc.stdint cimport int32_t, uintptr_t

ctypedef struct Matrix:
    Py_ssize_t K, M     # inputs, outputs
    Py_ssize_t Kp, Mp   # padded to multiples of 16
    float* w            # (Mp / 16, Kp, 16): weights in panels of 16 outputs
    float* wt           # (Kp / 16, Mp, 16): the same in panels of 16 inputs
    float* m            # like w: Adam's first moment
    float* v            # like w: Adam's second moment
    float* g            # like w: gradient

ctypedef struct Layer:
    Matrix qkv, wo, fc1, fc2

ctypedef struct Model:
    Py_ssize_t V, C, L, H, D, block_size    # D = C / H
    Py_ssize_t Vp, Cp, Fp                   # padded V, C, 4 C
    Py_ssize_t Dp, A                        # padded D, and all heads' padded columns: H Dp, padded
    Py_ssize_t n_groups, n_lanes            # attention works on groups of lanes: see attention.pxd
    Py_ssize_t long_from                    # positions that long_attention.pxi attends to faster
    Py_ssize_t c_row, a_row, q_row, f_row, v_row    # strides of activations C, A, 3 A, 4 C, V wide
    long long n_params
    Matrix embedding                        # (V + block_size, Cp) by rows: wte, then wpe; no wt
    Matrix lm_head
    Layer* layer                            # (L,)
    void* block

ctypedef struct LayerActivations:
    float* a            # (N, C) rmsnorm before attention
    float* a_rstd       # (N,)
    float* qkv          # (N, 3 A)
    float* att          # (S, n_groups, 16) triangles of exponentials, by document and group
    float* share        # (N, n_groups, 16) 1 / sum of each row of a triangle
    float* o            # (N, A) attention output, before wo
    float* b            # (N, C) rmsnorm before the MLP
    float* b_rstd       # (N,)
    float* h            # (N, 4 C) after ReLU

ctypedef struct Activations:
    Py_ssize_t max_rows, max_pairs, max_documents
    Py_ssize_t N, B                         # rows and documents of the batch in it
    long long S                             # its causal pairs
    Py_ssize_t longest                      # its largest T
    Py_ssize_t n_distinct                   # its distinct input tokens
    Py_ssize_t* start                       # (B + 1,) first row of each document
    int32_t* token                          # (N,) input
    int32_t* position                       # (N,) in its document
    int32_t* target                         # (N,)
    int32_t* seen                           # (V,) last batch in which a token was an input
    int32_t n_batches
    float* x0                               # (N, C) rmsnorm of the embedding
    float* x0_rstd                          # (N,)
    float* x                                # (N, C) residual stream
    float* logits                           # (N, V), then their gradient
    float* total                            # (N,) sum of the exponentials of the logits
    float* bits                             # (N,) of each target
    float* dx                               # (N, C)
    float* dt                               # (N, C) or (N, A): scratch
    float* dh                               # (N, 4 C)
    float* dqkv                             # (N, 3 A)
    float* transposed                       # (A, block_size padded): k or v of a long document, or NULL
    float* narrow                           # (3, block_size padded, 16): of one head
    float* pairs                            # (block_size, block_size padded): of one head
    float* tile                             # (512,)
    LayerActivations* layer                 # (L,)
    void* block


cdef inline Py_ssize_t pad16(Py_ssize_t n) noexcept nogil:
    """The next multiple of 16."""
    return (n + 15) // 16 * 16


cdef inline Py_ssize_t stride16(Py_ssize_t n) noexcept nogil:
    """The stride of rows of n floats: padded, and no multiple of 1 KB, so that rows share the cache."""
    cdef Py_ssize_t padded = pad16(n)
    return padded + 16 if padded % 256 == 0 else padded


cdef inline void set_sizes(
    Model* m, Py_ssize_t V, Py_ssize_t C, Py_ssize_t L, Py_ssize_t H, Py_ssize_t block_size,
) noexcept nogil:
    """All sizes that follow from a configuration."""
    m.V, m.C, m.L, m.H, m.D, m.block_size = V, C, L, H, C // H, block_size
    m.Vp, m.Cp, m.Fp = pad16(V), pad16(C), pad16(4 * C)
    m.Dp = 1
    while m.Dp < m.D and m.Dp < 16:
        m.Dp *= 2
    if m.D > 16:
        m.Dp = pad16(m.D)
    m.A = pad16(H * m.Dp)
    m.n_lanes = m.Dp if m.Dp > 16 else 16
    m.n_groups = m.A // m.n_lanes
    m.long_from = 33 if m.Dp >= 8 else 193 if m.Dp == 4 else block_size + 1     # measured
    m.c_row, m.a_row, m.q_row = stride16(C), stride16(m.A), stride16(3 * m.A)
    m.f_row, m.v_row = stride16(4 * C), stride16(V)
    m.n_params = (2 * V + block_size) * C + 12 * L * C * C


cdef inline float* take(char** at, Py_ssize_t n) noexcept nogil:
    """The next n 4-byte places of a block, 64-byte aligned; with *at starting at 0 it only measures."""
    cdef float* p = <float*>at[0]
    at[0] += pad16(n) * 4
    return p


cdef inline void place_matrix(
    Matrix* w, Py_ssize_t K, Py_ssize_t M, bint transposed, char** at,
) noexcept nogil:
    w.K, w.M, w.Kp, w.Mp = K, M, pad16(K), pad16(M)
    w.w = take(at, w.Kp * w.Mp)
    w.wt = take(at, w.Kp * w.Mp) if transposed else NULL
    w.m = take(at, w.Kp * w.Mp)
    w.v = take(at, w.Kp * w.Mp)
    w.g = take(at, w.Kp * w.Mp)


cdef inline Py_ssize_t place_of(const Matrix* w, Py_ssize_t i, Py_ssize_t j) noexcept nogil:
    """Where input i of output j lies in w, m, v and g; in the embedding j is the row."""
    if w.wt == NULL:
        return j * w.Mp + i
    return (j // 16 * w.Kp + i) * 16 + j % 16


cdef inline void place_model(Model* m, char** at) noexcept nogil:
    cdef Py_ssize_t l
    place_matrix(&m.embedding, m.V + m.block_size, m.C, False, at)
    place_matrix(&m.lm_head, m.C, m.V, True, at)
    for l in range(m.L):
        place_matrix(&m.layer[l].qkv, m.C, 3 * m.A, True, at)
        place_matrix(&m.layer[l].wo, m.A, m.C, True, at)
        place_matrix(&m.layer[l].fc1, m.C, 4 * m.C, True, at)
        place_matrix(&m.layer[l].fc2, 4 * m.C, m.C, True, at)


cdef inline void place_activations(Activations* a, const Model* m, char** at) noexcept nogil:
    cdef Py_ssize_t N = a.max_rows, l
    a.start = <Py_ssize_t*>take(at, 2 * (a.max_documents + 1))
    a.token = <int32_t*>take(at, N)
    a.position = <int32_t*>take(at, N)
    a.target = <int32_t*>take(at, N)
    a.seen = <int32_t*>take(at, m.V)
    a.x0 = take(at, N * m.c_row)
    a.x0_rstd = take(at, N)
    a.x = take(at, N * m.c_row)
    a.logits = take(at, N * m.v_row)
    a.total = take(at, N)
    a.bits = take(at, N)
    a.dx = take(at, N * m.c_row)
    a.dt = take(at, N * max(m.c_row, m.a_row))
    a.dh = take(at, N * m.f_row)
    a.dqkv = take(at, N * m.q_row)
    if m.block_size >= m.long_from:
        a.transposed = take(at, m.A * pad16(m.block_size))
        a.narrow = take(at, 48 * pad16(m.block_size))
        a.pairs = take(at, m.block_size * pad16(m.block_size))
        a.tile = take(at, 512)
    for l in range(m.L):
        a.layer[l].a = take(at, N * m.c_row)
        a.layer[l].a_rstd = take(at, N)
        a.layer[l].qkv = take(at, N * m.q_row)
        a.layer[l].att = take(at, a.max_pairs * m.n_groups * 16)
        a.layer[l].share = take(at, N * m.n_groups * 16)
        a.layer[l].o = take(at, N * m.a_row)
        a.layer[l].b = take(at, N * m.c_row)
        a.layer[l].b_rstd = take(at, N)
        a.layer[l].h = take(at, N * m.f_row)


cdef inline char* aligned(void* block) noexcept nogil:
    """The first 64-byte boundary in a block that was allocated 64 bytes too long."""
    return <char*>((<uintptr_t>block + 63) // 64 * 64)


cdef inline int allocate_model(Model* m) noexcept nogil:
    """Lay the model out in one block of zeros.  Returns 0 if there is no memory for it."""
    cdef char* at = NULL
    m.layer = <Layer*>calloc(m.L, sizeof(Layer))
    if m.layer == NULL:
        return 0
    place_model(m, &at)
    m.block = calloc(1, <size_t>at + 64)
    if m.block == NULL:
        return 0
    at = aligned(m.block)
    place_model(m, &at)
    return 1


cdef inline void free_activations(Activations* a) noexcept nogil:
    free(a.block)
    free(a.layer)
    a.block, a.layer = NULL, NULL
    a.max_rows = a.max_pairs = a.max_documents = 0


cdef inline int reserve_activations(
    Activations* a, const Model* m, Py_ssize_t rows, Py_ssize_t pairs, Py_ssize_t documents,
) noexcept nogil:
    """Make room for such a batch.  Returns 0 if there is no memory for it."""
    cdef char* at = NULL
    if rows <= a.max_rows and pairs <= a.max_pairs and documents <= a.max_documents:
        return 1
    rows, pairs = max(rows, a.max_rows), max(pairs, a.max_pairs)
    documents = max(documents, a.max_documents)
    free_activations(a)
    a.layer = <LayerActivations*>calloc(m.L, sizeof(LayerActivations))
    if a.layer == NULL:
        return 0
    a.max_rows, a.max_pairs, a.max_documents = rows, pairs, documents
    place_activations(a, m, &at)
    a.block = calloc(1, <size_t>at + 64)
    if a.block == NULL:
        free_activations(a)
        return 0
    at = aligned(a.block)
    place_activations(a, m, &at)
    a.n_batches = 0
    return 1


cdef inline Py_ssize_t size_of_activations(const Model* m, Py_ssize_t documents) noexcept nogil:
    """Bytes of a batch of documents of block_size positions, or -1 if there is no memory to measure it."""
    cdef Activations a
    cdef char* at = NULL
    a.layer = <LayerActivations*>calloc(m.L, sizeof(LayerActivations))
    if a.layer == NULL:
        return -1
    a.max_rows, a.max_documents = documents * m.block_size, documents
    a.max_pairs = documents * (m.block_size * (m.block_size + 1) // 2)
    place_activations(&a, m, &at)
    free(a.layer)
    return <Py_ssize_t>at


cdef inline void free_model(Model* m) noexcept nogil:
    free(m.block)
    free(m.layer)
    m.block, m.layer = NULL, NULL
