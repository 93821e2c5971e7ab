"""Matrix products, all by one register tile.

A weight matrix is kept twice: w, input major, and its transpose wt, both in panels of 16 columns:
panel p of w holds w[k, 16 p .. 16 p + 15] for all k, one row of 16 behind the other.  Then every
product broadcasts one number of its left side and multiplies 16 lanes of its right side by it:

    forward    Y  = X W      left X  (N, K), right w  (K, M)
    backward   dX = dY W^T   left dY (N, M), right wt (M, K)
               dW = X^T dY   left X  (N, K) by columns, right dY (N, M)

Each element is one chain of fused multiply-adds in the order of the inner index (or four, one behind
the other: add_linear_by_quarters), so it depends neither on the tile nor on the number of rows: a document
alone gives the bits that it gives in a batch.  (An x86 before FMA has a tile of its own: panel16.)
"""

from lanes cimport (
    FUSED, VL, above0_16, add16, count_lanes, fma16, keep16, load16, lowest_lane, panel16, set16, store16,
    v16, zero16,
)
from layout cimport Matrix

cdef enum Epilogue:
    STORE       # y = a
    RELU        # y = a where a > 0, else 0
    ADD         # y = y + a
    MASK        # y = a where gate > 0, else 0: the backward pass of RELU

cdef enum:
    MOST_ROWS = 14      # of a tile, so that its sums, the right side and one broadcast fit in registers

cdef struct Product:
    Py_ssize_t n_inner
    const float* x
    Py_ssize_t x_row, x_inner       # x[i, k] at x + i x_row + k x_inner
    const float* w
    Py_ssize_t w_row, w_panel
    float* y
    Py_ssize_t y_row, y_panel
    const float* gate               # laid out like y
    Epilogue epilogue


