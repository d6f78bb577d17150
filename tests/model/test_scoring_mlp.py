import warnings

import numba
import numpy as np
import pytest
import reference

from isgd_mpi.model.bfloat16.arithmetic import CompiledProducts
from isgd_mpi.model.bfloat16.scoring_mlp import Evaluator, LowPrecisionMLP
from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.params import initial_params, layer_views, n_parameters

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="the products are compiled only")
WIDTHS = [(6, 4), (6, 5, 3), (17, 33, 70, 5), (784, 64, 48, 10)]
MOST_ROWS = 900  # more than one call of compiled products takes


def problem(rng, widths, n_rows):
    """Draw parameters and a batch."""
    params = initial_params(widths, "he", rng) + 0.1 * rng.standard_normal(n_parameters(widths), dtype=np.float32)
    return params, rng.standard_normal((n_rows, widths[0]), np.float32), rng.integers(0, widths[-1], n_rows, np.int32)


def model_of(params, *arguments, **keywords):
    model = LowPrecisionMLP(*arguments, **keywords)
    model.params = params
    return model


@pytest.mark.parametrize("widths", WIDTHS)
def test_scores_are_those_of_the_rounding_twin(rng, make_products, widths):
    params, x, y = problem(rng, widths, 11)
    scores, losses, correct = model_of(params, widths, 20, make_products).scores(x, y)
    expected, expected_losses = reference.low_precision_norms(*layer_views(params, widths), x, y)
    errors = np.abs(scores - expected) / expected
    assert np.median(errors) < 1e-5 and errors.max() < 2e-3  # where a sum on the edge is rounded the other way
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-3, atol=1e-4)
    assert correct.dtype == bool and len(correct) == 11


@pytest.mark.parametrize("widths", WIDTHS)
def test_scores_differ_from_those_of_float32_by_what_the_precision_implies(rng, make_products, widths):
    params, x, y = problem(rng, widths, MOST_ROWS)
    model, exact = model_of(params, widths, MOST_ROWS, make_products), MLP(widths, MOST_ROWS)
    exact.params = params
    scores, losses, correct = model.scores(x, y)
    expected, expected_losses, expected_correct = exact.scores(x, y)
    errors = np.abs(scores - expected) / expected
    assert 0 < np.median(errors) < 2**-8 and np.quantile(errors, 0.99) < 2**-4  # 2**-9 is half a unit in the last place
    assert np.abs(losses - expected_losses).mean() < 0.02 and (correct == expected_correct).mean() > 0.97
    np.testing.assert_array_equal(model.predictions == y, correct)


def test_threads_say_nothing_of_a_net_that_diverges(rng):
    params, x, y = problem(rng, (17, 33, 5), MOST_ROWS)
    model = model_of(np.full_like(params, np.inf), (17, 33, 5), MOST_ROWS, CompiledProducts, threads=2)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not np.isfinite(model.scores(x, y)[0]).any()


@pytest.mark.parametrize("score", ["grad-bound", "loss"])
def test_each_kind_of_score_is_what_it_is_called(rng, make_products, score):
    widths = (17, 33, 5)
    params, x, y = problem(rng, widths, 30)
    scores, losses, _ = model_of(params, widths, 30, make_products, score).scores(x, y)
    exact = MLP(widths, 30, score=score)
    exact.params = params
    np.testing.assert_allclose(scores, exact.scores(x, y)[0], rtol=0.1, atol=0.02)
    assert (score == "loss") == np.array_equal(scores, losses)


def test_scores_depend_neither_on_threads_nor_on_neighbours(rng):
    widths = (17, 33, 70, 5)
    params, x, y = problem(rng, widths, MOST_ROWS)
    alone, shared = (model_of(params, widths, MOST_ROWS, CompiledProducts, threads=n) for n in (1, 3))
    expected = alone.scores(x, y)[0].copy()
    np.testing.assert_array_equal(shared.scores(x, y)[0], expected)
    np.testing.assert_array_equal(alone.scores(x[333:401], y[333:401])[0], expected[333:401])


def test_parameters_that_are_set_are_used_from_the_next_call_on(rng, make_products):
    widths = (6, 20, 3)
    params, x, y = problem(rng, widths, 8)
    model = model_of(params, widths, 8, make_products)
    before = model.scores(x, y)[0].copy()
    model.params = np.zeros_like(params)
    np.testing.assert_allclose(model.scores(x, y)[1], np.log(3), rtol=1e-6)
    model.params = params
    np.testing.assert_array_equal(model.scores(x, y)[0], before)


def test_nan_in_nan_out(rng, make_products):
    widths = (6, 20, 3)
    params, x, y = problem(rng, widths, 8)
    x[3, 1] = np.nan
    model = model_of(params, widths, 8, make_products)
    np.testing.assert_array_equal(np.isnan(model.scores(x, y)[0]), np.arange(8) == 3)
    params[0] = np.nan
    model.params = params
    assert np.isnan(model.scores(x, y)[0]).any()


def test_too_many_rows_are_refused_and_the_model_goes_on(rng):
    params, x, y = problem(rng, (6, 5, 3), 8)
    model = model_of(params, (6, 5, 3), 7, CompiledProducts)
    with pytest.raises(ValueError, match="at most 7 rows, not 8"):
        model.scores(x, y)
    assert len(model.scores(x[:0], y[:0])[0]) == 0 and len(model.scores(x[:7], y[:7])[0]) == 7


def test_the_evaluator_measures_in_float32(rng):
    widths = (17, 33, 5)
    params, x, y = problem(rng, widths, MOST_ROWS)
    evaluator, exact = Evaluator(widths), MLP(widths, MOST_ROWS)
    evaluator.params = exact.params = params
    _, losses, correct = evaluator.scores(x, y)
    _, expected_losses, expected_correct = exact.scores(x, y)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(correct, expected_correct)
