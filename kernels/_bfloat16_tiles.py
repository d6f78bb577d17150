"""The inner loop of a bfloat16 matrix product, written in LLVM's language: its sums never leave the registers.

Written by hand because no compiler makes the instruction VDPBF16PS of a loop. It multiplies sixteen pairs of bfloat16
numbers with sixteen others and adds both products of each pair to a float32, twice the arithmetic of
a float32 multiply-add in the same time on the processors that have it (AMD's since Zen 4).
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

N_ROWS = 6
"""Rows of a tile: 6 rows of 4 vectors are 24 sums, and leave 8 of the 32 registers for the factors."""

LANES = 16
"""Columns of a vector of sums."""

_INTEGER, _INDEX, _BYTE = ir.IntType(32), ir.IntType(64), ir.IntType(8)
_PAIRS, _SUMS = ir.VectorType(_INTEGER, LANES), ir.VectorType(ir.FloatType(), LANES)


def tile_product(n_vectors):
    """Return an intrinsic ``(h, row, pairs, column, out)`` that writes one tile of a product.

    Parameters
    ----------
    n_vectors : int
        Columns of the tile, in vectors of LANES.

    Returns
    -------
    numba.extending._Intrinsic
        Its arguments are those of :func:`isgd_mpi.kernels.bfloat16_products.multiply`, with `pairs` of the tile's
        columns only, and the first row and column of the tile.
    """

    @intrinsic
    def write_tile(typing_context, h, row, pairs, column, out):
        signature = types.void(h, types.intp, pairs, types.intp, out)

        def generate(context, builder, signature, arguments):
            h, pairs, out = (context.make_array(signature.args[i])(context, builder, arguments[i]) for i in (0, 2, 4))
            row, column = arguments[1], arguments[3]
            left = [_address(builder, h, _plus(builder, row, r)) for r in range(N_ROWS)]
            depth = cgutils.unpack_tuple(builder, h.shape)[1]
            n_pairs = builder.lshr(depth, _INDEX(1))
            product = _dot_of_pairs(context, builder.module)
            sums = _loop(builder, n_pairs, left, builder.bitcast(pairs.data, _BYTE.as_pointer()), n_vectors, product)
            for r, vectors in enumerate(sums):
                target = _address(builder, out, _plus(builder, row, r), builder.shl(column, _INDEX(2)))
                for v, vector in enumerate(vectors):
                    _store(builder, vector, target, 4 * LANES * v)
            return context.get_dummy_value()

        return signature, generate

    return write_tile


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
    if "+avx512bf16" not in context.codegen().magic_tuple()[2].split(","):
        return _dot_of_halves
    kind = ir.FunctionType(_SUMS, [_SUMS, _PAIRS, _PAIRS])
    instruction = cgutils.get_or_insert_function(module, kind, "llvm.x86.avx512bf16.dpbf16ps.512")
    return lambda builder, sums, left, right: builder.call(instruction, [sums, left, right])


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
