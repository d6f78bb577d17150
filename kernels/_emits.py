"""Let functions that are plain Python elsewhere emit instructions of their own in kernels."""

from numba import types
from numba.core.typing.templates import infer_global, make_intrinsic_template


def emits(function):
    """Decorate what emits the instructions of a function, as a body of ``numba.extending.intrinsic`` does.

    Numba's ``overload`` would compile a function that does nothing but call the intrinsic, for each type.

    Parameters
    ----------
    function : callable
        Kernels call it; as plain Python it does the same with arrays.
    """

    def register(emit):
        infer_global(function, types.Function(make_intrinsic_template(function, emit, function.__name__)))
        return emit

    return register
