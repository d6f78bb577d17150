"""Benchmark ``predictor``: speed of the loss predictor.

main
    Options, calls and their matrix products alone, table.
"""
