"""T trainers that compute a model together, here as threads, do what one does alone."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import Barrier, Lock

import numpy as np
import pytest

from isgd_mpi.kernels.few_rows import DEPTH
from isgd_mpi.kernels.memory import aligned_zeros
from isgd_mpi.model.bfloat16.training_mlp import RoundedMLP
from isgd_mpi.model.layers import FEW_ROWS
from isgd_mpi.model.losses import Huber, Logistic, Squared
from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.optim import SGD, Adam
from isgd_mpi.model.params import initial_params
from isgd_mpi.model.share import WHOLE, Share

pytestmark = pytest.mark.usefixtures("spurious_flags_of_blas")
TOGETHER = [1, 2, 3, 5]


def clipping(params, learning_rate):
    """Make an optimiser that clips every gradient of these tests."""
    optimiser = SGD(params, learning_rate, weight_decay=0.01)
    optimiser.clip_norm = 0.01
    return optimiser


MOMENTUM = partial(SGD, momentum=0.9)
OPTIMISERS = [SGD, partial(SGD, momentum=0.9, weight_decay=0.01), partial(Adam, weight_decay=0.01, decoupled=True)]
OPTIMISERS += [clipping]
WIDTHS = [(5, 3), (1, 1, 1), (6, 5, 3), (70, 64, 3), (5, 33, 64, 64), (9, 128, 70, 320, 4), (3, 320, 256, 2)]


def shares_of(n, seconds=60):
    """Return shares whose trainers are threads: what the first allocates in each call, the others get too."""
    barrier, lock, made = Barrier(n, timeout=seconds), Lock(), []

    def allocator():
        n_calls = 0

        def allocate(*specifications):
            nonlocal n_calls
            with lock:
                if n_calls == len(made):
                    made.append([aligned_zeros(*each) for each in specifications])
                n_calls += 1
                return made[n_calls - 1]

        return allocate

    return [Share(rank, n, allocator(), barrier.wait) for rank in range(n)]


def together(n, play):
    """Call a function of a share in n threads; return the results."""
    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(play, shares_of(n)))


def sums_of(n, seconds=60):
    """Return functions that sum arrays over n threads, in place."""
    barrier, given = Barrier(n, timeout=seconds), [None] * n

    def sum_as(rank, *arrays):
        given[rank] = [array.copy() for array in arrays]
        barrier.wait()
        sums = [sum(parts) for parts in zip(*given)]
        barrier.wait()
        for array, total in zip(arrays, sums):
            array[...] = total

    return [partial(sum_as, rank) for rank in range(n)]


def on_nodes(n_nodes, n, play):
    """Call a function of a node's number and of a share in threads, n for each node; return the results."""
    equals = [sums_of(n_nodes) for _ in range(n)]
    shares = [
        (node, replace(share, sum_over_nodes=equals[share.rank][node]))
        for node in range(n_nodes)
        for share in shares_of(n)
    ]
    with ThreadPoolExecutor(len(shares)) as pool:
        return list(pool.map(play, *zip(*shares)))


def descend(share, widths, minibatches, make_optimiser=SGD, dtype=np.float64, kind=MLP, max_rows=None):
    """Take a step along each minibatch; return the parameters with their moments, and the answers."""
    model = kind(widths, max_rows or len(minibatches[0][1]), dtype, share=share)
    optimiser = make_optimiser(model.params, learning_rate=0.1)
    optimiser.keep_in(share)
    if share.rank == 0:
        model.params[:] = initial_params(widths, "he", np.random.default_rng(1), dtype)
    share.meet()
    answers = []
    for minibatch in minibatches:
        loss, scores = model.descend(*minibatch, optimiser)
        answers.append([np.array(part) for part in (loss, scores, model.predictions, model.grad_norms, model.losses)])
        share.meet()
    vectors = optimiser.part(slice(None))
    return [vector.copy() for vector in vectors if vector is not None], answers


def minibatches_of(rng, widths, n_rows, dtype=np.float64, n=3):
    return [
        (
            rng.standard_normal((n_rows, widths[0])).astype(dtype),
            rng.integers(0, widths[-1], n_rows),
            rng.exponential(size=n_rows).astype(dtype),
        )
        for _ in range(n)
    ]


@pytest.mark.parametrize("n", TOGETHER)
@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("n_rows", [1, 16, 80, FEW_ROWS + 3])
@pytest.mark.parametrize("make_optimiser", OPTIMISERS)
def test_together_they_take_the_steps_of_one(rng, n, widths, n_rows, make_optimiser):
    minibatches = minibatches_of(rng, widths, n_rows)
    vectors, answers = descend(WHOLE, widths, minibatches, make_optimiser)
    for got, got_answers in together(n, lambda share: descend(share, widths, minibatches, make_optimiser)):
        compare = np.testing.assert_array_equal if n == 1 else np.testing.assert_allclose
        bounds = {} if n == 1 else {"rtol": 1e-9, "atol": 1e-11}
        for one, other in zip([got, *got_answers], [vectors, *answers]):
            for part, expected in zip(one, other):
                compare(part, expected, **bounds)


