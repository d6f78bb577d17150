"""Numbers in memory that several processes see: written and read so that what was written before is seen, too.

As plain Python they do the same on processors that keep the order of writes.
"""

import platform

from llvmlite import ir
from numba import types
from numba.core import cgutils

from isgd_mpi.kernels._emits import emits

_HAS_PAUSE = platform.machine() in ("x86_64", "AMD64")


def store_release(array, index, value):
    """Write a number to a flat array, behind all that this process wrote before."""
    array[index] = value


def load_acquire(array, index):
    """Read a number of a flat array, before all that this process reads afterwards."""
    return array[index]


def pause():
    """Tell the processor that this is a loop that waits for another one."""


def _place(context, builder, array_type, array, index):
    return builder.gep(context.make_array(array_type)(context, builder, array).data, [index])


@emits(store_release)
def _store_release(typing_context, array, index, value):
    def generate(context, builder, signature, arguments):
        memory, place, number = arguments
        pointer = _place(context, builder, array, memory, place)
        builder.store_atomic(number, pointer, "release", array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.none(array, types.intp, array.dtype), generate


@emits(load_acquire)
def _load_acquire(typing_context, array, index):
    def generate(context, builder, signature, arguments):
        return builder.load_atomic(_place(context, builder, array, *arguments), "acquire", array.dtype.bitwidth // 8)

    return array.dtype(array, types.intp), generate


@emits(pause)
def _pause(typing_context):
    def generate(context, builder, signature, arguments):
        if _HAS_PAUSE:
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.sse2.pause"), [])
        return context.get_dummy_value()

    return types.none(), generate
