"""Compile kernels: the one place that decides how."""

import os

import numba
from numba.core.registry import CPUDispatcher
from numba.core.types import unliteral

from isgd_mpi.kernels.code_cache import find_folder, keep

# reassoc and contract only: they let sums vectorise and use fused multiply-add,
# while full fastmath would assume that no NaN exists and delete isnan() checks.
_FASTMATH = {"reassoc", "contract"}
_FOLDER = find_folder(os.environ)

_OPTIONS = {
    "nopython": True,
    "nogil": True,  # a kernel never touches Python objects
    "error_model": "numpy",  # 0/0 is NaN, as in the reference, and loops keep no branch for it
    "fastmath": _FASTMATH,
    "no_cfunc_wrapper": True,  # nobody calls by a pointer
    "boundscheck": None,  # if NUMBA_BOUNDSCHECK says so
}


class _Kernel(CPUDispatcher):
    """A compiled function: kernels that call it with a constant use its code for any number, not code of their own."""

    def get_call_template(self, args, kws):
        """See Numba."""
        return super().get_call_template(tuple(map(unliteral, args)), {name: unliteral(kws[name]) for name in kws})


def jit(function):
    """Compile a kernel when it is first called, once for all ranks and runs of this user."""
    return keep(_compiled(function), function, _FOLDER)


def inlined(function):
    """Compile a function inside kernels that takes or returns vectors: a call would carry them through memory."""
    return _compiled(function, forceinline=True)


def _compiled(function, **options):
    return function if numba.config.DISABLE_JIT else _Kernel(function, targetoptions=_OPTIONS | options)