@pytest.mark.parametrize("n", TOGETHER)
@pytest.mark.parametrize("widths", WIDTHS)
@pytest.mark.parametrize("n_rows", [1, 80])
@pytest.mark.parametrize("make_optimiser", [MOMENTUM, Adam, clipping])
def test_in_bfloat16_each_number_of_trainers_gives_the_same_bits(rng, n, widths, n_rows, make_optimiser):
    minibatches = minibatches_of(rng, widths, n_rows, np.float32)
    arguments = widths, minibatches, make_optimiser, np.float32, RoundedMLP
    vectors, answers = descend(WHOLE, *arguments)
    tolerance = 1e-5 if make_optimiser is clipping else 0  # the norm is a sum over trainers
    for got, got_answers in together(n, lambda share: descend(share, *arguments)):
        np.testing.assert_allclose(got, vectors, rtol=tolerance, atol=tolerance)
        for one, other in zip(got_answers, answers):
            for part, expected in zip(one, other):
                np.testing.assert_allclose(part, expected, rtol=1e-6)


@pytest.mark.parametrize("rounded_mlp", ["mkl", "mkl_in_numpy"], indirect=True)
@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("widths", [(1, 1, 1), (70, 64, 3), (9, 128, 70, 320, 4)])
@pytest.mark.parametrize(("n_rows", "make_optimiser"), [(1, SGD), (80, MOMENTUM), (80, Adam), (80, clipping)])
def test_in_bfloat16_by_mkl_they_take_the_steps_of_one_and_repeat_them(
    rng, rounded_mlp, n, widths, n_rows, make_optimiser
):
    arguments = widths, minibatches_of(rng, widths, n_rows, np.float32), make_optimiser, np.float32, rounded_mlp
    vectors, answers = descend(WHOLE, *arguments)
    runs = [together(n, lambda share: descend(share, *arguments)) for _ in range(2)]
    (first, (got, got_answers), *_), (again, *_) = runs
    for each, same, other, expected in zip(first[0], again[0], got, vectors):
        np.testing.assert_array_equal(each, same)
        np.testing.assert_array_equal(each, other)
        # a sum in another order may round otherwise, by half a unit of 8 bits, here and there
        assert np.linalg.norm(each - expected) <= 2e-3 * np.linalg.norm(expected)
    for part, expected in zip(sum(got_answers, []), sum(answers, [])):
        np.testing.assert_allclose(part, expected, rtol=2e-2, atol=1e-3)


def part_of(minibatch, node, n_nodes):
    """Return a node's part of a minibatch, with weights for means over the whole."""
    x, y, weights = (np.array_split(part, n_nodes)[node] for part in minibatch)
    return x, y, weights * x.dtype.type(len(y) / len(minibatch[1]))


