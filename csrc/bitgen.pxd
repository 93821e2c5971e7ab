"""numpy's bit generators as C sees them: `capsule` of one holds this struct, which numpy documents and keeps.

Source: https://numpy.org/doc/stable/reference/random/extending.html
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport uint32_t, uint64_t

ctypedef struct bitgen_t:
    void* state
    uint64_t (*next_uint64)(void* state) noexcept nogil
    uint32_t (*next_uint32)(void* state) noexcept nogil
    double (*next_double)(void* state) noexcept nogil
    uint64_t (*next_raw)(void* state) noexcept nogil


cdef inline bitgen_t* bitgen_of(generator) except NULL:
    """The words of a bit generator of numpy's, which has to stay alive as long as they are drawn."""
    return <bitgen_t*>PyCapsule_GetPointer(generator.capsule, "BitGenerator")
