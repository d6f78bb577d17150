"""Vectors in compiled loops, of 256 or 64 bytes: compilers do not form them where products of few rows need them.

A product of a few rows is fast if sums stay in registers while a matrix streams past, several rows of sums at a time.
Numba vectorises the innermost loop only, and keeps such sums in memory. These functions give it whole vectors to hold
in variables; LLVM cuts them into the registers of the processor. As plain Python they do the same with arrays.
"""

import numpy as np
from llvmlite import binding, ir
from numba import types
from numba.core import cgutils
from numba.extending import models, register_model

from isgd_mpi.kernels._emits import emits
from isgd_mpi.kernels._jit import jit
from isgd_mpi.kernels.memory import LINE_BYTES

# AVX-512 has 32 registers of 64 bytes, enough for four rows of sums of 256; otherwise 16 of 32
VECTOR_BYTES = 256 if binding.get_host_cpu_features().get("avx512f") else 64


def width_of(array):
    """Return the length of a vector of the array's type."""
    return VECTOR_BYTES // array.itemsize


@jit
def aligned(size, like):
    """Return an empty flat array of the type of `like` that begins at a cache line."""
    raw = np.empty(size + LINE_BYTES // like.itemsize, like.dtype)
    start = (-raw.ctypes.data % LINE_BYTES) // like.itemsize
    return raw[start : start + size]


def load(array, start):
    """Return the vector that begins at a flat index of a C-contiguous array."""
    return array.reshape(-1)[start : start + width_of(array)].copy()


def store(vector, array, start):
    """Write a vector to a C-contiguous array, from a flat index on."""
    array.reshape(-1)[start : start + len(vector)] = vector


def element(array, index):
    """Return the number at a flat index of a C-contiguous array; the index is not checked."""
    return array.reshape(-1)[index]


def prefetch(array, start):
    """Ask for the vector that begins at a flat index of a C-contiguous array to be fetched into the cache."""


def multiply_add(factor, vector, addend):
    """Return ``factor * vector + addend``, rounded once where the processor can; the factor is a number or a vector."""
    return factor * vector + addend


def product(left, right):
    """Return the products of two vectors' numbers."""
    return left * right


def scaled(factor, vector):
    """Return a number times a vector."""
    return factor * vector


def normalised(mean, mean_square, tiny):
    """Return ``mean / (sqrt(mean_square) + tiny)`` of two vectors' numbers."""
    return mean / (np.sqrt(mean_square) + tiny)


def total(vector):
    """Return the sum of a vector's numbers."""
    return vector.sum()


class _Vector(types.Type):
    """Type of a vector."""

    def __init__(self, dtype):
        self.dtype = dtype
        super().__init__(name=f"Vector({dtype}, {VECTOR_BYTES})")


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager, vector):
        number = ir.FloatType() if vector.dtype == types.float32 else ir.DoubleType()
        super().__init__(manager, vector, ir.VectorType(number, 8 * VECTOR_BYTES // vector.dtype.bitwidth))


def _pointer(context, builder, array_type, array, index):
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index])


@emits(width_of)
def _width_of(typing_context, array):
    def generate(context, builder, signature, arguments):
        return context.get_constant(types.intp, 8 * VECTOR_BYTES // array.dtype.bitwidth)

    return types.intp(array), generate


@emits(load)
def _load(typing_context, array, start):
    vector = _Vector(array.dtype)

    def generate(context, builder, signature, arguments):
        pointer = _pointer(context, builder, array, *arguments)
        pointer = builder.bitcast(pointer, context.get_value_type(vector).as_pointer())
        return builder.load(pointer, align=array.dtype.bitwidth // 8)

    return vector(array, types.intp), generate


@emits(store)
def _store(typing_context, vector, array, start):
    def generate(context, builder, signature, arguments):
        value, *place = arguments
        pointer = builder.bitcast(_pointer(context, builder, array, *place), value.type.as_pointer())
        builder.store(value, pointer, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.none(vector, array, types.intp), generate


@emits(element)
def _element(typing_context, array, index):
    def generate(context, builder, signature, arguments):
        return builder.load(_pointer(context, builder, array, *arguments))

    return array.dtype(array, types.intp), generate


@emits(prefetch)
def _prefetch(typing_context, array, start):
    def generate(context, builder, signature, arguments):
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        first = builder.bitcast(_pointer(context, builder, array, *arguments), byte)
        for line in range(0, VECTOR_BYTES, LINE_BYTES):
            place = builder.gep(first, [ir.IntType(64)(line)])
            builder.call(fetch, [place, flag(0), flag(3), flag(1)])  # to be read; to stay in all caches; data
        return context.get_dummy_value()

    return types.none(array, types.intp), generate


@emits(multiply_add)
def _multiply_add(typing_context, factor, vector, addend):
    def generate(context, builder, signature, arguments):
        left, right, summand = arguments
        if signature.args[0] != vector:
            left = _repeated(builder, left, right.type)
        product = builder.fmul(left, right, flags=("contract",))
        return builder.fadd(product, summand, flags=("contract",))

    return vector(vector if factor == vector else vector.dtype, vector, vector), generate


def _repeated(builder, number, kind):
    undefined = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(undefined, number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(ir.IntType(32), kind.count), None))


@emits(product)
def _product(typing_context, left, right):
    def generate(context, builder, signature, arguments):
        return builder.fmul(*arguments, flags=("contract",))

    return left(left, right), generate


@emits(scaled)
def _scaled(typing_context, factor, vector):
    def generate(context, builder, signature, arguments):
        number, right = arguments
        return builder.fmul(_repeated(builder, number, right.type), right, flags=("contract",))

    return vector(vector.dtype, vector), generate


@emits(normalised)
def _normalised(typing_context, mean, mean_square, tiny):
    def generate(context, builder, signature, arguments):
        dividend, square, summand = arguments
        name = f"llvm.sqrt.v{square.type.count}f{mean.dtype.bitwidth}"
        kind = ir.FunctionType(square.type, [square.type])
        root = builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [square])
        return builder.fdiv(dividend, builder.fadd(root, _repeated(builder, summand, root.type)))

    return mean(mean, mean, mean.dtype), generate


@emits(total)
def _total(typing_context, vector):
    def generate(context, builder, signature, arguments):
        (left,) = arguments
        while left.type.count > 1:
            half = left.type.count // 2
            lanes = ir.VectorType(ir.IntType(32), half)
            low, high = (ir.Constant(lanes, list(range(start, start + half))) for start in (0, half))
            left = builder.fadd(builder.shuffle_vector(left, left, low), builder.shuffle_vector(left, left, high))
        return builder.extract_element(left, ir.Constant(ir.IntType(32), 0))

    return vector.dtype(vector), generate
