"""Vectors that are rounded to bfloat16, and vectors of the first numbers only, at the ragged end of an array.

They extend :mod:`isgd_mpi.kernels._vectors`; rounding is that of :func:`bfloat16.bfloat16_bits`. As plain Python they
do the same with arrays.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

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


def load_widened(array, start, count):
    """Return a vector of bfloat16 numbers; see :func:`load_first`."""
    return (load_first(array, start, count).astype(np.uint32) << 16).view(np.float32)


def rounded(vector):
    """Return the bits of a vector's numbers, rounded to bfloat16."""
    bits = vector.view(np.uint32)
    nearest = (bits + np.uint32(0x7FFF) + (bits >> 16 & 1)) >> 16
    return np.where(np.isnan(vector), bits >> 16 | 64, nearest).astype(np.uint16)


def store_rounded(bits, array, start, count):
    """Write the first ones of a vector of :func:`rounded` numbers to an array of uint16."""
    array.reshape(-1)[start : start + count] = bits[:count]


def store_paired(low, high, array, start, count):
    """Write the first ones of two vectors of :func:`rounded` numbers to an array of uint32, in pairs."""
    array.reshape(-1)[start : start + count] = low[:count] | high[:count].astype(np.uint32) << 16


def relu_of_sum(left, right):
    """Return the sum of two vectors, clipped at zero; a NaN stays one."""
    return np.maximum(left + right, np.float32(0))


def where_active(activation, vector):
    """Return a vector with zeros where an activation is zero; a NaN is not."""
    return np.where(activation <= 0, np.float32(0), vector)


class _Bits(types.Type):
    """Type of a vector of rounded numbers."""

    def __init__(self):
        super().__init__(name=f"Bits({VECTOR_BYTES})")


_BITS = _Bits()


@register_model(_Bits)
class _BitsModel(models.PrimitiveModel):
    def __init__(self, manager, bits):
        super().__init__(manager, bits, _INTEGERS)


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


@intrinsic
def _load_first(typing_context, array, start, count):
    def generate(context, builder, signature, arguments):
        return _load_lanes(context, builder, array, context.get_value_type(_NUMBERS), arguments)

    return _NUMBERS(array, types.intp, types.intp), generate


@intrinsic
def _store_first(typing_context, vector, array, start, count):
    def generate(context, builder, signature, arguments):
        return _store_lanes(context, builder, array, arguments[0], arguments[1:])

    return types.none(vector, array, types.intp, types.intp), generate


@intrinsic
def _load_widened(typing_context, array, start, count):
    def generate(context, builder, signature, arguments):
        bits = builder.zext(_load_lanes(context, builder, array, _HALVES, arguments), _INTEGERS)
        return builder.bitcast(builder.shl(bits, _number(_INTEGERS, 16)), context.get_value_type(_NUMBERS))

    return _NUMBERS(array, types.intp, types.intp), generate


@intrinsic
def _rounded(typing_context, vector):
    def generate(context, builder, signature, arguments):
        (value,) = arguments
        bits, half = builder.bitcast(value, _INTEGERS), _number(_INTEGERS, 16)
        upper = builder.lshr(bits, half)
        odd = builder.and_(upper, _number(_INTEGERS, 1))
        nearest = builder.lshr(builder.add(builder.add(bits, _number(_INTEGERS, 0x7FFF)), odd), half)
        quiet = builder.or_(upper, _number(_INTEGERS, 64))
        return builder.select(builder.fcmp_unordered("uno", value, value), quiet, nearest)

    return _BITS(vector), generate


@intrinsic
def _store_rounded(typing_context, bits, array, start, count):
    def generate(context, builder, signature, arguments):
        return _store_lanes(context, builder, array, builder.trunc(arguments[0], _HALVES), arguments[1:])

    return types.none(bits, array, types.intp, types.intp), generate


@intrinsic
def _store_paired(typing_context, low, high, array, start, count):
    def generate(context, builder, signature, arguments):
        low, high, *place = arguments
        pairs = builder.or_(low, builder.shl(high, _number(_INTEGERS, 16)))
        return _store_lanes(context, builder, array, pairs, place)

    return types.none(low, high, array, types.intp, types.intp), generate


@intrinsic
def _relu_of_sum(typing_context, left, right):
    def generate(context, builder, signature, arguments):
        value = builder.fadd(*arguments)
        zero = ir.Constant(value.type, None)
        return builder.select(builder.fcmp_ordered("<", value, zero), zero, value)

    return left(left, right), generate


@intrinsic
def _where_active(typing_context, activation, vector):
    def generate(context, builder, signature, arguments):
        activation, value = arguments
        zero = ir.Constant(value.type, None)
        return builder.select(builder.fcmp_ordered("<=", activation, zero), zero, value)

    return vector(activation, vector), generate


@overload(load_first, inline="always")
def _compiled_load_first(array, start, count):
    return lambda array, start, count: _load_first(array, start, count)


@overload(store_first, inline="always")
def _compiled_store_first(vector, array, start, count):
    return lambda vector, array, start, count: _store_first(vector, array, start, count)


@overload(load_widened, inline="always")
def _compiled_load_widened(array, start, count):
    return lambda array, start, count: _load_widened(array, start, count)


@overload(rounded, inline="always")
def _compiled_rounded(vector):
    return lambda vector: _rounded(vector)


@overload(store_rounded, inline="always")
def _compiled_store_rounded(bits, array, start, count):
    return lambda bits, array, start, count: _store_rounded(bits, array, start, count)


@overload(store_paired, inline="always")
def _compiled_store_paired(low, high, array, start, count):
    return lambda low, high, array, start, count: _store_paired(low, high, array, start, count)


@overload(relu_of_sum, inline="always")
def _compiled_relu_of_sum(left, right):
    return lambda left, right: _relu_of_sum(left, right)


@overload(where_active, inline="always")
def _compiled_where_active(activation, vector):
    return lambda activation, vector: _where_active(activation, vector)
