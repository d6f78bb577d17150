"""Benchmark ``time-to-loss``: wall-clock time until the training loss is small, each method at its best settings.

To read in this order:

* `main`: options, a job for each method and number of cores, tables;
* `methods`: what is compared, and the settings that are tried;
* `arrival`: the result of a run;
* `conduct`: the search and the runs with all seeds, each run in a file;
* `ranks`: our runs, one after another in one job;
* `torch_ranks`: PyTorch's;
* `descent`: snapshots of the parameters on the way, and their evaluation afterwards.
"""
