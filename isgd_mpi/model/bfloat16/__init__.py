"""Scoring in bfloat16, for scorers on processors that are much faster at it than at float32.

To read in this order:

* `arithmetic`: chooses the arithmetic by the processor; products of our own kernels;
* `mkl`: products of MKL;
* `scoring_mlp`: the multilayer perceptron that only scores, made of these products.
"""
