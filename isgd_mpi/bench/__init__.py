"""Benchmarks of whole parts of the package; single kernels have theirs in ``python -m kernels.bench``.

To read in this order:

* `__main__`: command line: the list of benchmarks, their options, ``--json``;
* `output`: options, tables and the JSON file, for all benchmarks;
* `jobs`, `ranks`: a benchmark's function on several ranks: the side that starts it, and the program that the ranks run;
* `until`: short runs of the real program, one after another;
* `exchange`: how parameters and scores can travel, and what that costs the trainer;
* `throughput`: examples that scorers score in a second;
* `scaling`: prediction for up to 4 096 ranks, from costs measured here;
* `time_to_loss`: wall-clock time until the training loss is small;
* `memory`: memory of each rank, and what the trainer spends its time on;
* `refresh`: the trainer's time for a refresh and for a draw;
* `predictor`: speed of the loss predictor;
* `pytorch`: training step and scoring beside PyTorch's.
"""
