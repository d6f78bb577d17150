"""Benchmark ``scaling``: what more scorers bring one trainer, predicted up to 4 096 ranks.

main
    Options, predictions and real runs side by side, tables. The model is :mod:`isgd_mpi.sampling.forecast`.
costs
    Costs of a refresh's parts, measured here, and real runs.
"""
