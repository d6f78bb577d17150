"""Benchmark ``time-to-loss``: wall-clock time until the training loss is small, beside uniform SGD.

main
    Options, one run for each seed, rate and method, tables.
ranks
    One of our runs.
torch_ranks
    One of PyTorch's.
descent
    Snapshots of the parameters on the way, and their evaluation afterwards.
"""
