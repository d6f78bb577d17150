"""The bench's registry: a kernel, its NumPy twin, the sizes that training runs at, the work done."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kernels import (
    _twins,
    activations,
    codec,
    gather,
    history,
    lstm,
    mixture,
    norms,
    optim,
    products,
    rounding,
    sampling,
    synthetic,
)

_ROWS = (16, 128, 2048)  # minibatches, score batch
_INPUTS = [(n, fan_in) for fan_in in (784, 3072) for n in _ROWS]
_HIDDEN = [(n, width) for width in (512, 2048) for n in _ROWS]
_LAYERS = [(n, *fans) for fans in ((784, 512), (3072, 2048)) for n in _ROWS]
_PARAMS = ((669_706,), (18_903_050,))  # 784-512-512-10 and 3072-2048x4-10
_SETS = ((60_000,), (574_168,))  # MNIST, SVHN with extra
_DRAWS = [(n_points, *n) for n in _SETS for n_points in _ROWS]
_LSTM = [(n, 32) for n in (128, 1024)]  # units of the loss predictor
_FACTORS = ((784, 512), (3072, 2048))
_BLOCKS = [(384, *fans) for fans in _FACTORS]  # rows that scorers multiply at a time
_N_IMAGES = 60_000
_HISTORIES = [(n, *_SETS[0]) for n in _ROWS]
_N_VARIANTS = 64  # index and point sets used in turn, so that no branch or line is remembered


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
        What the work is held against: a pattern of kernels._machine.bandwidth_probe, or "matmul".
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


def _normal(rng, *shape):
    return rng.standard_normal(shape, dtype=np.float32)


def _bytes_of(*arrays):
    return sum(array.nbytes for array in arrays)


def _images(rng, n_images, n_features):
    """Return images, their mean and one over their standard deviation."""
    images = np.frombuffer(rng.bytes(n_images * n_features), np.uint8).reshape(n_images, n_features)
    return images, np.full(n_features, 127.5, np.float32), np.full(n_features, 1 / 74, np.float32)


def _gather_arguments(rng, n_rows, n_features):
    images, *moments = _images(rng, _N_IMAGES, n_features)
    out = np.empty((n_rows, n_features), np.float32)
    batches = rng.permutation(_N_IMAGES)[: _N_IMAGES // n_rows * n_rows].reshape(-1, n_rows)
    return [(images, indices, *moments, out) for indices in batches]


def _standardize_arguments(rng, n_rows, n_features):
    images, *moments = _images(rng, _N_IMAGES, n_features)
    out = np.empty((n_rows, n_features), np.float32)
    return [(images[start : start + n_rows], *moments, out) for start in range(0, _N_IMAGES - n_rows + 1, n_rows)]


def _softmax_arguments(rng, n, classes):
    labels, predictions = rng.integers(0, classes, (2, n), dtype=np.int32)
    return _normal(rng, n, classes), labels, np.empty(n, np.float32), predictions, np.empty(n)


def _search_arguments(rng, n_points, n):
    cumulative, out = np.cumsum(rng.exponential(size=n)), np.empty(n_points, np.int64)
    return [(cumulative, rng.random(n_points), out) for _ in range(_N_VARIANTS)]


def _systematic_arguments(rng, n_points, n):
    cumulative, out = np.cumsum(rng.exponential(size=n)), np.empty(n_points, np.int64)
    return [(cumulative, offset, out) for offset in rng.random(_N_VARIANTS)]


def _synthetic_arguments(rng, n):
    prototypes, backgrounds = (rng.integers(-128, 128, (k, 3072), dtype=np.int32) for k in (10, 100))
    return np.arange(n), prototypes, backgrounds, np.empty((n, 3072), np.uint8), np.empty(n, np.int32)


def _codec_case(kernel, twin, arguments):
    return Case(kernel, twin, [(n,) for n in _ROWS], arguments, lambda x, *_: len(x), limit=None, unit="Mscore/s")


def _product(h, w, out):
    np.matmul(h, w, out=out)


def _product_case(label, arguments):
    def flops(left, right, out):
        return 2 * left.size * right.shape[1]

    return Case(_product, None, _LAYERS, arguments, flops, limit="matmul", unit="GFLOP/s", label=label)


def _lstm_arguments(rng, n, units):
    gates, cell = np.tanh(_normal(rng, n, 4 * units)), _normal(rng, n, units)
    return gates, cell, rng.random(n) < 0.9, np.empty_like(cell)


def _lstm_backward_arguments(rng, n, units):
    gates = rng.random((n, 4 * units), np.float32)
    return gates, *_normal(rng, 4, n, units), np.empty_like(gates)


def _history_arguments(rng, n, n_examples):
    return _normal(rng, n_examples, 10), np.ones(n_examples, np.int8), rng.integers(n_examples, size=n), _normal(rng, n)


def _transposed_arguments(rng, n, fan):
    activation = np.maximum(_normal(rng, n, fan), 0)
    return _normal(rng, fan, n), activation, np.empty_like(activation), np.empty(n)


def _factor_arguments(rng, fan_in, fan_out):
    return _normal(rng, fan_in, fan_out), np.empty(fan_in * fan_out // 2, np.uint32)


def _rounded_product_arguments(rng, n, fan_in, fan_out):
    w, pairs = _factor_arguments(rng, fan_in, fan_out)
    _twins.pack(w / np.float32(np.sqrt(fan_in)), pairs)
    return _twins.bfloat16(_normal(rng, n, fan_in)), pairs, np.empty((n, fan_out), np.float32)


CASES = (
    Case(
        norms.squared_row_norms,
        _twins.squared_row_norms,
        _INPUTS,
        lambda rng, n, fan: (_normal(rng, n, fan), np.empty(n)),
        _bytes_of,
        limit="read",
    ),
    Case(
        norms.add_squared_grad_norms,
        _twins.add_squared_grad_norms,
        [(n,) for n in _ROWS],
        lambda rng, n: tuple(rng.random((3, n))),
        lambda x, delta, out: _bytes_of(x, delta, out, out),
    ),
    Case(
        activations.bias_relu,
        _twins.bias_relu,
        _HIDDEN,
        lambda rng, n, fan: (_normal(rng, n, fan), _normal(rng, fan), np.empty(n)),
        lambda z, bias, out: _bytes_of(z, z, bias, out),
    ),
    Case(
        activations.relu_backward,
        _twins.relu_backward,
        _HIDDEN,
        lambda rng, n, fan: (_normal(rng, n, fan), np.maximum(_normal(rng, n, fan), 0), np.empty(n)),
        lambda delta, activation, out: _bytes_of(delta, delta, activation, out),
    ),
    Case(
        activations.relu_backward_transposed,
        _twins.relu_backward_transposed,
        _HIDDEN,
        _transposed_arguments,
        lambda upstream, activation, delta, out: _bytes_of(upstream, activation, delta, out),
    ),
    Case(
        activations.softmax_cross_entropy,
        _twins.softmax_cross_entropy,
        [(n, 10) for n in _ROWS],
        _softmax_arguments,
        lambda z, *others: _bytes_of(z, z, *others),
    ),
    Case(
        rounding.round_rows,
        _twins.round_rows,
        _INPUTS,
        lambda rng, n, fan: (_normal(rng, n, fan), np.empty((n, fan), np.uint16), np.empty(n)),
        _bytes_of,
        limit="copy",
    ),
    Case(
        rounding.bias_relu_rounded,
        _twins.bias_relu_rounded,
        _HIDDEN,
        lambda rng, n, fan: (_normal(rng, n, fan), _normal(rng, fan), np.empty((n, fan), np.uint16), np.empty(n)),
        _bytes_of,
        limit="copy",
    ),
    Case(
        rounding.relu_backward_rounded,
        _twins.relu_backward_rounded,
        _HIDDEN,
        lambda rng, n, fan: (
            _normal(rng, n, fan),
            _twins.bfloat16(np.maximum(_normal(rng, n, fan), 0)),
            np.empty((n, fan), np.uint16),
            np.empty(n),
        ),
        _bytes_of,
        limit="copy",
    ),
    Case(products.pack, _twins.pack, _FACTORS, _factor_arguments, _bytes_of, limit="copy"),
    Case(products.pack_transposed, _twins.pack_transposed, _FACTORS, _factor_arguments, _bytes_of, limit="copy"),
    Case(
        products.multiply,
        _twins.multiply,
        _BLOCKS,
        _rounded_product_arguments,
        lambda h, pairs, out: 2 * h.size * out.shape[1],
        limit="matmul",  # float32's: this is for being faster
        unit="GFLOP/s",
    ),
    Case(
        optim.sgd_update,
        _twins.sgd_update,
        _PARAMS,
        lambda rng, n: (_normal(rng, n), _normal(rng, n), 1e-3),
        lambda params, g, lr: _bytes_of(params, params, g),
    ),
    Case(
        optim.nesterov_update,
        _twins.nesterov_update,
        _PARAMS,
        lambda rng, n: (_normal(rng, n), _normal(rng, n), _normal(rng, n), 1e-3, 0.9),
        lambda params, velocity, g, lr, momentum: _bytes_of(params, params, velocity, velocity, g),
    ),
    Case(
        optim.adam_update,
        _twins.adam_update,
        [(13_249,), (18_903_050,)],  # the loss predictor of 10 classes; the largest model
        lambda rng, n: (_normal(rng, n), _normal(rng, n), rng.random(n, np.float32), _normal(rng, n), 1e-3, 5),
        lambda params, mean, square, g, lr, step: _bytes_of(params, params, mean, mean, square, square, g),
    ),
    Case(
        lstm.lstm_forward,
        _twins.lstm_forward,
        _LSTM,
        _lstm_arguments,
        lambda gates, *others: _bytes_of(gates, gates, *others),
    ),
    Case(
        lstm.lstm_backward,
        _twins.lstm_backward,
        _LSTM,
        _lstm_backward_arguments,
        lambda *arrays: _bytes_of(*arrays, arrays[-2]),
    ),
    Case(
        history.append_losses,
        _twins.append_losses,
        _HISTORIES,
        _history_arguments,
        lambda history, lengths, rows, losses: len(rows),
        limit=None,
        unit="Mloss/s",
    ),
    Case(
        history.average_by_class,
        _twins.average_by_class,
        [(n, 10) for n in _ROWS],
        lambda rng, n, classes: (rng.random((classes, 2)), rng.integers(classes, size=n), rng.exponential(size=n), 0.9),
        lambda moments, classes, losses, kept: len(losses),
        limit=None,
        unit="Mloss/s",
    ),
    Case(
        sampling.cumulative_sum,
        _twins.cumulative_sum,
        _SETS,
        lambda rng, n: (rng.exponential(size=n), rng.permutation(n), np.empty(n)),
        _bytes_of,
        limit="copy",
    ),
    Case(
        sampling.search,
        _twins.search,
        _DRAWS,
        _search_arguments,
        lambda cumulative, points, out: len(out),
        limit=None,
        unit="Mpoint/s",
    ),
    Case(
        sampling.systematic_search,
        _twins.systematic_search,
        _DRAWS,
        _systematic_arguments,
        lambda cumulative, offset, out: len(out),
        limit=None,
        unit="Mpoint/s",
    ),
    Case(
        mixture.add_second_moments,
        _twins.add_second_moments,
        [(n,) for n in _ROWS],
        lambda rng, n: (*rng.exponential(size=(3, n)), np.geomspace(0.03, 1, 24), np.zeros(24)),
        lambda norms, weights, shares, mixtures, out: len(norms) * len(mixtures),
        limit=None,
        unit="Mquotient/s",
    ),
    _codec_case(
        codec.encode_log8, _twins.encode_log8, lambda rng, n: (rng.random(n, np.float32), np.empty(n, np.uint8))
    ),
    _codec_case(
        codec.decode_log8, _twins.decode_log8, lambda rng, n: (np.full(n, 9, "u1"), 1e-3, 9.0, np.empty(n, np.float32))
    ),
    Case(
        gather.gather_standardized,
        _twins.gather_standardized,
        _INPUTS,
        _gather_arguments,
        lambda images, indices, mean, std, out: _bytes_of(indices, mean, std, out) + out.size * images.itemsize,
        limit="copy",
    ),
    Case(
        gather.standardize,
        _twins.standardize,
        _INPUTS,
        _standardize_arguments,
        _bytes_of,
        limit="copy",
    ),
    Case(
        gather.add_moments,
        _twins.add_moments,
        [(2048, 784), (2048, 3072)],
        lambda rng, n, fan: (_images(rng, n, fan)[0], *np.full((3, fan), 100.0)),
        lambda images, shift, *sums: _bytes_of(images, shift, *sums, *sums),
        limit="read",
    ),
    Case(
        synthetic.fill_examples,
        _twins.fill_examples,
        [(128,)],
        _synthetic_arguments,
        lambda indices, prototypes, backgrounds, images, labels: images.size,
        limit=None,
        unit="Mpixel/s",
    ),
    _product_case(
        "matmul_forward", lambda rng, n, i, o: (_normal(rng, n, i), _normal(rng, i, o), np.empty((n, o), np.float32))
    ),
    _product_case(
        "matmul_backward", lambda rng, n, i, o: (_normal(rng, n, o), _normal(rng, i, o).T, np.empty((n, i), np.float32))
    ),
    _product_case(
        "matmul_gradient", lambda rng, n, i, o: (_normal(rng, n, i).T, _normal(rng, n, o), np.empty((i, o), np.float32))
    ),
)
"""Every kernel. A new one needs an entry here and a twin in kernels._twins."""
