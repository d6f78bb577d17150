"""Benchmark ``memory``: memory of each rank and the trainer's time, with a large training set.

main
    Options, data, one job for each shape, tables.
ranks
    A training run whose steps and activities are timed.
resident
    Memory of processes, read from /proc while they run.
"""
