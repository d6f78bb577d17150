"""Scoring and training in bfloat16, on processors that are much faster at it than at float32.

To read in this order:

* `arithmetic`: choose the arithmetic by the processor; products of our own kernels;
* `mkl`: products of MKL;
* `scoring_mlp`: the multilayer perceptron that only scores, made of these products;
* `rounded_layer`: a layer that trains, with products that round what they hand on;
* `mkl_layer`: such a layer with products of MKL;
* `training_mlp`: the multilayer perceptrons made of such layers.
"""
