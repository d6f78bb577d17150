"""Benchmark ``memory``: memory of each rank and the trainer's time, with a large training set.

main
    Options, data, one job for each shape, tables.
ranks
    A training run whose memory, steps and activities are measured.
resident
    Memory of processes, read from /proc while they run.
"""
