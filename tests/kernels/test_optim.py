import numpy as np
import pytest
import reference

from isgd_mpi.kernels.optim import _BLOCK, adam_settings, adam_update, nesterov_update, sgd_update, update_columns

pytestmark = pytest.mark.kernels
DTYPES = [np.float32, np.float64]
RTOL = {np.float32: 1e-5, np.float64: 1e-13}
SIZES = [1, 7, _BLOCK - 1, _BLOCK, _BLOCK + 1, 2 * _BLOCK + 5]


def vectors(rng, n, size, dtype):
    return [rng.standard_normal(size).astype(dtype) for _ in range(n)]


@pytest.mark.parametrize("decay", [0.0, 0.01])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
def test_sgd_update(variant, rng, dtype, size, decay):
    params, gradient = vectors(rng, 2, size, dtype)
    got = params.copy()
    assert variant(sgd_update)(got, gradient, 0.3, decay) == size
    expected = reference.sgd_update(params, gradient, 0.3, decay)
    np.testing.assert_allclose(got, expected, rtol=RTOL[dtype], atol=RTOL[dtype])


@pytest.mark.parametrize("decay", [0.0, 0.01])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
def test_nesterov_update(variant, rng, dtype, size, decay):
    params, velocity, gradient = vectors(rng, 3, size, dtype)
    got, got_velocity = params.copy(), velocity.copy()
    assert variant(nesterov_update)(got, got_velocity, gradient, 0.3, 0.9, decay) == size
    expected = reference.nesterov_update(params, velocity, gradient, 0.3, 0.9, decay)
    np.testing.assert_allclose([got, got_velocity], expected, rtol=RTOL[dtype], atol=RTOL[dtype])


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("columns", [(0, 9), (2, 5), (3, 3)])
def test_update_columns(variant, rng, momentum, columns):
    params, velocity, gradient = rng.standard_normal((3, 4, 9))
    velocity *= momentum > 0
    got, got_velocity = params.copy(), velocity.copy()
    moments = got_velocity if momentum else None, None
    variant(update_columns)(got, *moments, gradient, (0.3, momentum, 0.01), *columns)
    expected = reference.nesterov_update(params, velocity, gradient, 0.3, momentum, 0.01)
    own = (np.arange(9) >= columns[0]) & (np.arange(9) < columns[1])
    np.testing.assert_allclose(got, np.where(own, expected[0], params), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(got_velocity, np.where(own & (momentum > 0), expected[1], velocity), atol=1e-13)


@pytest.mark.parametrize("columns", [(0, 9), (2, 5)])
def test_update_columns_with_adam(variant, rng, columns):
    begin, end = columns
    params, mean, mean_square, gradient = rng.standard_normal((4, 4, 9))
    mean_square *= mean_square
    got = [params.copy(), mean.copy(), mean_square.copy()]
    variant(update_columns)(*got, gradient, adam_settings(0.3, 4, 0.01, 0.02), begin, end)
    expected = reference.adam_update(params, mean, mean_square, gradient, 0.3, 4, 0.01, 0.02)
    for each, before, after in zip(got, (params, mean, mean_square), expected):
        before[:, begin:end] = after[:, begin:end]
        np.testing.assert_allclose(each, before, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("decays", [(0.0, 0.0), (0.01, 0.0), (0.0, 0.1)])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", SIZES)
def test_adam_update(variant, rng, dtype, size, decays):
    got = [params, mean, mean_square] = [np.ones(size, dtype), np.zeros(size, dtype), np.zeros(size, dtype)]
    expected = [array.astype(float) for array in (params, mean, mean_square)]
    for step, gradient in enumerate(vectors(rng, 3, size, dtype), start=1):
        assert variant(adam_update)(*got, gradient, *adam_settings(0.3, step, *decays)) == size
        expected = reference.adam_update(*expected, gradient.astype(float), 0.3, step, *decays)
    np.testing.assert_allclose(got, expected, rtol=10 * RTOL[dtype], atol=10 * RTOL[dtype])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_adam_stops_at_the_block_of_a_gradient_that_is_not_finite(variant, rng, bad):
    params, mean, mean_square, gradient = vectors(rng, 4, 2 * _BLOCK, np.float32)
    mean_square *= mean_square
    gradient[_BLOCK + 7] = bad
    got = [array.copy() for array in (params, mean, mean_square)]
    with np.errstate(invalid="ignore"):
        assert variant(adam_update)(*got, gradient, *adam_settings(0.3, 1)) == _BLOCK
    for each, before in zip(got, (params, mean, mean_square)):
        np.testing.assert_array_equal(each[_BLOCK:], before[_BLOCK:])
        assert (each[:_BLOCK] != before[:_BLOCK]).all()


def test_the_first_step_of_adam_is_the_learning_rate_whatever_the_gradient(variant):
    params = np.zeros(4)
    gradient = np.array([1e-3, -2.0, 5e4, 1.0])
    variant(adam_update)(params, np.zeros(4), np.zeros(4), gradient, *adam_settings(0.1, 1))
    np.testing.assert_allclose(params, [-0.1, 0.1, -0.1, -0.1], rtol=1e-4)


@pytest.mark.parametrize("dtype", DTYPES)
def test_nesterov_without_momentum_is_sgd(variant, rng, dtype):
    params, gradient = vectors(rng, 2, 300, dtype)
    plain, coasting = params.copy(), params.copy()
    variant(sgd_update)(plain, gradient, 0.3)
    variant(nesterov_update)(coasting, np.ones_like(params), gradient, 0.3, 0.0)
    np.testing.assert_allclose(coasting, plain, rtol=RTOL[dtype], atol=RTOL[dtype])


def test_look_ahead_form_is_nesterovs_momentum(variant):
    # on (theta^2)/2, with the gradient taken ahead of a point that moves by the velocity
    rate, momentum, point, speed = 0.1, 0.8, 1.0, 0.0
    params, velocity = np.ones(1), np.zeros(1)
    for _ in range(20):
        variant(nesterov_update)(params, velocity, params.copy(), rate, momentum)
        speed = momentum * speed - rate * (point + momentum * speed)
        point += speed
        np.testing.assert_allclose(params, point + momentum * speed, rtol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, _BLOCK - 1, _BLOCK, 2 * _BLOCK + 3])
@pytest.mark.parametrize("momentum", [None, 0.9])
def test_a_gradient_that_is_not_finite_stops_at_its_block(variant, rng, dtype, bad, place, momentum):
    params, velocity, gradient = vectors(rng, 3, 2 * _BLOCK + 5, dtype)
    gradient[place] = bad
    got, got_velocity = params.copy(), velocity.copy()
    with np.errstate(invalid="ignore"):
        if momentum is None:
            n_updated = variant(sgd_update)(got, gradient, 0.3)
        else:
            n_updated = variant(nesterov_update)(got, got_velocity, gradient, 0.3, momentum)
    assert n_updated == place // _BLOCK * _BLOCK
    np.testing.assert_array_equal(got[n_updated:], params[n_updated:])
    np.testing.assert_array_equal(got_velocity[n_updated:], velocity[n_updated:])
    assert (got[:n_updated] != params[:n_updated]).all()


def test_no_finite_gradient_is_taken_for_an_infinite_one(variant):
    largest = np.finfo(np.float32).max
    params = np.zeros(64, np.float32)
    assert variant(sgd_update)(params, np.full(64, largest), np.float32(1e-38)) == 64
