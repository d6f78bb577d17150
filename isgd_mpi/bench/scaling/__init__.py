"""Benchmark ``scaling``: what more scorers bring one trainer, predicted up to 4 096 ranks.

To read in this order:

* `main`: options, predictions and real runs side by side, tables; the model is :mod:`isgd_mpi.sampling.forecast`;
* `costs`: costs of a refresh's parts, measured here, and real runs.
"""
