"""The inner loop of a bfloat16 matrix product, written in LLVM's language: its sums never leave the registers.

Written by hand because no compiler makes the instruction VDPBF16PS of a loop. It multiplies sixteen pairs of bfloat16
numbers with sixteen others and adds both products of each pair to a float32, twice the arithmetic of
a float32 multiply-add in the same time on the processors that have it (AMD's since Zen 4).
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from isgd_mpi.kernels._jit import jit
from isgd_mpi.kernels._vectors import VECTOR_BYTES, _Vector, aligned

N_ROWS = 6
"""Rows of a tile: 6 rows of 4 vectors are 24 sums, and leave 8 of the 32 registers for the factors."""

LANES = 16
"""Columns of a vector of sums."""

WIDE = 4 * LANES
"""Columns of most panels of a right factor; the last ones have LANES."""

IN_REGISTERS = VECTOR_BYTES == 4 * WIDE
"""Whether a row of a wide tile is one vector, as :func:`wide_tile` needs."""

_INTEGER, _INDEX, _BYTE = ir.IntType(32), ir.IntType(64), ir.IntType(8)
_PAIRS, _SUMS = ir.VectorType(_INTEGER, LANES), ir.VectorType(ir.FloatType(), LANES)


def tile_product(n_vectors):
    """Return a function ``(h, row, pairs, start, out, place)`` that writes one tile of a product.

    Parameters
    ----------
    n_vectors : int
        Columns of the tile, in vectors of LANES.

    Returns
    -------
    callable
        Takes the left factor and the first row of the tile; the right factor and the start of the tile's panel in it;
        and where the tile goes: a matrix, and the row and column of its first number. Kernels call its compiled form;
        as plain Python it does the same with arrays.
    """
    width, compiled = n_vectors * LANES, _compiled_tile_product(n_vectors)

    def write_tile(h, row, pairs, start, out, place):
        panel = pairs[start : start + h.shape[1] // 2 * width].reshape(-1, width)
        factor = np.stack([panel << 16, panel & 0xFFFF0000], axis=1).reshape(h.shape[1], width)
        left = h[row : row + N_ROWS].astype(np.uint32) << 16
        tile = out[place[0] : place[0] + N_ROWS, place[1] : place[1] + width]
        np.matmul(left.view(np.float32), factor.view(np.float32), out=tile)

    @overload(write_tile, inline="always")
    def _write_tile(h, row, pairs, start, out, place):
        return lambda h, row, pairs, start, out, place: compiled(h, row, pairs, start, out, place[0], place[1])

    return write_tile


def _compiled_tile_product(n_vectors):
    """Return the intrinsic of :func:`tile_product`."""

    @intrinsic
    def write_tile(typing_context, h, row, pairs, start, out, out_row, column):
        signature = types.void(h, types.intp, pairs, types.intp, out, types.intp, types.intp)

        def generate(context, builder, signature, arguments):
            sums = _sums(context, builder, signature.args, arguments, n_vectors)
            out, (out_row, column) = (
                context.make_array(signature.args[4])(context, builder, arguments[4]),
                arguments[5:],
            )
            for r, vectors in enumerate(sums):
                target = _address(builder, out, _plus(builder, out_row, r), builder.shl(column, _INDEX(2)))
                for v, vector in enumerate(vectors):
                    _store(builder, vector, target, 4 * LANES * v)
            return context.get_dummy_value()

        return signature, generate

    return write_tile


def wide_tile(h, row, pairs, column):
    """Return the product of N_ROWS rows and a panel of WIDE columns, a vector for each row; see :func:`write_tile`."""
    out = np.empty((N_ROWS, WIDE), np.float32)
    _write_wide_tile(h, row, pairs, column * h.shape[1] // 2, out, (0, 0))
    return tuple(out)


@intrinsic
def _wide_tile(typing_context, h, row, pairs, start):
    rows = types.UniTuple(_Vector(types.float32), N_ROWS)

    def generate(context, builder, signature, arguments):
        vectors = [_joined(builder, sums) for sums in _sums(context, builder, signature.args, arguments, WIDE // LANES)]
        return context.make_tuple(builder, rows, vectors)

    return rows(h, types.intp, pairs, types.intp), generate


def _joined(builder, vectors):
    """Emit one vector of several."""
    while len(vectors) > 1:
        lanes = ir.Constant(ir.VectorType(_INTEGER, 2 * vectors[0].type.count), list(range(2 * vectors[0].type.count)))
        vectors = [builder.shuffle_vector(*two, lanes) for two in zip(vectors[::2], vectors[1::2])]
    return vectors[0]


@overload(wide_tile, inline="always")
def _compiled_wide_tile(h, row, pairs, column):
    return lambda h, row, pairs, column: _wide_tile(h, row, pairs, column * h.shape[1] // 2)


def _sums(context, builder, kinds, arguments, n_vectors):
    """Emit the sums of a tile; arguments begin as in :func:`tile_product`, kinds are their types. See :func:`_loop`."""
    h, pairs = (context.make_array(kinds[i])(context, builder, arguments[i]) for i in (0, 2))
    left = [_address(builder, h, _plus(builder, arguments[1], r)) for r in range(N_ROWS)]
    right = builder.bitcast(builder.gep(pairs.data, [arguments[3]]), _BYTE.as_pointer())
    n_pairs = builder.lshr(cgutils.unpack_tuple(builder, h.shape)[1], _INDEX(1))
    return _loop(builder, n_pairs, left, right, n_vectors, _dot_of_pairs(context, builder.module))


def _loop(builder, n_pairs, left, right, n_vectors, product):
    """Emit the loop that sums products over the pairs; return the sums, a list of vectors for each row."""
    before, loop = builder.block, builder.append_basic_block("pairs")
    builder.branch(loop)
    builder.position_at_end(loop)
    pair = builder.phi(_INDEX)
    sums = [[builder.phi(_SUMS) for _ in range(n_vectors)] for _ in left]
    panel = builder.gep(right, [builder.mul(pair, _INDEX(4 * LANES * n_vectors))])
    columns = [_load(builder, _PAIRS, panel, _INDEX(4 * LANES * v)) for v in range(n_vectors)]
    rows = [_spread(builder, _load(builder, _INTEGER, each, builder.shl(pair, _INDEX(2)))) for each in left]
    new = [[product(builder, total, row, c) for total, c in zip(totals, columns)] for totals, row in zip(sums, rows)]
    following = _plus(builder, pair, 1)
    builder.cbranch(builder.icmp_unsigned("<", following, n_pairs), loop, builder.append_basic_block("done"))
    for phi, start, value in [(pair, _INDEX(0), following), *_flat(sums, new)]:
        phi.add_incoming(start, before)
        phi.add_incoming(value, loop)
    builder.position_at_end(builder.function.blocks[-1])
    return new


def _flat(sums, new):
    zero = ir.Constant(_SUMS, [0.0] * LANES)
    return [(phi, zero, value) for phis, values in zip(sums, new) for phi, value in zip(phis, values)]


def _dot_of_pairs(context, module):
    """Return the emitter of ``sums + low * low + high * high``: one instruction, or several on old processors."""
    if not has_bfloat16(context):
        return _dot_of_halves
    kind = ir.FunctionType(_SUMS, [_SUMS, _PAIRS, _PAIRS])
    instruction = cgutils.get_or_insert_function(module, kind, "llvm.x86.avx512bf16.dpbf16ps.512")
    return lambda builder, sums, left, right: builder.call(instruction, [sums, left, right])


def has_bfloat16(context):
    """Return whether code is compiled for a processor with instructions for bfloat16."""
    return "+avx512bf16" in context.codegen().magic_tuple()[2].split(",")


def _dot_of_halves(builder, sums, left, right):
    """Emit ``sums + low * low + high * high`` for a processor without bfloat16.

    Each half of a pair is a float32 number once it stands in the upper half of 32 bits.
    """
    shift, mask = (ir.Constant(_PAIRS, [bits] * LANES) for bits in (16, 0xFFFF0000))
    for half in (lambda pairs: builder.shl(pairs, shift), lambda pairs: builder.and_(pairs, mask)):
        factors = [builder.bitcast(half(pairs), _SUMS) for pairs in (left, right)]
        sums = builder.fadd(sums, builder.fmul(*factors), flags=("contract",))
    return sums


def _spread(builder, value):
    """Emit a vector that repeats one value."""
    undefined, first = ir.Constant(_PAIRS, ir.Undefined), ir.Constant(_PAIRS, [0] * LANES)
    return builder.shuffle_vector(builder.insert_element(undefined, value, _INTEGER(0)), undefined, first)


def _plus(builder, index, offset):
    return builder.add(index, _INDEX(offset))


def _address(builder, array, row, offset=None):
    """Emit the address of a row of a two-dimensional array, or of the byte in it that `offset` gives."""
    start = builder.mul(row, cgutils.unpack_tuple(builder, array.strides)[0])
    place = start if offset is None else builder.add(start, offset)
    return builder.gep(builder.bitcast(array.data, _BYTE.as_pointer()), [place])


def _load(builder, kind, address, offset):
    return builder.load(builder.bitcast(builder.gep(address, [offset]), kind.as_pointer()), align=4)


def _store(builder, value, address, offset):
    target = builder.bitcast(builder.gep(address, [_INDEX(offset)]), value.type.as_pointer())
    builder.store(value, target, align=4)


def padded(n, multiple=LANES):
    """Return n rounded up to a multiple: rows and columns of factors are filled up to it, with zeros."""
    return -(-n // multiple) * multiple


_padded = jit(padded)
_write_wide_tile, _write_narrow_tile = tile_product(4), tile_product(1)


@jit
def panel_width(column, fan_out):
    """Return the width of the panel that begins at a column, in a right factor of `fan_out` columns."""
    return WIDE if column + WIDE <= _padded(fan_out) else LANES


@jit
def write_tile(h, row, pairs, column, width, out, place):
    """Write the product of N_ROWS rows and one panel of columns.

    Parameters
    ----------
    h, pairs
        Factors; see :func:`isgd_mpi.kernels.bfloat16_products.multiply`.
    row : int
        First row of the left factor.
    column, width : int
        First column of the panel, and its width, as :func:`panel_width` gives it.
    out : ndarray of float32
    place : tuple of int
        Row and column of `out` that the tile begins at.
    """
    start = column * h.shape[1] // 2
    if width == WIDE:
        _write_wide_tile(h, row, pairs, start, out, place)
    else:
        _write_narrow_tile(h, row, pairs, start, out, place)


@jit
def new_tile(like):
    """Return room for a tile, in the type of an array."""
    return aligned(N_ROWS * WIDE, like).reshape(N_ROWS, WIDE)
