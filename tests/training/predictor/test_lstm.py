import numpy as np
import pytest
import reference

from isgd_mpi.training.predictor.lstm import LossNetwork, initial_params, tensor_shapes, tensor_views

pytestmark = pytest.mark.usefixtures("spurious_flags_of_blas")
N_CLASSES, SIZE = 3, 6


def make(rng, n_rows, dtype=np.float64):
    """A network with all parameters random, and histories of every length."""
    params = initial_params(N_CLASSES, rng, dtype)
    params += (0.1 * rng.standard_normal(params.size)).astype(dtype)
    history = rng.exponential(size=(n_rows, SIZE)).astype(dtype)
    lengths = (1 + np.arange(n_rows) % SIZE).astype(np.int8)
    return LossNetwork(params, N_CLASSES), history, lengths, rng.integers(0, N_CLASSES, n_rows)


def expected_predictions(network, history, lengths, classes):
    tensors = tensor_views(network.params, N_CLASSES)
    return [
        reference.lstm_prediction(tensors, row[SIZE - length :], label)
        for row, length, label in zip(history, lengths, classes)
    ]


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-4)])
@pytest.mark.parametrize("n_rows", [1, 3, 9])
def test_predictions_are_the_recurrence_written_out(rng, n_rows, dtype, rtol):
    case = make(rng, n_rows, dtype)
    predictions = case[0].predict(*case[1:])
    assert predictions.dtype == dtype
    np.testing.assert_allclose(predictions, expected_predictions(*case), rtol=rtol, atol=rtol)


def test_masked_entries_do_not_matter(rng):
    network, history, lengths, classes = make(rng, 9)
    predictions = network.predict(history, lengths, classes)
    for row, length in zip(history, lengths):
        row[: SIZE - length] = 1e30
    np.testing.assert_array_equal(network.predict(history, lengths, classes), predictions)


@pytest.mark.parametrize("name", tensor_shapes(N_CLASSES))
def test_gradient_is_the_derivative_of_the_mean_squared_error(rng, name):
    network, history, lengths, classes = make(rng, 7)
    targets, step = rng.exponential(size=7), 1e-5
    predictions, gradient = network.gradient(history, lengths, classes, targets)
    np.testing.assert_array_equal(predictions, network.predict(history, lengths, classes))
    tensor, derivative = (tensor_views(vector, N_CLASSES)[name].reshape(-1) for vector in (network.params, gradient))
    for k in rng.permutation(tensor.size)[:60]:
        value, errors = tensor[k], []
        for tensor[k] in (value + step, value - step):
            errors.append(np.mean((network.predict(history, lengths, classes) - targets) ** 2))
        tensor[k] = value
        np.testing.assert_allclose((errors[0] - errors[1]) / (2 * step), derivative[k], rtol=1e-5, atol=1e-8)


def test_each_call_of_gradient_starts_anew(rng):
    network, *batch = make(rng, 7)
    targets = rng.exponential(size=7)
    first = network.gradient(*batch, targets)[1].copy()
    network.gradient(*(part[:3] for part in batch), targets[:3])
    np.testing.assert_array_equal(network.gradient(*batch, targets)[1], first)


def test_tensors_tile_the_parameter_vector():
    vector = np.zeros(initial_params(N_CLASSES, np.random.default_rng(0)).size)
    for tensor in tensor_views(vector, N_CLASSES).values():
        tensor += 1
    np.testing.assert_array_equal(vector, 1)


def test_initial_recurrent_kernels_are_orthogonal_and_forget_gates_open(rng):
    tensors = tensor_views(initial_params(N_CLASSES, rng, np.float64), N_CLASSES)
    for layer in ("first", "second"):
        recurrent = tensors[f"{layer}_recurrent"]
        np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(len(recurrent)), atol=1e-12)
        np.testing.assert_array_equal(tensors[f"{layer}_bias"].reshape(4, -1).mean(axis=1), [0, 1, 0, 0])


def test_labels_and_numbers_stand_where_one_hot_classes_would(rng):
    network, history, lengths, classes = make(rng, 7)
    targets, one_hot = rng.exponential(size=7), np.eye(N_CLASSES)[classes]
    predictions, gradient = (part.copy() for part in network.gradient(history, lengths, classes, targets))
    for got, expected in zip(network.gradient(history, lengths, one_hot, targets), (predictions, gradient)):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-14)
    half = network.predict(history, lengths, one_hot / 2)
    np.testing.assert_allclose(half, (predictions + network.predict(history, lengths, 0 * one_hot)) / 2)
