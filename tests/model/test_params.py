import numpy as np
import pytest

from isgd_mpi.model.params import initial_params, layer_views, n_parameters

WIDTHS = [(3, 4, 2), (5, 2), (1, 1), (2, 3, 4, 5, 6, 1)]


def test_the_papers_net_has_18_903_050_parameters():
    assert n_parameters((3072, 2048, 2048, 2048, 2048, 10)) == 18_903_050


@pytest.mark.parametrize("widths", WIDTHS)
def test_layers_tile_the_vector_weights_before_bias(widths):
    vector = np.arange(n_parameters(widths))
    weights, biases = layer_views(vector, widths)
    parts = [part.ravel() for layer in zip(weights, biases) for part in layer]
    np.testing.assert_array_equal(np.concatenate(parts), vector)
    assert [w.shape for w in weights] == list(zip(widths, widths[1:]))
    assert [b.shape for b in biases] == [(width,) for width in widths[1:]]


@pytest.mark.parametrize("widths", WIDTHS)
def test_layers_are_views(widths):
    vector = np.zeros(n_parameters(widths))
    weights, biases = layer_views(vector, widths)
    for layer in (*weights, *biases):
        layer += 1
    assert (vector == 1).all()


@pytest.mark.parametrize(("init", "scales"), [("he", (np.sqrt(2 / 400), np.sqrt(2 / 300))), (0.01, (0.01, 0.01))])
def test_initial_weights_have_the_standard_deviation_asked_for(rng, init, scales):
    widths = (400, 300, 50)
    weights, biases = layer_views(initial_params(widths, init, rng), widths)
    for w, scale in zip(weights, scales):
        n_sigma = np.sqrt(w.size)  # of the mean, in units of the standard deviation of one
        assert abs(w.mean()) < 4 * scale / n_sigma
        assert abs(w.std() / scale - 1) < 4 / np.sqrt(2) / n_sigma
    assert not any(b.any() for b in biases)


def test_initial_params_are_those_of_the_seed():
    first, again, other = (initial_params((4, 3, 2), "he", np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any() and first.dtype == np.float32


def test_initial_params_are_the_same_in_both_precisions():
    single, double = (initial_params((4, 3, 2), 0.5, np.random.default_rng(1), dtype) for dtype in ("f4", "f8"))
    np.testing.assert_allclose(single, double, rtol=1e-7)
