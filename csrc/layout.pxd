"""Where everything lies: the weights of a model and the activations of a batch.

A model is one block of float32, 64-byte aligned, all rows padded with zeros to multiples of 16; the
padding stays exactly 0 because zeros come in and zeros go out of every kernel.  Activations are rows
of tokens, documents packed one behind the other without padding.
"""

from libc.stdlib cimport calloc, free
from libc.stdint cimport int32_t, uintptr_t

ctypedef struct Matrix:
    Py_ssize_t K, M     # padded: inputs, outputs
    float* w            # (K, M): weights
    float* wt           # (M, K): the same, transposed
    float* m            # (K, M): Adam's first moment
    float* v            # (K, M): Adam's second moment
    float* g            # (K, M): gradient

ctypedef struct Layer:
    Matrix qkv, wo, fc1, fc2

ctypedef struct Model:
    Py_ssize_t V, C, L, H, D, block_size    # D = C / H
    Py_ssize_t Vp, Cp, Fp                   # padded V, C, 4 C
    long long n_params
    Matrix embedding                        # (V + block_size, Cp): wte, then wpe; no wt
    Matrix lm_head
    Layer* layer                            # (L,)
    void* block

ctypedef struct LayerActivations:
    float* a            # (N, Cp) rmsnorm before attention
    float* a_rstd       # (N,)
    float* qkv          # (N, 3 Cp)
    float* att          # (H S,) triangles, a document behind the other
    float* o            # (N, Cp) attention output, before wo
    float* b            # (N, Cp) rmsnorm before the MLP
    float* b_rstd       # (N,)
    float* h            # (N, Fp) after ReLU

ctypedef struct Activations:
    Py_ssize_t max_rows, max_pairs, max_documents
    Py_ssize_t N, B                         # rows and documents of the batch in it
    long long S                             # its causal pairs
    Py_ssize_t longest                      # its largest T
    Py_ssize_t n_distinct                   # its distinct input tokens
    Py_ssize_t* start                       # (B + 1,) first row of each document
    int32_t* token                          # (N,) input
    int32_t* target                         # (N,)
    int32_t* seen                           # (V,) last batch in which a token was an input
    int32_t n_batches
    float* x0                               # (N, Cp) rmsnorm of the embedding
    float* x0_rstd                          # (N,)
    float* x                                # (N, Cp) residual stream
    float* logits                           # (N, Vp), then their gradient
    float* dx                               # (N, Cp)
    float* dt                               # (N, Cp) scratch
    float* dh                               # (N, Fp)
    float* dqkv                             # (N, 3 Cp)
    float* datt                             # (block_size,)
    LayerActivations* layer                 # (L,)
    void* block


cdef inline Py_ssize_t pad16(Py_ssize_t n) noexcept nogil:
    """The next multiple of 16."""
    return (n + 15) // 16 * 16


cdef inline float* take(char** at, Py_ssize_t n) noexcept nogil:
    """The next n 4-byte places of a block, 64-byte aligned; with *at starting at 0 it only measures."""
    cdef float* p = <float*>at[0]
    at[0] += pad16(n) * 4
    return p


cdef inline void place_matrix(
    Matrix* w, Py_ssize_t K, Py_ssize_t M, bint transposed, char** at,
) noexcept nogil:
    w.K, w.M = K, M
    w.w = take(at, K * M)
    w.wt = take(at, K * M) if transposed else NULL
    w.m = take(at, K * M)
    w.v = take(at, K * M)
    w.g = take(at, K * M)


cdef inline void place_model(Model* m, char** at) noexcept nogil:
    cdef Py_ssize_t l
    place_matrix(&m.embedding, m.V + m.block_size, m.Cp, False, at)
    place_matrix(&m.lm_head, m.Cp, m.Vp, True, at)
    for l in range(m.L):
        place_matrix(&m.layer[l].qkv, m.Cp, 3 * m.Cp, True, at)
        place_matrix(&m.layer[l].wo, m.Cp, m.Cp, True, at)
        place_matrix(&m.layer[l].fc1, m.Cp, m.Fp, True, at)
        place_matrix(&m.layer[l].fc2, m.Fp, m.Cp, True, at)


cdef inline void place_activations(Activations* a, const Model* m, char** at) noexcept nogil:
    cdef Py_ssize_t N = a.max_rows, l
    a.start = <Py_ssize_t*>take(at, 2 * (a.max_documents + 1))
    a.token = <int32_t*>take(at, N)
    a.target = <int32_t*>take(at, N)
    a.seen = <int32_t*>take(at, m.V)
    a.x0 = take(at, N * m.Cp)
    a.x0_rstd = take(at, N)
    a.x = take(at, N * m.Cp)
    a.logits = take(at, N * m.Vp)
    a.dx = take(at, N * m.Cp)
    a.dt = take(at, N * m.Cp)
    a.dh = take(at, N * m.Fp)
    a.dqkv = take(at, N * 3 * m.Cp)
    a.datt = take(at, m.block_size)
    for l in range(m.L):
        a.layer[l].a = take(at, N * m.Cp)
        a.layer[l].a_rstd = take(at, N)
        a.layer[l].qkv = take(at, N * 3 * m.Cp)
        a.layer[l].att = take(at, a.max_pairs * m.H)
        a.layer[l].o = take(at, N * m.Cp)
        a.layer[l].b = take(at, N * m.Cp)
        a.layer[l].b_rstd = take(at, N)
        a.layer[l].h = take(at, N * m.Fp)


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


cdef inline void free_model(Model* m) noexcept nogil:
    free(m.block)
    free(m.layer)
    m.block, m.layer = NULL, NULL