cdef inline void tile(
    const int R, const int C, const Product* p, Py_ssize_t row, Py_ssize_t panel,
) noexcept nogil:
    """R rows and C panels of the product, from this row and panel on; R and C are literals of the caller."""
    cdef v16 acc[MOST_ROWS][3]
    cdef v16 right[3]
    cdef v16 left
    cdef Py_ssize_t k, n_inner = p.n_inner, x_row = p.x_row, x_inner = p.x_inner
    cdef Py_ssize_t w_row = p.w_row, w_panel = p.w_panel, y_row = p.y_row, y_panel = p.y_panel
    cdef const float* x[5]       # of every third row: x86 scales an index by 1, 2, 4 or 8
    cdef const float* w = p.w + panel * w_panel
    cdef float* y = p.y + row * y_row + panel * y_panel
    cdef const float* gate = p.gate + row * y_row + panel * y_panel
    cdef int r, c
    for r in range(0, R, 3):
        x[r // 3] = p.x + (row + r) * x_row
    for r in range(R):
        for c in range(C):
            acc[r][c] = zero16()
    for k in range(n_inner):
        for c in range(C):
            right[c] = load16(w + c * w_panel)
        for r in range(R):
            left = set16(x[r // 3][r % 3 * x_row])
            for c in range(C):
                acc[r][c] = fma16(left, right[c], acc[r][c])
        for r in range(0, R, 3):
            x[r // 3] += x_inner
        w += w_row
    # a loop for each epilogue: with a choice inside, the sums would be spilled
    if p.epilogue == STORE:
        for r in range(R):
            for c in range(C):
                store16(y + r * y_row + c * y_panel, acc[r][c])
    elif p.epilogue == RELU:
        for r in range(R):
            for c in range(C):
                store16(y + r * y_row + c * y_panel, keep16(acc[r][c], acc[r][c]))
    elif p.epilogue == ADD:
        for r in range(R):
            for c in range(C):
                store16(y + r * y_row + c * y_panel,
                        add16(load16(y + r * y_row + c * y_panel), acc[r][c]))
    else:
        for r in range(R):
            for c in range(C):
                store16(y + r * y_row + c * y_panel,
                        keep16(acc[r][c], load16(gate + r * y_row + c * y_panel)))


cdef inline void tiles(
    const int R, const int C, const Product* p, Py_ssize_t row, Py_ssize_t n_tiles, Py_ssize_t panel,
) noexcept nogil:
    """n_tiles tiles below each other.  (Inside a loop gcc unrolls a tile before it allots registers.)"""
    cdef Py_ssize_t i
    for i in range(n_tiles):
        tile(R, C, p, row + i * R, panel)


cdef void tiles1(
    int R, const Product* p, Py_ssize_t row, Py_ssize_t n_tiles, Py_ssize_t panel,
) noexcept nogil:
    if R == 1: tiles(1, 1, p, row, n_tiles, panel)
    elif R == 2: tiles(2, 1, p, row, n_tiles, panel)
    elif R == 3: tiles(3, 1, p, row, n_tiles, panel)
    elif R == 4: tiles(4, 1, p, row, n_tiles, panel)
    elif R == 5: tiles(5, 1, p, row, n_tiles, panel)
    elif R == 6: tiles(6, 1, p, row, n_tiles, panel)
    elif VL == 16:
        if R == 7: tiles(7, 1, p, row, n_tiles, panel)
        elif R == 8: tiles(8, 1, p, row, n_tiles, panel)
        elif R == 9: tiles(9, 1, p, row, n_tiles, panel)
        elif R == 10: tiles(10, 1, p, row, n_tiles, panel)
        elif R == 11: tiles(11, 1, p, row, n_tiles, panel)
        elif R == 12: tiles(12, 1, p, row, n_tiles, panel)
        elif R == 13: tiles(13, 1, p, row, n_tiles, panel)
        elif R == 14: tiles(14, 1, p, row, n_tiles, panel)


cdef void tiles2(
    int R, const Product* p, Py_ssize_t row, Py_ssize_t n_tiles, Py_ssize_t panel,
) noexcept nogil:
    if R == 1: tiles(1, 2, p, row, n_tiles, panel)
    elif R == 2: tiles(2, 2, p, row, n_tiles, panel)
    elif R == 3: tiles(3, 2, p, row, n_tiles, panel)
    elif R == 4: tiles(4, 2, p, row, n_tiles, panel)
    elif R == 5: tiles(5, 2, p, row, n_tiles, panel)
    elif R == 6: tiles(6, 2, p, row, n_tiles, panel)
    elif R == 7: tiles(7, 2, p, row, n_tiles, panel)
    elif R == 8: tiles(8, 2, p, row, n_tiles, panel)
    elif R == 9: tiles(9, 2, p, row, n_tiles, panel)
    elif R == 10: tiles(10, 2, p, row, n_tiles, panel)
    elif R == 11: tiles(11, 2, p, row, n_tiles, panel)
    elif R == 12: tiles(12, 2, p, row, n_tiles, panel)


cdef void tiles3(
    int R, const Product* p, Py_ssize_t row, Py_ssize_t n_tiles, Py_ssize_t panel,
) noexcept nogil:
    if R == 1: tiles(1, 3, p, row, n_tiles, panel)
    elif R == 2: tiles(2, 3, p, row, n_tiles, panel)
    elif R == 3: tiles(3, 3, p, row, n_tiles, panel)
    elif R == 4: tiles(4, 3, p, row, n_tiles, panel)
    elif R == 5: tiles(5, 3, p, row, n_tiles, panel)
    elif R == 6: tiles(6, 3, p, row, n_tiles, panel)
    elif R == 7: tiles(7, 3, p, row, n_tiles, panel)
    elif R == 8: tiles(8, 3, p, row, n_tiles, panel)


cdef inline void row_tiles(
    int C, int R, const Product* p, Py_ssize_t row, Py_ssize_t n_tiles, Py_ssize_t panel,
) noexcept nogil:
    if C == 1: tiles1(R, p, row, n_tiles, panel)
    elif VL < 16: pass      # the registers of other machines hold one panel's tile
    elif C == 2: tiles2(R, p, row, n_tiles, panel)
    else: tiles3(R, p, row, n_tiles, panel)


cdef inline void multiply_by_panels(
    const Product* p, Py_ssize_t n_rows, Py_ssize_t n_panels,
) noexcept nogil:
    """All of the product where a multiply-add is no instruction: panel16 has a tile of its own."""
    cdef Py_ssize_t panel, row, n, r, at
    cdef v16 sums[16]
    for row in range(0, n_rows, 16):
        n = min(<Py_ssize_t>16, n_rows - row)
        for panel in range(n_panels):
            panel16(sums, p.x + row * p.x_row, p.x_row, p.x_inner, p.w + panel * p.w_panel, p.w_row,
                    n, p.n_inner)
            for r in range(n):
                at = (row + r) * p.y_row + panel * p.y_panel
                if p.epilogue == RELU:
                    sums[r] = keep16(sums[r], sums[r])
                elif p.epilogue == ADD:
                    sums[r] = add16(load16(p.y + at), sums[r])
                elif p.epilogue == MASK:
                    sums[r] = keep16(sums[r], load16(p.gate + at))
                store16(p.y + at, sums[r])


cdef void multiply(const Product* p, Py_ssize_t n_rows, Py_ssize_t n_panels) noexcept nogil:
    """All of the product, its rows shared out evenly among the fewest tiles."""
    cdef Py_ssize_t panel = 0, left, n_tiles, n_taller
    cdef int C, most, R
    if not FUSED:
        multiply_by_panels(p, n_rows, n_panels)
        return
    while panel < n_panels:
        left = n_panels - panel
        if VL < 16 or left == 1:
            C, most = 1, 14 if VL == 16 else 6 if VL == 8 else 3
        elif left == 2 or left == 4:
            C, most = 2, 12
        else:
            C, most = 3, 8
        n_tiles = (n_rows + most - 1) // most
        R = <int>(n_rows // n_tiles)
        n_taller = n_rows - n_tiles * R
        if n_taller:
            row_tiles(C, R + 1, p, 0, n_taller, panel)
        row_tiles(C, R, p, n_taller * (R + 1), n_tiles - n_taller, panel)
        panel += C


cdef inline void row_panels(
    const int C, const Epilogue epilogue, float* y, const float* x, const float* w, Py_ssize_t w_panel,
    Py_ssize_t K,
) noexcept nogil:
    """C panels of the product of one row; C and the epilogue are literals of the caller."""
    cdef v16 acc[4]
    cdef v16 left
    cdef Py_ssize_t k
    cdef int c
    for c in range(C):
        acc[c] = zero16()
    for k in range(K):
        left = set16(x[k])
        for c in range(C):
            acc[c] = fma16(left, load16(w + c * w_panel), acc[c])
        w += 16
    for c in range(C):
        if epilogue == RELU:
            acc[c] = keep16(acc[c], acc[c])
        elif epilogue == ADD:
            acc[c] = add16(load16(y + 16 * c), acc[c])
        store16(y + 16 * c, acc[c])


cdef inline void row_linear(
    const Epilogue epilogue, float* y, const float* x, const Matrix* w,
) noexcept nogil:
    """y = x w of one row, as sampling needs it: nothing to hide a latency behind but other panels."""
    cdef Py_ssize_t panel, n_panels = w.Mp // 16, w_panel = 16 * w.Kp
    for panel in range(0, n_panels - 3, 4):
        row_panels(4, epilogue, y + 16 * panel, x, w.w + panel * w_panel, w_panel, w.K)
    panel = n_panels // 4 * 4
    if n_panels % 4 == 3:
        row_panels(3, epilogue, y + 16 * panel, x, w.w + panel * w_panel, w_panel, w.K)
    elif n_panels % 4 == 2:
        row_panels(2, epilogue, y + 16 * panel, x, w.w + panel * w_panel, w_panel, w.K)
    elif n_panels % 4 == 1:
        row_panels(1, epilogue, y + 16 * panel, x, w.w + panel * w_panel, w_panel, w.K)


cdef void linear(
    float* y, Py_ssize_t y_row, const float* x, Py_ssize_t x_row, const Matrix* w, Py_ssize_t N,
    Epilogue epilogue,
) noexcept nogil:
    """y = x w.  x (N, K), y (N, M); costs N K M multiply-adds."""
    if N == 1:
        if epilogue == STORE:
            row_linear(STORE, y, x, w)
        elif epilogue == RELU:
            row_linear(RELU, y, x, w)
        else:
            row_linear(ADD, y, x, w)
        return
    cdef Product p = Product(w.K, x, x_row, 1, w.w, 16, 16 * w.Kp, y, y_row, 16, y, epilogue)
    multiply(&p, N, w.Mp // 16)


cdef void add_linear_by_quarters(
    float* y, Py_ssize_t y_row, const float* x, Py_ssize_t x_row, const Matrix* w, Py_ssize_t N,
) noexcept nogil:
    """y += x w, a quarter of the K inputs after the other: four chains of a quarter's length.

    A row alone waits for each multiply-add of a chain, and fc2 has the longest: so sampling waits less.
    """
    cdef Py_ssize_t quarter = w.K // 4, i, k
    cdef Product p
    if N == 1:
        for i in range(w.Mp // 16):
            store16(y + 16 * i, add_quarters(load16(y + 16 * i), x, w.w + i * 16 * w.Kp, quarter))
        return
    for i in range(4):
        k = i * quarter
        p = Product(quarter, x + k, x_row, 1, w.w + 16 * k, 16, 16 * w.Kp, y, y_row, 16, y, ADD)
        multiply(&p, N, w.Mp // 16)


cdef inline v16 add_quarters(v16 y, const float* x, const float* w, Py_ssize_t n) noexcept nogil:
    """The four chains of one row and panel, side by side."""
    cdef v16 a = zero16(), b = zero16(), c = zero16(), d = zero16()
    cdef Py_ssize_t k
    for k in range(n):
        a = fma16(set16(x[k]), load16(w + 16 * k), a)
        b = fma16(set16(x[n + k]), load16(w + 16 * (n + k)), b)
        c = fma16(set16(x[2 * n + k]), load16(w + 16 * (2 * n + k)), c)
        d = fma16(set16(x[3 * n + k]), load16(w + 16 * (3 * n + k)), d)
    return add16(add16(add16(add16(y, a), b), c), d)


cdef bint leaving_out_pays(const float* x, Py_ssize_t x_row, const Matrix* w, Py_ssize_t N) noexcept nogil:
    """Whether few enough of x (N, K) are above 0.  Half cycles, measured: 2 to look at an input, 4 for each
    panel of an active one; without looking 1 for each panel, and 2 where a row is alone.
    """
    cdef Py_ssize_t n, k, n_panels = w.Mp // 16, n_active = 0, whole = n_panels * (2 if N == 1 else 1)
    if whole <= 2:
        return False
    for n in range(N):
        for k in range(0, w.K, 16):
            n_active += count_lanes(above0_16(load16(x + n * x_row + k)))
    return 2 * N * w.K + 4 * n_active * n_panels < N * w.K * whole


cdef inline void add_active_panels(
    const int C, float* y, const float* x, const float* w, Py_ssize_t w_panel, Py_ssize_t K,
) noexcept nogil:
    """C panels of one row's four chains; C is a literal of the caller."""
    cdef v16 total[4]
    cdef v16 acc[4]
    cdef v16 left
    cdef Py_ssize_t k0, k, quarter = K // 4, end = quarter
    cdef unsigned int active
    cdef int c
    for c in range(C):
        total[c], acc[c] = load16(y + 16 * c), zero16()
    for k0 in range(0, K, 16):
        active = above0_16(load16(x + k0))
        while active:
            k = k0 + lowest_lane(active)
            active &= active - 1
            while k >= end:
                for c in range(C):
                    total[c], acc[c] = add16(total[c], acc[c]), zero16()
                end += quarter
            left = set16(x[k])
            for c in range(C):
                acc[c] = fma16(left, load16(w + c * w_panel + 16 * k), acc[c])
    for c in range(C):
        store16(y + 16 * c, add16(total[c], acc[c]))


cdef void add_active_linear(
    float* y, Py_ssize_t y_row, const float* x, Py_ssize_t x_row, const Matrix* w, Py_ssize_t N,
) noexcept nogil:
    """add_linear_by_quarters of x = relu(..) and finite w, leaving out the inputs that are 0.

    After some hundred steps nine in ten are.
    """
    cdef Py_ssize_t n, panel, n_panels = w.Mp // 16, w_panel = 16 * w.Kp
    if not leaving_out_pays(x, x_row, w, N):
        add_linear_by_quarters(y, y_row, x, x_row, w, N)
        return
    for n in range(N):
        for panel in range(0, n_panels - 3, 4):
            add_active_panels(4, y + 16 * panel, x, w.w + panel * w_panel, w_panel, w.K)
        for panel in range(n_panels // 4 * 4, n_panels):
            add_active_panels(1, y + 16 * panel, x, w.w + panel * w_panel, w_panel, w.K)
        y += y_row
        x += x_row


cdef void linear_backward_input(
    float* dx, Py_ssize_t dx_row, const float* dy, Py_ssize_t dy_row, const Matrix* w, Py_ssize_t N,
    Epilogue epilogue, const float* gate,
) noexcept nogil:
    """dx = dy w^T, from y = x w; with MASK where gate > 0, from x = relu(..) = gate."""
    cdef Product p = Product(w.M, dy, dy_row, 1, w.wt, 16, 16 * w.Mp, dx, dx_row, 16, gate, epilogue)
    multiply(&p, N, w.Kp // 16)


cdef void linear_backward_weight(
    Matrix* w, const float* x, Py_ssize_t x_row, const float* dy, Py_ssize_t dy_row, Py_ssize_t N,
) noexcept nogil:
    """dw = x^T dy, from y = x w: written, not added, because a batch is one product."""
    cdef Product p = Product(N, x, 1, x_row, dy, dy_row, 16, w.g, 16, 16 * w.Kp, w.g, STORE)
    multiply(&p, w.Kp, w.Mp // 16)
