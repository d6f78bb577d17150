"""Compiled loops, without MPI, model or state.

Every kernel works in place on arrays that its caller allocated, in float32 or float64 where nothing else is said, and
lets a NaN that comes in come out. To read in this order:

* `norms`: squared gradient norms of examples, without a gradient;
* `activations`: ReLU, softmax and cross-entropy, forward and backward;
* `losses`: the losses of labels and of numbers, forward and backward;
* `optim`: updates of SGD, Nesterov's momentum and Adam;
* `scores`: the newest score of each example;
* `sampling`: an order of the examples, cumulative sums of weights, searches in them, second moments;
* `block_sums`: scores along an order, whose sums follow new scores, and searches in them;
* `windows`: the longest window of minibatches over which means agree;
* `gather`: minibatches out of a data set, standardised;
* `synthetic`: synthetic examples;
* `few_rows`, `few_rows_backward`: products of few rows, and steps along one without forming it;
* `narrow`: the passes of a layer of few outputs;
* `bfloat16`, `bfloat16_products`: rounding, and products of rounded numbers;
* `bfloat16_layers`, `bfloat16_descent`: layers made of them, and steps along their gradient;
* `lstm`, `loss_history`: the loss predictor's cell, and the losses that it looks back on;
* `meeting`: processes that share memory wait for each other.

Beside them:

* `_jit`, `_emits`, `code_cache`: how all of them are compiled, and where they are kept;
* `_steps`: the updates of `optim`, of vectors inside other kernels;
* `_vectors`, `_bfloat16_vectors`, `_bfloat16_tiles`, `_atomics`: instructions that compilers do not find by themselves;
* `_transpose`, `_active`: transposes of matrices, and lists of the numbers that are not zero, in registers;
* `memory`, `threads`, `processor`, `revision`: plain Python;
* `limits`, `own_folders`: what this process may use of the machine, and whose files it may trust;
* `bench`: ``python -m kernels.bench``.
"""
