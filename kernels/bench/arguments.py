"""Make the arguments that kernels are measured with: random arrays of the sizes that training has.

Functions take a random generator and a size. They return the arguments of one call, or a list of those of several
calls that take turns, so that the processor remembers no branch and no line of the cache.
"""

import numpy as np

from isgd_mpi.kernels import few_rows, narrow
from isgd_mpi.kernels.bench import twins
from isgd_mpi.kernels.bfloat16_products import TILE_ROWS
from isgd_mpi.kernels.block_sums import BLOCK, sum_blocks
from isgd_mpi.kernels.memory import aligned_zeros
from isgd_mpi.kernels.scores import STEPS_BLOCK
from isgd_mpi.kernels.windows import N_PROBES

_N_IMAGES = 60_000
_N_TURNS = 64  # sets of points


def normal(rng, *shape):
    """Draw float32 numbers."""
    return rng.standard_normal(shape, dtype=np.float32)


def activations(rng, *shape):
    """Draw float32 numbers as a ReLU leaves them: about half are zero."""
    return np.maximum(normal(rng, *shape), 0)


def room(*shape, dtype=np.float32):
    """Return an array to be written to, in the type that most kernels write."""
    return np.empty(shape, dtype)


def matrices(rng, *shapes):
    """Draw float32 matrices that begin at a cache line; their products stay small."""
    for shape in shapes:
        matrix = aligned_zeros(shape, np.float32)
        matrix[:] = 0.03 * normal(rng, *shape)
        yield matrix


def weighted_deltas(rng, n_rows, n_units):
    """Return the arguments of :func:`bfloat16.relu_backward_weighted`, for all units."""
    active = twins.bfloat16(activations(rng, n_rows, n_units))
    outs = [room(n_rows, n_units, dtype=np.uint16) for _ in range(2)]
    return normal(rng, n_rows, n_units), active, normal(rng, n_rows), *outs, room(n_units), np.empty(n_rows), 0


def images(rng, n_images, n_features):
    """Draw images, uint8, and return them with the mean and one over the standard deviation of each feature."""
    pixels = np.frombuffer(rng.bytes(n_images * n_features), np.uint8).reshape(n_images, n_features)
    return pixels, np.full(n_features, 127.5, np.float32), np.full(n_features, 1 / 74, np.float32)


def gathered(rng, n_rows, n_features):
    """Return the arguments of :func:`gather.gather_standardized`."""
    pixels, *moments = images(rng, _N_IMAGES, n_features)
    batches = rng.permutation(_N_IMAGES)[: _N_IMAGES // n_rows * n_rows].reshape(-1, n_rows)
    out = room(n_rows, n_features)
    return [(pixels, indices, *moments, out) for indices in batches]


def standardized(rng, n_rows, n_features):
    """Return the arguments of :func:`gather.standardize`."""
    pixels, *moments = images(rng, _N_IMAGES, n_features)
    out = room(n_rows, n_features)
    return [(pixels[start : start + n_rows], *moments, out) for start in range(0, _N_IMAGES - n_rows + 1, n_rows)]


def searched(rng, n_points, n):
    """Return the arguments of :func:`sampling.search`."""
    cumulative, out = np.cumsum(rng.exponential(size=n)), room(n_points, dtype=np.int64)
    return [(cumulative, 0.1, rng.random(n_points), out) for _ in range(_N_TURNS)]


def systematic(rng, n_points, n):
    """Return the arguments of :func:`sampling.systematic_search`."""
    cumulative, out = np.cumsum(rng.exponential(size=n)), room(n_points, dtype=np.int64)
    return [(cumulative, 0.1, offset, out) for offset in rng.random(_N_TURNS)]


def put_scores(rng, n):
    """Return the arguments of :func:`block_sums.put`."""
    along, changed, *_ = block_sums_of(rng, n)
    return rng.random(n, np.float32), rng.permutation(n).astype(np.int32), along, changed


def block_sums_of(rng, n):
    """Return the arguments of :func:`block_sums.sum_blocks`."""
    n_blocks = -(-n // BLOCK)
    along = np.append(rng.exponential(size=n).astype(np.float32), np.zeros(n_blocks * BLOCK - n, np.float32))
    return along, np.ones(n_blocks, bool), *np.empty((2, n_blocks))


def searched_blocks(rng, n_points, n):
    """Return the arguments of :func:`block_sums.search_blocks`."""
    along, changed, sums, running = block_sums_of(rng, n)
    sum_blocks(along, changed, sums, running)
    out, weights = room(n_points, dtype=np.int64), room(n_points, dtype=float)
    return [(along, running, (0.9, 0.1), n, rng.random(n_points), out, weights) for _ in range(_N_TURNS)]


def windows_of(rng, n):
    """Return the arguments of :func:`windows.longest_window`, of which all blocks agree."""
    blocks = np.zeros((n, N_PROBES + 3))
    for _ in range(8):
        means = 1 + 0.1 * rng.random((n, 3))
        blocks[:, :N_PROBES] += np.hstack([np.ones((n, 1)), means, (means[:, :, None] * means[:, None]).reshape(n, 9)])
    blocks[:, N_PROBES:] = 1, 0.5, 0.01
    return blocks, np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]), 8.0, 9.0, np.zeros(4), np.zeros((4, 4))


