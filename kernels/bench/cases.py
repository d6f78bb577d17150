"""The bench's table: each kernel, the sizes that training runs it at, its arguments, and the work it does."""

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from isgd_mpi.kernels import (
    activations,
    bfloat16,
    bfloat16_descent,
    bfloat16_layers,
    bfloat16_products,
    block_sums,
    few_rows,
    few_rows_backward,
    gather,
    loss_history,
    losses,
    lstm,
    meeting,
    narrow,
    norms,
    optim,
    sampling,
    scores,
    synthetic,
    windows,
)
from isgd_mpi.kernels.bench import arguments, loss_twins, sampling_twins, twins
from isgd_mpi.kernels.bench.arguments import normal, room

_ROWS = (16, 128, 2048)  # minibatches, score batch
_BATCHES = [(n,) for n in _ROWS]
_INPUTS = [(n, fan_in) for fan_in in (784, 3072) for n in _ROWS]
_HIDDEN = [(n, width) for width in (512, 2048) for n in _ROWS]
_FEW_HIDDEN = [(n, width) for n, width in _HIDDEN if n < 2048]
_CLASSES = [(n, 10) for n in _ROWS]
_PARAMS = [(669_706,), (18_903_050,)]  # 784-512-512-10 and 3072-2048x4-10
_ADAM = [(13_249,), (18_903_050,)]  # the loss predictor of 10 classes; the largest model
_SETS = [(60_000,), (574_168,)]  # MNIST, SVHN with extra
_DRAWS = [(n_points, *n) for n in _SETS for n_points in _ROWS]
_HISTORIES = [(n, *_SETS[0]) for n in _ROWS]
_STREAMS = [(16, 784, 512), (16, 512, 512), (128, 3072, 2048), (128, 2048, 2048)]
_NARROW_DELTAS = [(64, 16), (512, 16)]
_NARROW = [(16, 512, 10), (128, 2048, 10)]
_LSTM = [(n, 32) for n in (128, 1024)]  # units of the loss predictor
_FACTORS = [(784, 512), (3072, 2048)]
_LAYERS = [(n, *fans) for fans in [(784, 512), (2048, 2048)] for n in (64, 128, 512)]
_BLOCKS = [(384, *fans) for fans in _FACTORS]  # rows that scorers multiply at a time
_MOMENTS = [(2048, 784), (2048, 3072)]
_SYNTHETIC = [(128, 3072)]


class Work(NamedTuple):
    """The work of a call, and the limit of the machine that it is held against.

    Attributes
    ----------
    unit : str
        Unit of the rate; begins with G or M.
    limit : str or None
        A pattern of :func:`machine.bandwidth_probe`, or "matmul".
    amount : callable
        Takes a size and the arguments; returns bytes that must move, operations, or whatever the unit counts.
    """

    unit: str
    limit: str | None
    amount: Callable


@dataclass(frozen=True)
class Case:
    """A kernel in the bench, at several sizes.

    Attributes
    ----------
    kernel : callable
        Its twin, of the same name in :mod:`isgd_mpi.kernels.bench.twins`, takes the same arguments and writes the same.
    sizes : list of tuple of int
    arguments : callable
        Takes a random generator and a size; returns arguments, or a list of several that take turns.
    work : Work
    """

    kernel: Callable
    sizes: list
    arguments: Callable
    work: Work

    @property
    def name(self):
        """Name in the table: the kernel's."""
        return self.kernel.__name__

    @property
    def twin(self):
        """Function of the same name in :mod:`isgd_mpi.kernels.bench.twins` or one of its neighbours."""
        modules = loss_twins, sampling_twins, twins
        return next(getattr(module, self.name) for module in modules if hasattr(module, self.name))

    def variants(self, size):
        """Return the arguments at a size, the same at each call, as a list of tuples."""
        made = self.arguments(np.random.default_rng(zlib.crc32(self.name.encode())), *size)
        return made if isinstance(made, list) else [made]


