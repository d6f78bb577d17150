"""Benchmark ``torch``: a trainer's step and scoring beside PyTorch's.

main
    Options and table.
race
    Time two sides in turn, then check that they compute the same.
contests
    The pairs to time: training steps, and scoring in float32.
rounded
    Scoring in bfloat16: its pairs, and its error.
torch_side
    PyTorch's net, step and scores.
"""
