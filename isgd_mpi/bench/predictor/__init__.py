"""Benchmark ``predictor``: speed of the loss predictor.

To read in this order:

* `main`: options, calls and their matrix products alone, table.
"""
