"""Compiled loops of isgd_mpi: no MPI, no model, no state.

Every kernel works in place on arrays that its caller allocated, in float32 or float64,
and lets a NaN that comes in come out.
"""