def _moved(pattern, *twice):
    """Return the work of moving all arrays; those at the places `twice` are both read and written."""

    def amount(size, arguments):
        arrays = [*arguments, *(arguments[place] for place in twice)]
        return sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))

    return Work("GB/s", pattern, amount)


def _counted(things, of_each_row=1):
    """Return the work of a call that handles things, `of_each_row` for each row, and has no known limit."""
    return Work(f"M{things}/s", None, lambda size, arguments: size[0] * of_each_row)


_GATHERED = Work("GB/s", "copy", lambda size, arguments: math.prod(size) + sum(each.nbytes for each in arguments[1:]))
_PRODUCT = Work("GFLOP/s", "matmul", lambda size, arguments: 2 * math.prod(size))  # float32's limit for bfloat16 too

CASES = (
    Case(norms.squared_row_norms, _INPUTS, lambda rng, n, i: (normal(rng, n, i), np.empty(n)), _moved("read")),
    Case(norms.add_squared_grad_norms, _BATCHES, lambda rng, n: tuple(rng.random((3, n))), _moved("update", 2)),
    Case(
        norms.sum_grad_norms,
        _BATCHES,
        lambda rng, n: (*rng.random((2, 3, 4, n)), room(n)),  # three layers, four trainers
        _moved("read"),
    ),
    Case(norms.sum_weighted, _BATCHES, lambda rng, n: tuple(rng.random((3, n), np.float32)), _moved("read")),
    Case(
        activations.bias_relu,
        _HIDDEN,
        lambda rng, n, o: (normal(rng, n, o), normal(rng, o), np.empty(n)),
        _moved("update", 0),
    ),
    Case(
        activations.relu_backward,
        _HIDDEN,
        lambda rng, n, o: (normal(rng, n, o), arguments.activations(rng, n, o), np.empty(n)),
        _moved("update", 0),
    ),
    Case(
        activations.relu_backward_transposed,
        _HIDDEN,
        lambda rng, n, o: (normal(rng, o, n), arguments.activations(rng, n, o), room(n, o), np.empty(n)),
        _moved("update"),
    ),
    Case(activations.softmax_cross_entropy, _CLASSES, arguments.logits, _moved("update", 0)),
    Case(losses.logistic, _CLASSES, arguments.outputs, _moved("update", 0)),
    Case(losses.squared_error, _CLASSES, arguments.outputs, _moved("update", 0)),
    Case(losses.huber, _CLASSES, lambda rng, n, o: (*arguments.outputs(rng, n, o), 1.0), _moved("update", 0)),
    Case(
        bfloat16.round_rows,
        _INPUTS,
        lambda rng, n, i: (normal(rng, n, i), room(n, i, dtype=np.uint16), np.empty(n)),
        _moved("copy"),
    ),
    Case(
        bfloat16.bias_relu_rounded,
        _HIDDEN,
        lambda rng, n, o: (normal(rng, n, o), normal(rng, o), room(n, o, dtype=np.uint16), np.empty(n)),
        _moved("copy"),
    ),
    Case(
        bfloat16.relu_backward_rounded,
        _HIDDEN,
        lambda rng, n, o: (
            normal(rng, n, o),
            twins.bfloat16(arguments.activations(rng, n, o)),
            room(n, o, dtype=np.uint16),
            np.empty(n),
        ),
        _moved("copy"),
    ),
    Case(bfloat16.relu_backward_weighted, _HIDDEN, arguments.weighted_deltas, _moved("copy")),
    Case(bfloat16_products.pack, _FACTORS, arguments.factor, _moved("copy")),
    Case(bfloat16_products.pack_transposed, _FACTORS, arguments.factor, _moved("copy")),
    Case(
        bfloat16_products.pack_weighted,
        _NARROW_DELTAS,
        lambda rng, n, o: (
            *(normal(rng, n, o), rng.random(n, np.float32)),
            *(room(math.prod(map(bfloat16_products.padded, (n, o))) // 2, dtype=np.uint32), room(o)),
        ),
        _counted("number", of_each_row=16),
    ),
    Case(bfloat16_products.multiply, _BLOCKS, arguments.rounded_product, _PRODUCT),
    Case(
        bfloat16_layers.round_features,
        [size for size in _INPUTS if size[0] < 2048],
        lambda rng, n, i: (normal(rng, n, i), *arguments.both_ways(n, i), 0, n),
        _moved("copy"),
    ),
    Case(bfloat16_layers.activate, _LAYERS, arguments.activated, _PRODUCT),
    Case(bfloat16_layers.propagate, _LAYERS, arguments.propagated, _PRODUCT),
    Case(bfloat16_descent.descend, _LAYERS, arguments.descended, _PRODUCT),
    Case(
        bfloat16_descent.update_and_round,
        _FACTORS,
        lambda rng, i, o: (
            *(normal(rng, i, o), None, None, normal(rng, i, o)),
            *((2.0**-10, 0.0, 0.0), room(i, o, dtype=np.uint16), 0, o),  # exact, so that rounding is the same
        ),
        _moved("update", 0),
    ),
    Case(bfloat16_descent.form_gradient, _LAYERS, arguments.formed_gradient, _PRODUCT),
    Case(
        bfloat16_descent.round_weights,
        _FACTORS,
        lambda rng, i, o: (*arguments.factor(rng, i, o), arguments.both_ways(i, o)[0], 0, i, 0, o),
        _moved("copy"),
    ),
    Case(optim.sgd_update, _PARAMS, lambda rng, n: (*normal(rng, 2, n), 1e-3), _moved("update", 0)),
    Case(optim.nesterov_update, _PARAMS, lambda rng, n: (*normal(rng, 3, n), 1e-3, 0.9), _moved("update", 0, 1)),
    Case(
        optim.update_columns,
        _FACTORS,
        lambda rng, i, o: (*normal(rng, 2, i, o), None, normal(rng, i, o), (1e-3, 0.9, 0.0), 0, o),
        _moved("update", 0, 1),
    ),
    Case(
        optim.adam_update,
        _ADAM,
        lambda rng, n: (*normal(rng, 2, n), rng.random(n, np.float32), normal(rng, n), *optim.adam_settings(1e-3, 5)),
        _moved("update", 0, 1, 2),
    ),
    Case(lstm.lstm_forward, _LSTM, arguments.lstm_gates, _moved("update", 0)),
    Case(lstm.lstm_backward, _LSTM, arguments.lstm_deltas, _moved("update", -2)),
    Case(loss_history.append_losses, _HISTORIES, arguments.histories, _counted("loss")),
    Case(
        loss_history.average_by_class,
        _CLASSES,
        lambda rng, n, classes: (rng.random((classes, 2)), rng.integers(classes, size=n), rng.exponential(size=n), 0.9),
        _counted("loss"),
    ),
    Case(
        sampling.add_drawn_moments,
        _BATCHES,
        lambda rng, n: (*rng.exponential(size=(2, n)), np.zeros(3), np.zeros((3, 3))),
        _counted("example"),
    ),
    Case(scores.keep_newer, _SETS, arguments.newer, _counted("example")),
    Case(
        scores.keep_newer_at,
        _BATCHES,
        lambda rng, n: (*arguments.scored(rng, 9 * n), 8 * np.arange(n), rng.random(n), 4, *arguments.counts(9 * n)),
        _counted("example"),
    ),
    Case(sampling.all_finite, _SETS, lambda rng, n: (rng.random(n, np.float32),), _counted("example")),
    Case(
        scores.lowest_steps,
        _SETS,
        lambda rng, n: (arguments.scored(rng, n)[1], *arguments.blocks(n)),
        _counted("example"),
    ),
    Case(
        sampling.counting_sort,
        _SETS,
        lambda rng, n: (
            rng.integers(16_000, size=n),
            rng.permutation(n),
            *np.empty((1, 16_000), int),
            np.empty(n, int),
        ),
        _counted("example"),
    ),
    Case(
        sampling.shared_ranks,
        _SETS,
        lambda rng, n: (np.sort(rng.random(n, np.float32)), np.arange(n), np.empty(n)),
        _counted("example"),
    ),
    Case(
        sampling.cumulative_sum,
        _SETS,
        lambda rng, n: (rng.exponential(size=n), rng.permutation(n), np.empty(n)),
        _moved("copy"),
    ),
    Case(sampling.search, _DRAWS, arguments.searched, _counted("point")),
    Case(sampling.systematic_search, _DRAWS, arguments.systematic, _counted("point")),
    Case(
        sampling.add_second_moments,
        _BATCHES,
        lambda rng, n: (*rng.exponential(size=(3, n)), np.geomspace(0.03, 1, 24), np.zeros(24)),
        _counted("quotient", of_each_row=24),
    ),
    Case(
        sampling.add_by_level,
        _SETS,
        lambda rng, n: (rng.random(n, np.float32), rng.random(n, np.float32), -10, np.zeros((2, 144))),
        _counted("example"),
    ),
    Case(block_sums.put, _SETS, arguments.put_scores, _counted("example")),
    Case(block_sums.put_runs, _SETS, arguments.put_runs, _counted("example")),
    Case(
        block_sums.weights_of_runs,
        _SETS,
        lambda rng, n: (rng.random(n, np.float32), arguments.runs(n), (0.9, 0.1), np.zeros(n)),
        _counted("example"),
    ),
    Case(block_sums.sum_blocks, _SETS, arguments.block_sums_of, _counted("example")),
    Case(
        block_sums.weights_at,
        _DRAWS,
        lambda rng, m, n: (rng.random(n, np.float32), rng.integers(n, size=m), (0.9, 0.1), np.empty(m)),
        _counted("example"),
    ),
    Case(block_sums.search_blocks, _DRAWS, arguments.searched_blocks, _counted("point")),
    Case(windows.longest_window, [(12,), (64,)], arguments.windows_of, _counted("block")),
    Case(
        meeting.arrive,
        [(1,), (16,)],
        lambda rng, n: (np.ones(n * meeting.STRIDE, np.int64), 0, 1, 1),
        _counted("process"),
    ),
    Case(gather.gather_standardized, _INPUTS, arguments.gathered, _GATHERED),
    Case(gather.standardize, _INPUTS, arguments.standardized, _moved("copy")),
    Case(
        gather.add_moments,
        _MOMENTS,
        lambda rng, n, i: (arguments.images(rng, n, i)[0], *np.full((3, i), 100.0)),
        _moved("read", 2, 3),
    ),
    Case(synthetic.fill_examples, _SYNTHETIC, arguments.synthetic_examples, _counted("pixel", of_each_row=3072)),
    Case(
        few_rows.active_in_rows,
        _FEW_HIDDEN,
        lambda rng, n, i: (normal(rng, n, i), *arguments.row_lists(n, i)),
        _moved("copy"),
    ),
    Case(
        few_rows.active_in_columns,
        _FEW_HIDDEN,
        lambda rng, n, i: (normal(rng, n, i), *arguments.column_lists(n, i)),
        _moved("copy"),
    ),
    Case(
        few_rows.add_product,
        _STREAMS,
        lambda rng, n, i, o: (*arguments.matrices(rng, (n, i), (i, o), (n, o)), 0, o),
        _PRODUCT,
    ),
    Case(few_rows.add_active_product, _STREAMS, arguments.active_product, _PRODUCT),
    Case(few_rows.descend_along_product, _STREAMS, arguments.descent, _PRODUCT),
    Case(narrow.write_outputs, _NARROW, arguments.narrow_outputs, _PRODUCT),
    Case(narrow.write_below, _NARROW, arguments.narrow_below, _PRODUCT),
    Case(narrow.descend_narrow, _NARROW, arguments.narrow_descent, _PRODUCT),
    Case(few_rows_backward.add_active_dots, _STREAMS[1:], arguments.active_dots, _PRODUCT),
)
"""Every kernel. A new one needs an entry here and a twin in isgd_mpi.kernels.bench.twins or its neighbours."""
