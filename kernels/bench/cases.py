"""The bench's registry: a kernel, its NumPy twin, the sizes that training runs at, the work done."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from isgd_mpi.kernels import (
    activations,
    bfloat16,
    bfloat16_products,
    few_rows,
    few_rows_backward,
    gather,
    loss_history,
    lstm,
    norms,
    optim,
    sampling,
    synthetic,
)
from isgd_mpi.kernels.bench import arguments, twins
from isgd_mpi.kernels.bench.arguments import bytes_of, normal

_ROWS = (16, 128, 2048)  # minibatches, score batch
_INPUTS = [(n, fan_in) for fan_in in (784, 3072) for n in _ROWS]
_HIDDEN = [(n, width) for width in (512, 2048) for n in _ROWS]
_LAYERS = [(n, *fans) for fans in ((784, 512), (3072, 2048)) for n in _ROWS]
_PARAMS = ((669_706,), (18_903_050,))  # 784-512-512-10 and 3072-2048x4-10
_SETS = ((60_000,), (574_168,))  # MNIST, SVHN with extra
_DRAWS = [(n_points, *n) for n in _SETS for n_points in _ROWS]
_STREAMS = [(16, 784, 512), (16, 512, 512), (128, 3072, 2048), (128, 2048, 2048)]
_LSTM = [(n, 32) for n in (128, 1024)]  # units of the loss predictor
_FACTORS = ((784, 512), (3072, 2048))
_BLOCKS = [(384, *fans) for fans in _FACTORS]  # rows that scorers multiply at a time
_HISTORIES = [(n, *_SETS[0]) for n in _ROWS]


@dataclass(frozen=True)
class Case:
    """A row of the bench, at several sizes.

    Attributes
    ----------
    kernel, twin : callable
        Take the same arguments and write the same. A twin of None: the row is NumPy's own.
    sizes : sequence of tuple of int
    arguments : callable
        Takes a random generator and a size; returns the arguments, or a list of several to use in turn.
    work : callable
        Takes the arguments; returns what `unit` counts: bytes that must move, operations, points.
    limit : str or None
        What the work is held against: a pattern of isgd_mpi.kernels.bench.machine.bandwidth_probe, or "matmul".
    unit : str
        Of the rate; begins with G or M.
    """

    kernel: Callable
    twin: Callable | None
    sizes: tuple
    arguments: Callable
    work: Callable
    limit: str | None = "update"
    unit: str = "GB/s"
    label: str = ""

    @property
    def name(self):
        """Name in the table, the kernel's own if it has no other."""
        return self.label or self.kernel.__name__

    def variants(self, size):
        """Return the arguments at a size, the same at each call, as a list of tuples."""
        rng = np.random.default_rng(zlib.crc32(self.name.encode()))
        arguments = self.arguments(rng, *size)
        return arguments if isinstance(arguments, list) else [arguments]


def _product(h, w, out):
    np.matmul(h, w, out=out)


def _product_case(label, arguments):
    def flops(left, right, out):
        return 2 * left.size * right.shape[1]

    return Case(_product, None, _LAYERS, arguments, flops, limit="matmul", unit="GFLOP/s", label=label)


