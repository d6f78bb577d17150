"""Transpose parts of matrices, block by block: a compiler reads columns number by number.

A block is as high and as wide as a register of 64 bytes holds numbers. Its rows are loaded, exchange their halves,
quarters and so on pairwise, and are stored as the block's columns.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils

from isgd_mpi.kernels._emits import emits
from isgd_mpi.kernels._jit import jit
from isgd_mpi.kernels.memory import LINE_BYTES


def lanes_of(matrix):
    """Return the height and width of a block of a matrix of this type."""
    return LINE_BYTES // matrix.itemsize


def transpose_block(source, place, target, target_place):
    """Transpose a block of a C-contiguous matrix to one of another.

    Parameters
    ----------
    source : (n, m) ndarray of float32, float64 or uint32
    place : tuple of int
        Row and column of the block's first number.
    target : ndarray
        Of the same type; overwritten in this block.
    target_place : tuple of int

    Notes
    -----
    Of a matrix that ends beside the block, what lies in memory behind each row takes the place of the missing columns:
    of `target` it is overwritten, row after row downwards.
    """
    n = lanes_of(source)
    block = source[place[0] : place[0] + n, place[1] : place[1] + n].T
    part = target[target_place[0] : target_place[0] + n, target_place[1] : target_place[1] + n]
    part[: len(block)] = block[: len(part), : part.shape[1]]


@jit
def transpose(source, rows, columns, target, target_place):
    """Transpose a part of a matrix to a place in another one.

    Parameters
    ----------
    source : (n, m) ndarray
        C-contiguous, float32, float64 or uint32.
    rows, columns : tuple of int
        Begin and end of the part.
    target : ndarray
        C-contiguous; overwritten in this part.
    target_place : tuple of int
        Row and column of `target` at which the transposed part begins.
    """
    lanes = lanes_of(source)
    n_down, n_across = (rows[1] - rows[0]) // lanes, (columns[1] - columns[0]) // lanes
    is_tall = n_down > n_across
    for outer in range(min(n_down, n_across)):
        for inner in range(max(n_down, n_across)):  # along the longer side: matrices are then read or written in order
            down, across = (lanes * inner, lanes * outer) if is_tall else (lanes * outer, lanes * inner)
            place = rows[0] + down, columns[0] + across
            transpose_block(source, place, target, (target_place[0] + across, target_place[1] + down))
    down, across = lanes * n_down, lanes * n_across
    right, below = columns[0] + across, rows[0] + down
    _transpose_singly(
        source, (rows[0], below), (right, columns[1]), target, (target_place[0] + across, target_place[1])
    )
    _transpose_singly(source, (below, rows[1]), columns, target, (target_place[0], target_place[1] + down))


@jit
def _transpose_singly(source, rows, columns, target, target_place):
    """Transpose a part number by number."""
    for c in range(columns[1] - columns[0]):
        for r in range(rows[1] - rows[0]):
            target[target_place[0] + c, target_place[1] + r] = source[rows[0] + r, columns[0] + c]


@emits(lanes_of)
def _lanes_of(typing_context, matrix):
    def generate(context, builder, signature, arguments):
        return context.get_constant(types.intp, LINE_BYTES // (matrix.dtype.bitwidth // 8))

    return types.intp(matrix), generate


@emits(transpose_block)
def _transpose_block(typing_context, source, place, target, target_place):
    lanes = LINE_BYTES // (source.dtype.bitwidth // 8)

    def generate(context, builder, signature, arguments):
        kind = ir.VectorType(context.get_value_type(source.dtype), lanes)

        def pointers(matrix_type, matrix, place):
            array = context.make_array(matrix_type)(context, builder, matrix)
            row, column = cgutils.unpack_tuple(builder, place)
            width = cgutils.unpack_tuple(builder, array.shape)[1]
            first = builder.add(builder.mul(row, width), column)
            for r in range(lanes):
                place = builder.add(first, builder.mul(width, ir.Constant(width.type, r)))
                yield builder.bitcast(builder.gep(array.data, [place]), kind.as_pointer())

        align = source.dtype.bitwidth // 8
        rows = [builder.load(each, align=align) for each in pointers(source, *arguments[:2])]
        for vector, each in zip(_exchanged(builder, rows), pointers(target, *arguments[2:])):
            builder.store(vector, each, align=align)
        return context.get_dummy_value()

    pair = types.UniTuple(types.intp, 2)
    return types.none(source, pair, target, pair), generate


def _exchanged(builder, rows):
    """Emit the transpose of a block, given its rows; return its columns."""
    n, span = len(rows), len(rows) // 2
    lanes = ir.VectorType(ir.IntType(32), n)
    while span:
        low = ir.Constant(lanes, [j + n - span if j & span else j for j in range(n)])
        high = ir.Constant(lanes, [j + n if j & span else j + span for j in range(n)])
        for r in (r for r in range(n) if not r & span):
            pair = rows[r], rows[r + span]
            rows[r], rows[r + span] = (builder.shuffle_vector(*pair, chosen) for chosen in (low, high))
        span //= 2
    return rows
