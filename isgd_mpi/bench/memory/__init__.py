"""Benchmark ``memory``: memory of each rank and the trainer's time, with a large training set.

To read in this order:

* `main`: options, data, one job for each shape, tables;
* `ranks`: a training run whose memory, steps and activities are measured;
* `resident`: memory of processes, read from /proc while they run.
"""
