"""Vectors that are rounded to bfloat16, and vectors of the first numbers only, at the ragged end of an array.

They extend :mod:`isgd_mpi.kernels._vectors`. Two vectors are rounded together, as both are needed in pairs and each by
itself: that is one instruction on processors with bfloat16. Rounding is that of :func:`bfloat16.bfloat16_bits`, but for
numbers below 1.2e-38: they become zero where the processor rounds, and count as zero in its products in any case.
As plain Python the functions do the same with arrays.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import models, register_model

from isgd_mpi.kernels._bfloat16_tiles import has_bfloat16
from isgd_mpi.kernels._emits import emits
from isgd_mpi.kernels._vectors import VECTOR_BYTES, _pointer, _Vector

_N_LANES = VECTOR_BYTES // 4
_INTEGERS, _HALVES = ir.VectorType(ir.IntType(32), _N_LANES), ir.VectorType(ir.IntType(16), _N_LANES)
_NUMBERS = _Vector(types.float32)


def load_first(array, start, count):
    """Return a vector of the `count` numbers from a flat index of a C-contiguous array on; the others are zero."""
    vector = np.zeros(_N_LANES, array.dtype)
    vector[:count] = array.reshape(-1)[start : start + count]
    return vector


def store_first(vector, array, start, count):
    """Write the first numbers of a vector to a C-contiguous array, from a flat index on."""
    array.reshape(-1)[start : start + count] = vector[:count]


def rounded_pairs(low, high):
    """Return two vectors rounded to bfloat16, in pairs: the first one's numbers in the lower halves of 32 bits."""
    return _bits(low) | _bits(high) << 16


def _bits(vector):
    bits = vector.view(np.uint32)
    nearest = (bits + np.uint32(0x7FFF) + (bits >> 16 & 1)) >> 16
    return np.where(np.isnan(vector), bits >> 16 | 64, nearest)


def store_pairs(pairs, array, start, count):
    """Write the first ones of a vector of pairs to an array of uint32."""
    array.reshape(-1)[start : start + count] = pairs[:count]


def store_low(pairs, array, start, count):
    """Write the lower halves of the first ones of a vector of pairs to an array of uint16."""
    array.reshape(-1)[start : start + count] = pairs[:count].astype(np.uint16)


def store_high(pairs, array, start, count):
    """Write the upper halves of the first ones of a vector of pairs to an array of uint16."""
    array.reshape(-1)[start : start + count] = pairs[:count] >> 16


def relu_of_sum(left, right):
    """Return the sum of two vectors, clipped at zero; a NaN stays one."""
    return np.maximum(left + right, np.float32(0))


def where_active(vector, activations, start, count):
    """Return a vector with zeros where activations are zero, bfloat16 numbers from a flat index on; a NaN is not."""
    active = np.zeros(_N_LANES, bool)
    active[:count] = activations.reshape(-1)[start : start + count] & 0x7FFF  # the sign bit is cut: -0 is zero too
    return np.where(active, vector, np.float32(0))


class _Pairs(types.Type):
    """Type of a vector of pairs of rounded numbers."""

    def __init__(self):
        super().__init__(name=f"Pairs({VECTOR_BYTES})")


_PAIRS = _Pairs()


@register_model(_Pairs)
class _PairsModel(models.PrimitiveModel):
    def __init__(self, manager, pairs):
        super().__init__(manager, pairs, _INTEGERS)


class _BFloat(ir.types._BaseFloatType):
    """LLVM's type of a bfloat16, which llvmlite does not have."""

    null, intrinsic_name = "0.0", "bf16"

    def __str__(self):
        return "bfloat"


_BFloat._create_instance()


def _mask(builder, count):
    """Emit the mask of the first lanes."""
    lanes = ir.Constant(_INTEGERS, list(range(_N_LANES)))
    undefined, everywhere = ir.Constant(_INTEGERS, ir.Undefined), ir.Constant(_INTEGERS, [0] * _N_LANES)
    first = builder.insert_element(undefined, builder.trunc(count, ir.IntType(32)), ir.IntType(32)(0))
    return builder.icmp_signed("<", lanes, builder.shuffle_vector(first, undefined, everywhere))


