"""What ``python -m isgd_mpi.report`` is made of."""