def descend_on_nodes(n_nodes, n, widths, minibatches, *arguments):
    """Let trainers on nodes take the steps of :func:`descend`; return for each the node and the results."""
    max_rows = -(-len(minibatches[0][1]) // n_nodes)

    def play(node, share):
        parts = [part_of(minibatch, node, n_nodes) for minibatch in minibatches]
        return node, *descend(share, widths, parts, *arguments, max_rows=max_rows)

    return on_nodes(n_nodes, n, play)


MANY_WIDTHS = (9, 128, 70, 320, 4)
on_any_nodes = pytest.mark.parametrize(("n_nodes", "n"), [(3, 1), (2, 3)])


@on_any_nodes
@pytest.mark.parametrize("n_rows", [3, 80, 2 * FEW_ROWS + 3])
@pytest.mark.parametrize("make_optimiser", [MOMENTUM, clipping])
def test_on_several_nodes_they_take_the_steps_of_one(rng, n_nodes, n, n_rows, make_optimiser):
    minibatches = minibatches_of(rng, MANY_WIDTHS, n_rows)
    vectors, answers = descend(WHOLE, MANY_WIDTHS, minibatches, make_optimiser)
    for node, got, got_answers in descend_on_nodes(n_nodes, n, MANY_WIDTHS, minibatches, make_optimiser):
        for part, expected in zip(got, vectors):
            np.testing.assert_allclose(part, expected, rtol=1e-9, atol=1e-11)
        for (loss, *parts), (expected_loss, *expected) in zip(got_answers, answers):
            np.testing.assert_allclose(loss, expected_loss, rtol=1e-9)
            for part, whole in zip(parts, expected):
                np.testing.assert_allclose(part, np.array_split(whole, n_nodes)[node], rtol=1e-9)


@on_any_nodes
@pytest.mark.parametrize("rounded_mlp", ["compiled", "mkl_in_numpy"], indirect=True)
@pytest.mark.parametrize("make_optimiser", [MOMENTUM, clipping])
def test_in_bfloat16_on_several_nodes_they_take_the_steps_of_one(rng, rounded_mlp, n_nodes, n, make_optimiser):
    arguments = MANY_WIDTHS, minibatches_of(rng, MANY_WIDTHS, 80, np.float32), make_optimiser, np.float32, rounded_mlp
    vectors, _ = descend(WHOLE, *arguments)
    (_, first, _), *others = descend_on_nodes(n_nodes, n, *arguments)
    for each, expected in zip(first, vectors):
        # a sum in another order may round otherwise
        assert np.linalg.norm(each - expected) <= 2e-3 * np.linalg.norm(expected)
    for _, vectors, _ in others:
        np.testing.assert_array_equal(vectors, first)


@pytest.mark.parametrize("loss", [Logistic, Squared, Huber])
@pytest.mark.parametrize("kind", [MLP, RoundedMLP])
def test_together_they_take_the_steps_of_one_whatever_the_loss(rng, loss, kind):
    widths, dtype = (70, 64, 3), np.float64 if kind is MLP else np.float32
    minibatches = [
        (x, rng.integers(0, 2, (16, 3)).astype(np.float32), weights)
        for x, _, weights in minibatches_of(rng, widths, 16, dtype)
    ]
    arguments = widths, minibatches, MOMENTUM, dtype, partial(kind, loss=loss(3))
    moved, answers = descend(WHOLE, *arguments)
    for got, got_answers in together(3, lambda share: descend(share, *arguments)):
        np.testing.assert_allclose(got, moved, rtol=1e-9 if kind is MLP else 0, atol=1e-11 if kind is MLP else 0)
        for part, expected in zip(sum(got_answers, []), sum(answers, [])):
            np.testing.assert_allclose(part, expected, rtol=1e-9 if kind is MLP else 1e-6)


def test_the_same_number_gives_the_same_bits(rng):
    minibatches = minibatches_of(rng, (70, 256, 128, 5), 64, np.float32)
    arguments = (70, 256, 128, 5), minibatches, Adam, np.float32
    runs = [together(3, lambda share: descend(share, *arguments)) for _ in range(2)]
    for one, other in zip(*runs):
        np.testing.assert_array_equal(one[0], other[0])


@pytest.mark.parametrize("bad", ["feature", "weight"])
def test_all_refuse_together_what_is_not_finite_and_touch_nothing(rng, bad):
    ((x, y, weights),) = minibatches_of(rng, (70, 128, 3), 8, n=1)
    {"feature": x, "weight": weights}[bad].flat[5] = np.nan

    def play(share):
        model = MLP((70, 128, 3), 8, np.float64, share=share)
        optimiser = SGD(model.params, 0.1, 0.9)
        optimiser.keep_in(share)
        with np.errstate(all="ignore"), pytest.raises(FloatingPointError, match="not finite"):
            model.descend(x, y, weights, optimiser)
        return model.params.any() or optimiser.velocity.any()

    assert not any(together(3, play))


@pytest.mark.parametrize("n", [*TOGETHER, 12, 16])
@pytest.mark.parametrize("width", [1, 10, 64, 100, 512, 2048])
@pytest.mark.parametrize("n_rows", [1, 16, 128])
def test_the_parts_of_a_layer_tile_it(n, width, n_rows):
    shares = [replace(WHOLE, rank=rank, n=n) for rank in range(n)]
    for cuts in ([share.cut(width, n_rows) for share in shares], [share.cut_by_rows(width) for share in shares]):
        covered = np.zeros((n_rows, width), int)
        for cut in cuts:
            covered[cut.rows(n_rows), cut.columns] += 1
            assert cut.columns.start % DEPTH == 0
        assert (covered == 1).all()
        biases = np.zeros(width, int)
        for cut in cuts:
            biases[cut.columns] += cut.leads
        assert (biases == 1).all()
    steps = [share.rows_to_step(n_rows) for share in shares]
    assert steps[0] == slice(0, n_rows if n == 1 else 0) and sum(share.steps_biases for share in shares) == 1
    for parts in ([share.rows(n_rows) for share in shares], [share.columns(n_rows) for share in shares], steps):
        np.testing.assert_array_equal(np.concatenate([np.arange(n_rows)[part] for part in parts]), np.arange(n_rows))


@pytest.mark.parametrize(
    ("n", "n_rows", "grid"), [(2, 16, (2, 1)), (8, 16, (8, 1)), (12, 16, (4, 3)), (16, 16, (8, 2))]
)
def test_a_layer_is_cut_by_columns_first_and_by_rows_where_these_do_not_suffice(n, n_rows, grid):
    cut = replace(WHOLE, n=n).cut(512, n_rows)
    assert (cut.n_column_parts, cut.n_row_parts) == grid


@pytest.mark.parametrize("method", ["scores", "gradient"])
def test_a_model_that_is_shared_does_nothing_else(rng, method):
    model = MLP((4, 3, 2), 3, share=replace(WHOLE, n=2))
    arguments = np.zeros((3, 4), np.float32), np.zeros(3, int), np.ones(3, np.float32)
    with pytest.raises(ValueError, match="one of 2 trainers"):
        getattr(model, method)(*arguments[: 2 + (method == "gradient")])
