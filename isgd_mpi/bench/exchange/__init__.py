"""Benchmark ``exchange``: how parameters and scores can travel, and what that costs the trainer.

To read in this order:

* `main`: options, one job for each number of ranks, table;
* `ranks`: one refresh after the other on the ranks of a job;
* `patterns`: the transports of the package, and Bcast with Gatherv beside them.
"""
