"""Name the arithmetics of scores and of training, and tell from which minibatch on training in one is faster."""

FLOAT32, AVX512, AMX = "float32", "bfloat16 (AVX-512)", "bfloat16 (MKL, AMX)"
"""Arithmetics: float32, and products of bfloat16 numbers by compiled kernels or by MKL."""

TRAINS_FROM = {AVX512: 64, AMX: 128}
"""Examples of a minibatch from which on training is faster than in float32, whatever the net."""
