"""Benchmark ``time-to-loss``: wall-clock time until the training loss is small, beside uniform SGD.

To read in this order:

* `main`: options, one run for each seed, rate and method, tables;
* `ranks`: one of our runs;
* `torch_ranks`: one of PyTorch's;
* `descent`: snapshots of the parameters on the way, and their evaluation afterwards.
"""
