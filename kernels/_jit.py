"""Compile kernels: the one place that decides how."""

import numba

# reassoc and contract only: they let sums vectorise and use fused multiply-add,
# while full fastmath would assume that no NaN exists and delete isnan() checks.
_FASTMATH = {"reassoc", "contract"}

jit = numba.njit(
    cache=True,  # compile once per node, not once per rank and run
    nogil=True,  # a kernel never touches Python objects
    error_model="numpy",  # 0/0 is NaN, as in the reference, and loops keep no branch for it
    fastmath=_FASTMATH,
)
"""Decorator of every compiled kernel."""

inlined = numba.njit(nogil=True, error_model="numpy", fastmath=_FASTMATH, forceinline=True)
"""Decorator of a function inside kernels that takes or returns vectors: a call would carry them through memory."""