def runs(n):
    """Return the bounds of runs of examples: eight, of which every other one is left out."""
    edges = np.linspace(0, n, 9).astype(int)
    return np.stack([edges[:-1], edges[1:]], axis=1)[::2].copy()


def put_runs(rng, n):
    """Return the arguments of :func:`block_sums.put_runs`."""
    new, places, along, changed = put_scores(rng, n)
    return new, runs(n), np.zeros(n, np.float32), places, along, changed


def newer(rng, n):
    """Return the arguments of :func:`scores.keep_newer`."""
    bounds = runs(n)
    new = rng.random(int(np.diff(bounds).sum()), np.float32)
    return *scored(rng, n), bounds, new, np.full(len(bounds), 4), *counts(n)


def scored(rng, n):
    """Draw the scores of a table, and the steps behind them."""
    return rng.random(n, np.float32), rng.integers(9, size=n, dtype=np.int32)


def blocks(n):
    """Return the state of the blocks of a table, of which all have changed."""
    n_blocks = -(-n // STEPS_BLOCK)
    return np.ones(n_blocks, bool), room(n_blocks, dtype=np.int32)


def counts(n):
    """Return the counts of a table, and which blocks have changed: none."""
    return np.zeros(3, int), np.zeros(-(-n // STEPS_BLOCK), bool)


def logits(rng, n, n_classes):
    """Return the arguments of :func:`activations.softmax_cross_entropy`."""
    labels, predictions = rng.integers(0, n_classes, (2, n), dtype=np.int32)
    return normal(rng, n, n_classes), labels, room(n), predictions, room(n, dtype=float)


def outputs(rng, n, n_outputs):
    """Return the arguments of :func:`losses.squared_error`; those of labels are the same."""
    targets = rng.integers(0, 2, (n, n_outputs)).astype(np.float32)
    return normal(rng, n, n_outputs), targets, room(n), room(n, dtype=np.int32), room(n, dtype=float)


def synthetic_examples(rng, n, n_pixels):
    """Return the arguments of :func:`synthetic.fill_examples`."""
    prototypes, backgrounds = (rng.integers(-128, 128, (k, n_pixels), dtype=np.int32) for k in (10, 100))
    return np.arange(n), prototypes, backgrounds, room(n, n_pixels, dtype=np.uint8), room(n, dtype=np.int32)


def lstm_gates(rng, n, n_units):
    """Return the arguments of :func:`lstm.lstm_forward`."""
    return np.tanh(normal(rng, n, 4 * n_units)), normal(rng, n, n_units), rng.random(n) < 0.9, room(n, n_units)


def lstm_deltas(rng, n, n_units):
    """Return the arguments of :func:`lstm.lstm_backward`."""
    return rng.random((n, 4 * n_units), np.float32), *normal(rng, 4, n, n_units), room(n, 4 * n_units)


def histories(rng, n, n_examples):
    """Return the arguments of :func:`loss_history.append_losses`."""
    return normal(rng, n_examples, 10), np.ones(n_examples, np.int8), rng.integers(n_examples, size=n), normal(rng, n)


def factor(rng, fan_in, fan_out):
    """Return the arguments of :func:`bfloat16_products.pack` and :func:`bfloat16_products.pack_transposed`."""
    return normal(rng, fan_in, fan_out), room(fan_in * fan_out // 2, dtype=np.uint32)


def rounded_product(rng, n, fan_in, fan_out):
    """Return the arguments of :func:`bfloat16_products.multiply`."""
    w, pairs = factor(rng, fan_in, fan_out)
    twins.pack(w / np.float32(np.sqrt(fan_in)), pairs)
    return twins.bfloat16(normal(rng, n, fan_in)), pairs, room(n, fan_out)


def _exact(rng, *shape):
    """Draw small multiples of a power of two: twins that round their products must not sum them differently."""
    return rng.integers(-4, 5, shape).astype(np.float32) / 4


def _left(x):
    rows = aligned_zeros((len(x) + TILE_ROWS, x.shape[1]), np.uint16)
    rows[: len(x)] = twins.bfloat16(x)
    return rows


def _right(x):
    pairs = aligned_zeros((x.size // 2,), np.uint32)
    twins.pack(x, pairs)
    return pairs


def both_ways(n, width):
    """Return room for activations of a layer in bfloat16: rows and columns."""
    return [aligned_zeros((rows + TILE_ROWS, columns), np.uint16) for rows, columns in ((n, width), (width, n))]


def activated(rng, n, fan_in, fan_out):
    """Return the arguments of :func:`bfloat16_layers.activate`."""
    factors = _left(_exact(rng, n, fan_in)), _right(_exact(rng, fan_in, fan_out))
    return *factors, _exact(rng, fan_out), *both_ways(n, fan_out), np.zeros(n), 0, n, 0, fan_out


def propagated(rng, n, fan_in, fan_out):
    """Return the arguments of :func:`bfloat16_layers.propagate`."""
    factors = _left(_exact(rng, fan_in, fan_out)), _right(_exact(rng, fan_out, n))
    active, shares = _left(np.maximum(_exact(rng, fan_in, n), 0)), _exact(rng, n)
    pairs = [aligned_zeros((n * fan_in // 2,), np.uint32) for _ in range(2)]
    return *factors, active, shares, *pairs, np.zeros(fan_in, np.float32), np.zeros(n), 0, fan_in


def descended(rng, n, fan_in, fan_out):
    """Return the arguments of :func:`bfloat16_descent.descend`, without momentum."""
    h_columns, gradient_pairs, w, *_ = formed_gradient(rng, n, fan_in, fan_out)
    rounded = _right(w), _left(w)
    return h_columns, gradient_pairs, w, None, None, (2.0**-10, 0.0, 0.0), *rounded, 0, fan_in, 0, fan_out


def formed_gradient(rng, n, fan_in, fan_out):
    """Return the arguments of :func:`bfloat16_descent.form_gradient`."""
    factors = _left(np.maximum(_exact(rng, fan_in, n), 0)), _right(_exact(rng, n, fan_out))
    return *factors, aligned_zeros((fan_in, fan_out), np.float32), 0, fan_in, 0, fan_out


def row_lists(n, fan_in):
    """Return room for what :func:`few_rows.active_in_rows` lists."""
    n_blocks = -(-fan_in // few_rows.DEPTH)
    shape = (n, n_blocks * few_rows.DEPTH)
    return np.zeros(shape, np.float32), np.zeros(shape, np.int32), np.zeros((n, n_blocks), np.int32)


def column_lists(n, fan_in):
    """Return room for what :func:`few_rows.active_in_columns` lists."""
    return np.zeros((fan_in, n), np.float32), np.zeros((fan_in, n), np.int32), np.zeros(fan_in, np.int32)


def active_product(rng, n, fan_in, fan_out):
    """Return the arguments of :func:`few_rows.add_active_product`."""
    lists = row_lists(n, fan_in)
    few_rows.active_in_rows(activations(rng, n, fan_in), *lists)
    return *lists, *matrices(rng, (fan_in, fan_out), (n, fan_out)), 0, fan_out


def descent(rng, n, fan_in, fan_out):
    """Return the arguments of :func:`few_rows.descend_along_product`, without momentum."""
    lists = _listed_columns(rng, n, fan_in)
    delta, w, (b,) = matrices(rng, (n, fan_out), (fan_in, fan_out), (1, fan_out))
    return *lists, delta, rng.random(n, np.float32), w, None, None, b, None, None, (1e-3, 0.0, 0.0), 0, fan_out


def narrow_outputs(rng, n, fan_in, fan_out):
    """Return the arguments of :func:`narrow.write_outputs`."""
    w, (b,), z = matrices(rng, (fan_in, fan_out), (1, fan_out), (n, fan_out))
    return activations(rng, n, fan_in), w, b, room(narrow.height_of(w), fan_in), z, 0, n


def narrow_below(rng, n, fan_in, fan_out):
    """Return the arguments of :func:`narrow.write_below`."""
    delta, transposed = matrices(rng, (n, fan_out), (fan_out, fan_in))
    return delta, transposed, activations(rng, n, fan_in), room(n, fan_in), np.zeros(n), 0, fan_in


def narrow_descent(rng, n, fan_in, fan_out):
    """Return the arguments of :func:`narrow.descend_narrow`, without momentum."""
    delta, w, (b,) = matrices(rng, (n, fan_out), (fan_in, fan_out), (1, fan_out))
    own = room(narrow.height_of(w), fan_in), w, None, None, b, None, None, (1e-3, 0.0, 0.0), 0, fan_in
    return activations(rng, n, fan_in), delta, rng.random(n, np.float32), *own


def active_dots(rng, n, fan_in, fan_out):
    """Return the arguments of :func:`few_rows_backward.add_active_dots`."""
    _, *places = _listed_columns(rng, n, fan_in)
    return *places, *matrices(rng, (n, fan_out), (fan_in, fan_out), (fan_in, n)), 0, fan_in


def _listed_columns(rng, n, fan_in):
    lists = column_lists(n, fan_in)
    few_rows.active_in_columns(activations(rng, n, fan_in), *lists)
    return lists
