"""Benchmark ``torch``: a trainer's step and scoring beside PyTorch's.

To read in this order:

* `main`: options and tables;
* `step_ranks`: training steps on one rank or more;
* `race`: time two sides in turn, then check that they compute the same;
* `contests`: scoring in float32, and the check of training steps;
* `rounded`: scoring in bfloat16: its pairs, and its error;
* `torch_side`: PyTorch's net, step and scores.
"""
