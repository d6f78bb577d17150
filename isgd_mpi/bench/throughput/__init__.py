"""Benchmark ``throughput``: examples that scorers score in a second.

main
    Options, one job for each net and number of ranks, table.
ranks
    Scoring, and the matrix products alone, on all ranks of a job at the same time.
"""
