"""Benchmarks of whole parts of the package; single kernels have theirs in ``python -m kernels.bench``.

In the order to read them:

__main__
    Command line: the list of benchmarks, their options, ``--json``.
output
    Options, tables and the JSON file, for all benchmarks.
jobs, ranks
    A benchmark's function on several ranks: the side that starts it, and the program that the ranks run.
exchange
    How parameters and scores can travel, and what that costs the trainer.
throughput
    Examples that scorers score in a second.
scaling
    Prediction for up to 4 096 ranks, from costs measured here.
time_to_loss
    Wall-clock time until the training loss is small.
memory
    Memory of each rank, and what the trainer spends its time on.
predictor
    Speed of the loss predictor.
pytorch
    Training step and scoring beside PyTorch's.
"""