def _load_lanes(context, builder, array, kind, arguments):
    """Emit a load of the first lanes of a vector type; the others are zero."""
    content, start, count = arguments
    mask, address = _mask(builder, count), _pointer(context, builder, array, content, start)
    address = builder.bitcast(address, kind.as_pointer())
    signature = ir.FunctionType(kind, [address.type, ir.IntType(32), mask.type, kind])
    name = f"llvm.masked.load.{_name(kind)}.p0"
    load = cgutils.get_or_insert_function(builder.module, signature, name)
    return builder.call(load, [address, ir.IntType(32)(array.dtype.bitwidth // 8), mask, ir.Constant(kind, None)])


def _store_lanes(context, builder, array, value, arguments):
    """Emit a store of the first lanes of a vector."""
    content, start, count = arguments
    mask, address = _mask(builder, count), _pointer(context, builder, array, content, start)
    address = builder.bitcast(address, value.type.as_pointer())
    signature = ir.FunctionType(ir.VoidType(), [value.type, address.type, ir.IntType(32), mask.type])
    name = f"llvm.masked.store.{_name(value.type)}.p0"
    store = cgutils.get_or_insert_function(builder.module, signature, name)
    builder.call(store, [value, address, ir.IntType(32)(array.dtype.bitwidth // 8), mask])
    return context.get_dummy_value()


def _name(kind):
    """Return a vector type's name in those of intrinsics."""
    return f"v{kind.count}{'f32' if kind.element == ir.FloatType() else kind.element}"


def _number(kind, number):
    """Return a vector that repeats one number."""
    return ir.Constant(kind, [number] * kind.count)


@emits(load_first)
def _load_first(typing_context, array, start, count):
    def generate(context, builder, signature, arguments):
        return _load_lanes(context, builder, array, context.get_value_type(_NUMBERS), arguments)

    return _NUMBERS(array, types.intp, types.intp), generate


@emits(store_first)
def _store_first(typing_context, vector, array, start, count):
    def generate(context, builder, signature, arguments):
        return _store_lanes(context, builder, array, arguments[0], arguments[1:])

    return types.none(vector, array, types.intp, types.intp), generate


@emits(rounded_pairs)
def _rounded_pairs(typing_context, low, high):
    def generate(context, builder, signature, arguments):
        if has_bfloat16(context) and _N_LANES % 16 == 0:
            return _rounded_by_the_processor(builder, *arguments)
        low, high = (_rounded(builder, value) for value in arguments)
        return builder.or_(low, builder.shl(high, _number(_INTEGERS, 16)))

    return _PAIRS(low, high), generate


def _rounded(builder, value):
    """Emit the bits of a vector rounded to bfloat16."""
    bits, half = builder.bitcast(value, _INTEGERS), _number(_INTEGERS, 16)
    upper = builder.lshr(bits, half)
    odd = builder.and_(upper, _number(_INTEGERS, 1))
    nearest = builder.lshr(builder.add(builder.add(bits, _number(_INTEGERS, 0x7FFF)), odd), half)
    quiet = builder.or_(upper, _number(_INTEGERS, 64))
    return builder.select(builder.fcmp_unordered("uno", value, value), quiet, nearest)


def _rounded_by_the_processor(builder, low, high):
    """Emit pairs of rounded numbers by an instruction that writes sixteen of one vector behind sixteen of another."""
    sixteen, rounded = ir.VectorType(ir.FloatType(), 16), ir.VectorType(_BFloat(), 32)
    kind = ir.FunctionType(rounded, [sixteen, sixteen])
    name = "llvm.x86.avx512bf16.cvtne2ps2bf16.512"
    instruction = cgutils.get_or_insert_function(builder.module, kind, name)
    in_turn = [place for lane in range(16) for place in (lane, lane + 16)]
    parts = []
    for start in range(0, _N_LANES, 16):
        lanes = range(start, start + 16)
        both = builder.call(instruction, [_shuffled(builder, high, high, lanes), _shuffled(builder, low, low, lanes)])
        both = builder.bitcast(both, ir.VectorType(ir.IntType(16), 32))
        parts.append(builder.bitcast(_shuffled(builder, both, both, in_turn), ir.VectorType(ir.IntType(32), 16)))
    while len(parts) > 1:
        lanes = range(2 * parts[0].type.count)
        parts = [_shuffled(builder, *two, lanes) for two in zip(parts[::2], parts[1::2])]
    return parts[0]


def _shuffled(builder, left, right, lanes):
    """Emit a vector of some lanes of two vectors; those of the second follow those of the first."""
    return builder.shuffle_vector(left, right, ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes)))


@emits(store_pairs)
def _store_pairs(typing_context, pairs, array, start, count):
    def generate(context, builder, signature, arguments):
        return _store_lanes(context, builder, array, arguments[0], arguments[1:])

    return types.none(pairs, array, types.intp, types.intp), generate


@emits(store_low)
def _store_low(typing_context, pairs, array, start, count):
    def generate(context, builder, signature, arguments):
        return _store_lanes(context, builder, array, builder.trunc(arguments[0], _HALVES), arguments[1:])

    return types.none(pairs, array, types.intp, types.intp), generate


@emits(store_high)
def _store_high(typing_context, pairs, array, start, count):
    def generate(context, builder, signature, arguments):
        high = builder.lshr(arguments[0], _number(_INTEGERS, 16))
        return _store_lanes(context, builder, array, builder.trunc(high, _HALVES), arguments[1:])

    return types.none(pairs, array, types.intp, types.intp), generate


@emits(relu_of_sum)
def _relu_of_sum(typing_context, left, right):
    def generate(context, builder, signature, arguments):
        value = builder.fadd(*arguments)
        zero = ir.Constant(value.type, None)
        return builder.select(builder.fcmp_ordered("<", value, zero), zero, value)

    return left(left, right), generate


@emits(where_active)
def _where_active(typing_context, vector, activations, start, count):
    def generate(context, builder, signature, arguments):
        value, *place = arguments
        bits = _load_lanes(context, builder, activations, _HALVES, place)
        magnitude = builder.and_(bits, _number(_HALVES, 0x7FFF))
        active = builder.icmp_unsigned("!=", magnitude, _number(_HALVES, 0))
        return builder.select(active, value, ir.Constant(value.type, None))

    return vector(vector, activations, types.intp, types.intp), generate
