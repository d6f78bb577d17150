"""Compile kernels: the one place that decides how."""

import os

import numba

from isgd_mpi.kernels.code_cache import find_folder, keep

# reassoc and contract only: they let sums vectorise and use fused multiply-add,
# while full fastmath would assume that no NaN exists and delete isnan() checks.
_FASTMATH = {"reassoc", "contract"}
_FOLDER = find_folder(os.environ)

_compiled = numba.njit(
    nogil=True,  # a kernel never touches Python objects
    error_model="numpy",  # 0/0 is NaN, as in the reference, and loops keep no branch for it
    fastmath=_FASTMATH,
)


def jit(function):
    """Compile a kernel when it is first called, once for all ranks and runs of this user."""
    return keep(_compiled(function), function, _FOLDER)


inlined = numba.njit(nogil=True, error_model="numpy", fastmath=_FASTMATH, forceinline=True)
"""Decorator of a function inside kernels that takes or returns vectors: a call would carry them through memory."""
