"""List the numbers of a row that are not zero, a vector at a time where the processor can move chosen ones together."""

from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from isgd_mpi.kernels._jit import inlined

_LANES = 16 if binding.get_host_cpu_features().get("avx512f") else 0  # of float32; without AVX-512 one at a time


def vectors_in(matrix):
    """Return how many numbers :func:`list_vector` takes at a time; 0 where it does not work."""
    return 0


def list_vector(source, start, n, values, indices, place):
    """List the numbers of a vector of a C-contiguous matrix that are not zero; return their number.

    Parameters
    ----------
    source : (n, m) ndarray of float32
    start : int
        Flat index of the vector.
    n : int
        Place of its first number in the row.
    values, indices : ndarray
        C-contiguous; overwritten from a flat index on: first with what is listed, then up to the length of a vector.
    place : int
        This index.
    """
    raise NotImplementedError("plain Python lists one number at a time")


@inlined
def list_active(source, row, first, n_numbers, values, indices):
    """List the numbers of a part of a row that are not zero, at the same place of other matrices; return their number.

    Parameters
    ----------
    source : (n, m) ndarray
        C-contiguous. A NaN is not zero.
    row, first, n_numbers : int
        The row, the begin of the part, and its length.
    values : (n, _) ndarray
        In this row, from `first` on, first these numbers; overwritten. May be `source` itself.
    indices : (n, _) ndarray of int32
        Places of these numbers in the part, overwritten.
    """
    zero, count, n = source.dtype.type(0), 0, 0
    lanes = vectors_in(source)
    if lanes > 0:  # decided when this is compiled
        start, place = row * source.shape[1] + first, row * values.shape[1] + first
        while n + lanes <= n_numbers:
            count += list_vector(source, start + n, n, values, indices, place + count)
            n += lanes
    for rest in range(n, n_numbers):
        number = source[row, first + rest]
        values[row, first + count] = number  # in any case: processors would mispredict a branch half the time
        indices[row, first + count] = rest
        count += number != zero
    return count


@intrinsic
def _list_vector(typing_context, source, start, n, values, indices, place):
    def generate(context, builder, signature, arguments):
        numbers, places = ir.VectorType(ir.FloatType(), _LANES), ir.VectorType(ir.IntType(32), _LANES)
        source, target, index = (
            context.make_array(signature.args[i])(context, builder, arguments[i]).data for i in (0, 3, 4)
        )
        vector = builder.load(builder.bitcast(builder.gep(source, [arguments[1]]), numbers.as_pointer()), align=4)
        active = builder.fcmp_unordered("!=", vector, ir.Constant(numbers, [0.0] * _LANES))
        undefined, first = ir.Constant(places, ir.Undefined), ir.IntType(32)(0)
        start = builder.insert_element(undefined, builder.trunc(arguments[2], ir.IntType(32)), first)
        start = builder.shuffle_vector(start, undefined, ir.Constant(places, [0] * _LANES))
        own = builder.add(start, ir.Constant(places, list(range(_LANES))))
        for listed, kind, memory in ((vector, numbers, target), (own, places, index)):
            suffix = "f32" if kind is numbers else "i32"
            name = f"llvm.x86.avx512.mask.compress.v{_LANES}{suffix}"
            function = ir.FunctionType(kind, [kind, kind, active.type])
            compress = cgutils.get_or_insert_function(builder.module, function, name)
            moved = builder.call(compress, [listed, ir.Constant(kind, ir.Undefined), active])
            builder.store(moved, builder.bitcast(builder.gep(memory, [arguments[5]]), kind.as_pointer()), align=4)
        bits = builder.bitcast(active, ir.IntType(_LANES))
        return builder.zext(builder.ctpop(bits), ir.IntType(64))

    return types.int64(source, types.intp, types.intp, values, indices, types.intp), generate


@overload(vectors_in, inline="always")
def _compiled_vectors_in(matrix):
    lanes = _LANES if matrix.dtype == types.float32 else 0
    return lambda matrix: lanes


@overload(list_vector, inline="always")
def _compiled_list_vector(source, start, n, values, indices, place):
    if source.dtype == types.float32 and _LANES:
        return lambda source, start, n, values, indices, place: _list_vector(source, start, n, values, indices, place)
    return lambda source, start, n, values, indices, place: 0
