"""Benchmark ``throughput``: examples that scorers score in a second.

To read in this order:

* `main`: options, one job for each net and number of ranks, table;
* `ranks`: scoring, and the matrix products alone, on all ranks of a job at the same time.
"""