CASES = (
    Case(
        norms.squared_row_norms,
        twins.squared_row_norms,
        _INPUTS,
        lambda rng, n, fan: (normal(rng, n, fan), np.empty(n)),
        bytes_of,
        limit="read",
    ),
    Case(
        norms.add_squared_grad_norms,
        twins.add_squared_grad_norms,
        [(n,) for n in _ROWS],
        lambda rng, n: tuple(rng.random((3, n))),
        lambda x, delta, out: bytes_of(x, delta, out, out),
    ),
    Case(
        activations.bias_relu,
        twins.bias_relu,
        _HIDDEN,
        lambda rng, n, fan: (normal(rng, n, fan), normal(rng, fan), np.empty(n)),
        lambda z, bias, out: bytes_of(z, z, bias, out),
    ),
    Case(
        activations.relu_backward,
        twins.relu_backward,
        _HIDDEN,
        lambda rng, n, fan: (
            normal(rng, n, fan),
            np.maximum(normal(rng, n, fan), 0),
            np.empty(n),
        ),
        lambda delta, activation, out: bytes_of(delta, delta, activation, out),
    ),
    Case(
        activations.relu_backward_transposed,
        twins.relu_backward_transposed,
        _HIDDEN,
        arguments.transposed,
        lambda upstream, activation, delta, out: bytes_of(upstream, activation, delta, out),
    ),
    Case(
        activations.softmax_cross_entropy,
        twins.softmax_cross_entropy,
        [(n, 10) for n in _ROWS],
        arguments.logits,
        lambda z, *others: bytes_of(z, z, *others),
    ),
    Case(
        bfloat16.round_rows,
        twins.round_rows,
        _INPUTS,
        lambda rng, n, fan: (normal(rng, n, fan), np.empty((n, fan), np.uint16), np.empty(n)),
        bytes_of,
        limit="copy",
    ),
    Case(
        bfloat16.bias_relu_rounded,
        twins.bias_relu_rounded,
        _HIDDEN,
        lambda rng, n, fan: (
            normal(rng, n, fan),
            normal(rng, fan),
            np.empty((n, fan), np.uint16),
            np.empty(n),
        ),
        bytes_of,
        limit="copy",
    ),
    Case(
        bfloat16.relu_backward_rounded,
        twins.relu_backward_rounded,
        _HIDDEN,
        lambda rng, n, fan: (
            normal(rng, n, fan),
            twins.bfloat16(np.maximum(normal(rng, n, fan), 0)),
            np.empty((n, fan), np.uint16),
            np.empty(n),
        ),
        bytes_of,
        limit="copy",
    ),
    Case(bfloat16_products.pack, twins.pack, _FACTORS, arguments.factor, bytes_of, limit="copy"),
    Case(bfloat16_products.pack_transposed, twins.pack_transposed, _FACTORS, arguments.factor, bytes_of, limit="copy"),
    Case(
        bfloat16_products.multiply,
        twins.multiply,
        _BLOCKS,
        arguments.rounded_product,
        lambda h, pairs, out: 2 * h.size * out.shape[1],
        limit="matmul",  # float32's: this is for being faster
        unit="GFLOP/s",
    ),
    Case(
        optim.sgd_update,
        twins.sgd_update,
        _PARAMS,
        lambda rng, n: (normal(rng, n), normal(rng, n), 1e-3),
        lambda params, g, lr: bytes_of(params, params, g),
    ),
    Case(
        optim.nesterov_update,
        twins.nesterov_update,
        _PARAMS,
        lambda rng, n: (normal(rng, n), normal(rng, n), normal(rng, n), 1e-3, 0.9),
        lambda params, velocity, g, lr, momentum: bytes_of(params, params, velocity, velocity, g),
    ),
    Case(
        optim.adam_update,
        twins.adam_update,
        [(13_249,), (18_903_050,)],  # the loss predictor of 10 classes; the largest model
        lambda rng, n: (
            normal(rng, n),
            normal(rng, n),
            rng.random(n, np.float32),
            normal(rng, n),
            1e-3,
            5,
        ),
        lambda params, mean, square, g, lr, step: bytes_of(params, params, mean, mean, square, square, g),
    ),
    Case(
        lstm.lstm_forward,
        twins.lstm_forward,
        _LSTM,
        arguments.lstm_gates,
        lambda gates, *others: bytes_of(gates, gates, *others),
    ),
    Case(
        lstm.lstm_backward,
        twins.lstm_backward,
        _LSTM,
        arguments.lstm_backward,
        lambda *arrays: bytes_of(*arrays, arrays[-2]),
    ),
    Case(
        loss_history.append_losses,
        twins.append_losses,
        _HISTORIES,
        arguments.histories,
        lambda history, lengths, rows, losses: len(rows),
        limit=None,
        unit="Mloss/s",
    ),
    Case(
        loss_history.average_by_class,
        twins.average_by_class,
        [(n, 10) for n in _ROWS],
        lambda rng, n, classes: (rng.random((classes, 2)), rng.integers(classes, size=n), rng.exponential(size=n), 0.9),
        lambda moments, classes, losses, kept: len(losses),
        limit=None,
        unit="Mloss/s",
    ),
    Case(
        sampling.cumulative_sum,
        twins.cumulative_sum,
        _SETS,
        lambda rng, n: (rng.exponential(size=n), rng.permutation(n), np.empty(n)),
        bytes_of,
        limit="copy",
    ),
    Case(
        sampling.search,
        twins.search,
        _DRAWS,
        arguments.searched,
        lambda cumulative, mixture, points, out: len(out),
        limit=None,
        unit="Mpoint/s",
    ),
    Case(
        sampling.systematic_search,
        twins.systematic_search,
        _DRAWS,
        arguments.systematic,
        lambda cumulative, mixture, offset, out: len(out),
        limit=None,
        unit="Mpoint/s",
    ),
    Case(
        sampling.add_second_moments,
        twins.add_second_moments,
        [(n,) for n in _ROWS],
        lambda rng, n: (*rng.exponential(size=(3, n)), np.geomspace(0.03, 1, 24), np.zeros(24)),
        lambda norms, weights, shares, mixtures, out: len(norms) * len(mixtures),
        limit=None,
        unit="Mquotient/s",
    ),
    Case(
        gather.gather_standardized,
        twins.gather_standardized,
        _INPUTS,
        arguments.gathered,
        lambda images, indices, mean, std, out: bytes_of(indices, mean, std, out) + out.size * images.itemsize,
        limit="copy",
    ),
    Case(
        gather.standardize,
        twins.standardize,
        _INPUTS,
        arguments.standardized,
        bytes_of,
        limit="copy",
    ),
    Case(
        gather.add_moments,
        twins.add_moments,
        [(2048, 784), (2048, 3072)],
        lambda rng, n, fan: (arguments.random_images(rng, n, fan)[0], *np.full((3, fan), 100.0)),
        lambda images, shift, *sums: bytes_of(images, shift, *sums, *sums),
        limit="read",
    ),
    Case(
        synthetic.fill_examples,
        twins.fill_examples,
        [(128,)],
        arguments.synthetic_examples,
        lambda indices, prototypes, backgrounds, images, labels: images.size,
        limit=None,
        unit="Mpixel/s",
    ),
    Case(
        few_rows.active_in_rows,
        twins.active_in_rows,
        _HIDDEN[:2] + _HIDDEN[3:5],
        lambda rng, n, fan: (arguments.activations(rng, n, fan), *arguments.rows(rng, n, fan)),
        bytes_of,
        limit="copy",
    ),
    Case(
        few_rows.active_in_columns,
        twins.active_in_columns,
        _HIDDEN[:2] + _HIDDEN[3:5],
        lambda rng, n, fan: (arguments.activations(rng, n, fan), *arguments.columns(rng, n, fan)),
        bytes_of,
        limit="copy",
    ),
    Case(
        few_rows.add_product,
        twins.add_product,
        _STREAMS,
        lambda rng, n, i, o: (*arguments.matrices(rng, (n, i), (i, o), (n, o)), 0, o),
        lambda h, w, z, begin, end: 2 * len(h) * w.size,
        limit="matmul",
        unit="GFLOP/s",
    ),
    Case(
        few_rows.add_active_product,
        twins.add_active_product,
        _STREAMS,
        arguments.active_product,
        lambda values, indices, counts, w, z, begin, end: 2 * len(z) * w.size,
        limit="matmul",
        unit="GFLOP/s",
    ),
    Case(
        few_rows.descend_along_product,
        twins.descend_along_product,
        _STREAMS,
        arguments.descent,
        lambda values, indices, counts, delta, w, *rest: 2 * len(delta) * w.size,
        limit="matmul",
        unit="GFLOP/s",
    ),
    Case(
        few_rows_backward.add_active_dots,
        twins.add_active_dots,
        _STREAMS[1:],
        arguments.backward,
        lambda indices, counts, delta, w, *rest: 2 * len(delta) * w.size,
        limit="matmul",
        unit="GFLOP/s",
    ),
    _product_case(
        "matmul_forward",
        lambda rng, n, i, o: (normal(rng, n, i), normal(rng, i, o), np.empty((n, o), np.float32)),
    ),
    _product_case(
        "matmul_backward",
        lambda rng, n, i, o: (
            normal(rng, n, o),
            normal(rng, i, o).T,
            np.empty((n, i), np.float32),
        ),
    ),
    _product_case(
        "matmul_gradient",
        lambda rng, n, i, o: (
            normal(rng, n, i).T,
            normal(rng, n, o),
            np.empty((i, o), np.float32),
        ),
    ),
)
"""Every kernel. A new one needs an entry here and a twin in isgd_mpi.kernels.bench.twins."""
