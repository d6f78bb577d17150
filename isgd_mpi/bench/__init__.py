"""Benchmarks of whole pieces of isgd_mpi; ``python -m kernels.bench`` has those of single kernels."""
