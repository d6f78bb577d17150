"""Benchmark ``torch``: a trainer's step and scoring beside PyTorch's.

To read in this order:

* `main`: options and table;
* `race`: time two sides in turn, then check that they compute the same;
* `contests`: the pairs to time: training steps, and scoring in float32;
* `rounded`: scoring in bfloat16: its pairs, and its error;
* `torch_side`: PyTorch's net, step and scores.
"""
