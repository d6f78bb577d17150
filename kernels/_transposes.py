"""Transposes of matrices of 32-bit numbers, in blocks that stay in registers.

Number by number, each store is to a cache line of its own. A block of sixteen vectors is transposed by four rounds in
which pairs of vectors exchange lanes, and sixteen stores of a whole line.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from isgd_mpi.kernels._jit import jit
from isgd_mpi.kernels._vectors import _pointer

SIDE = 16
"""Rows and columns of a block: a vector of AVX-512."""

_LANES = ir.VectorType(ir.IntType(32), SIDE)


@jit
def transpose(source, n_rows, n_columns, target, place, stride):
    """Write the transpose of the first rows and columns of a matrix.

    Parameters
    ----------
    source : (>= n_rows, >= n_columns) ndarray of uint32
        C-contiguous.
    n_rows, n_columns : int
    target : ndarray of uint32
        One-dimensional, overwritten where the transpose goes.
    place, stride : int
        Index of the transpose's first number, and the distance between its rows.
    """
    for row in range(0, n_rows, SIDE):
        for column in range(0, n_columns, SIDE):
            if row + SIDE <= n_rows and column + SIDE <= n_columns:
                start = row * source.shape[1] + column
                transpose_block(source, start, source.shape[1], target, place + column * stride + row, stride)
            else:
                for c in range(column, min(column + SIDE, n_columns)):
                    for r in range(row, min(row + SIDE, n_rows)):
                        target[place + c * stride + r] = source[r, c]


def transpose_block(source, start, source_stride, target, place, target_stride):
    """Write the transpose of a block of SIDE rows and columns, from and to flat indices of C-contiguous arrays."""
    places = np.arange(SIDE)
    block = source.reshape(-1)[start + places[:, None] * source_stride + places]
    target.reshape(-1)[place + places[:, None] * target_stride + places] = block.T


@intrinsic
def _transpose_block(typing_context, source, start, source_stride, target, place, target_stride):
    def generate(context, builder, signature, arguments):
        source, start, source_stride, target, place, target_stride = arguments
        kinds = signature.args[0], signature.args[3]
        sources, targets = (
            [_row(context, builder, kind, array, first, stride, row) for row in range(SIDE)]
            for kind, array, first, stride in zip(
                kinds, (source, target), (start, place), (source_stride, target_stride)
            )
        )
        vectors = [builder.load(address, align=4) for address in sources]
        for distance in (1, 2, 4, 8):
            _exchange(builder, vectors, distance)
        for vector, address in zip(vectors, targets):
            builder.store(vector, address, align=4)
        return context.get_dummy_value()

    return types.none(source, types.intp, types.intp, target, types.intp, types.intp), generate


def _row(context, builder, kind, array, first, stride, row):
    """Emit the address of a row of a block."""
    index = builder.add(first, builder.mul(stride, ir.IntType(64)(row)))
    return builder.bitcast(_pointer(context, builder, kind, array, index), _LANES.as_pointer())


def _exchange(builder, vectors, distance):
    """Swap, in the vectors whose numbers differ in one bit, the lanes whose numbers differ in it."""
    lanes = range(SIDE)
    low = [lane + SIDE - distance if lane & distance else lane for lane in lanes]
    high = [lane + SIDE if lane & distance else lane + distance for lane in lanes]
    for first in lanes:
        if not first & distance:
            both = vectors[first], vectors[first + distance]
            for place, order in ((first, low), (first + distance, high)):
                vectors[place] = builder.shuffle_vector(*both, ir.Constant(_LANES, order))


@overload(transpose_block, inline="always")
def _compiled_transpose_block(source, start, source_stride, target, place, target_stride):
    return lambda source, start, source_stride, target, place, target_stride: _transpose_block(
        source, start, source_stride, target, place, target_stride
    )
