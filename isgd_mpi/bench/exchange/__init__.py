"""Benchmark ``exchange``: how parameters and scores can travel, and what that costs the trainer.

main
    Options, one job for each number of ranks, table.
ranks
    One refresh after the other on the ranks of a job.
patterns
    The transports of the package, and Bcast with Gatherv beside them.
"""
