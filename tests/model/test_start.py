"""Training that begins with a trained model begins with its function, whatever the new data are standardised by."""

from dataclasses import replace

import numpy as np
import pytest
from own_models import Copying

from isgd_mpi.data.arrays import from_arrays
from isgd_mpi.data.target import Target
from isgd_mpi.model import start
from isgd_mpi.model.params import initial_params, n_parameters
from isgd_mpi.model.start import starting_params
from isgd_mpi.model.trained import Learned, TrainedMLP, TrainedOwnModel
from isgd_mpi.settings.errors import InputError

WIDTHS = (4, 5, 3)


def trained(dataset, rng, widths=WIDTHS):
    """Return a trained model for a data set, with random parameters."""
    params = initial_params(widths, "he", rng) + rng.standard_normal(n_parameters(widths)).astype(np.float32) / 10
    return TrainedMLP(Learned(params, *dataset.standardization, 7, "", dataset.target.to_json()), widths)


def features(rng, mean=0.0, scale=1.0):
    x = mean + scale * rng.standard_normal((60, 4))
    x[:, 3] = mean  # never varies
    return x


def made(x, target, standardize="auto"):
    """Return a data set with a target, of which the labels are not used."""
    return replace(from_arrays(x, np.arange(len(x)) % 3, standardize=standardize), target=target)


def classes(names):
    return Target("classes", len(names), tuple(names))


def begun(model, dataset, widths=WIDTHS):
    """Return a trained model with the parameters that a run on the data set begins with."""
    params, notice = starting_params(model, dataset, n_parameters(widths), widths)
    assert not notice and params.dtype == np.float32
    return TrainedMLP(Learned(params, *dataset.standardization, 0, "", dataset.target.to_json()), widths)


@pytest.mark.parametrize("standardize", ["feature", "none"])
@pytest.mark.parametrize("names", ["abc", "bca"])
def test_the_function_is_the_same_on_other_data(rng, standardize, names):
    model = trained(made(features(rng), classes("abc")), rng)
    x = features(rng, mean=3.0, scale=7.0)
    begins = begun(model, made(x, classes(names), standardize))
    order = ["abc".index(name) for name in names]
    got, expected = (each.predict_probabilities(x) for each in (begins, model))
    np.testing.assert_allclose(got, expected[:, order], rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(begins.predict(x), model.predict(x))


def test_numbers_are_the_same_in_their_units(rng):
    widths = (4, 5, 2)
    first, second = (
        Target("numbers", 2, ("p", "q"), mean, scale)
        for mean, scale in (((9.0, 2.0), (4.0, 3.0)), ((0.0, 5.0), (1.0, 7.0)))
    )
    model = trained(made(features(rng), first), rng, widths)
    x = features(rng, mean=3.0, scale=2.0)
    for target in (second, second._replace(names=("q", "p"))):
        order = [("p", "q").index(name) for name in target.names]
        begins = begun(model, made(x, target), widths)
        np.testing.assert_allclose(begins.predict(x), model.predict(x)[:, order], rtol=1e-4)


def test_on_the_same_data_no_bit_changes(rng):
    dataset = made(features(rng), classes("abc"))
    model = trained(dataset, rng)
    got, expected = begun(model, dataset).params, model.params.copy()
    assert dataset.inverse_std[3] == 0
    expected[3 * 5 : 4 * 5] = 0  # weights of the feature that is always 0
    np.testing.assert_array_equal(got, expected)


def test_a_file_a_run_and_a_vector_are_taken(rng, tmp_path):
    dataset = made(features(rng), classes("abc"))
    model = trained(dataset, rng)
    model.save(tmp_path / "model.npz")
    expected, _ = starting_params(model, dataset, model.params.size, WIDTHS)
    for init in (str(tmp_path), str(tmp_path / "model.npz"), expected, expected.astype(float)):
        np.testing.assert_array_equal(starting_params(init, dataset, model.params.size, WIDTHS)[0], expected)


def test_a_model_of_ones_own_is_taken_and_another_standardisation_told_of(rng, tmp_path):
    dataset, other = (made(features(rng, scale=scale), classes("abc")) for scale in (1.0, 9.0))
    params = rng.standard_normal(Copying().params.size).astype(np.float32)
    learned = Learned(params, *dataset.standardization, 7, "", dataset.target.to_json())
    TrainedOwnModel(learned, 3, Copying).save(tmp_path / "own.npz")
    for data, told in ((dataset, ""), (other, "its first outputs differ from before")):
        got, notice = starting_params(str(tmp_path / "own.npz"), data, params.size, make_model=Copying)
        np.testing.assert_array_equal(got, params)
        assert notice.endswith(told) and bool(notice) == bool(told) and "\n" not in notice


@pytest.mark.parametrize(
    ("init", "message"),
    [
        ("nowhere.npz", "^--init nowhere.npz: .*give he, a number, or the file or folder of a trained model"),
        (np.zeros(42, np.float32), "^init: is float32 of shape .42,., but this run has 43 parameters"),
        (np.full(43, np.nan), "^init: has parameters that are not finite"),
        (((4, 6, 3), "abc"), "has the widths 4-6-3, and this run has 4-5-3: give --hidden 6"),
        (((4, 5, 2), "ab"), "has the widths 4-5-2, and this run has 4-5-3: the data must have as many"),
        (((4, 5, 3), "abx"), "predicts no 'c', which these data have: its own are a, b, x"),
        ("numbers", "predicts 3 numbers, and this run 3 classes"),
        ("own", "is an MLP or a model of your own, and this run trains the other kind"),
    ],
)  # fmt: skip
def test_a_model_that_does_not_fit_is_refused_in_one_line(rng, init, message):
    dataset = made(features(rng), classes("abc"))
    if isinstance(init, tuple):
        init = trained(made(features(rng), classes(init[1])), rng, init[0])
    elif str(init) == "numbers":
        init = trained(made(features(rng), Target("numbers", 3, (), (0.0,) * 3, (1.0,) * 3)), rng)
    elif str(init) == "own":
        init = TrainedOwnModel(Learned(Copying().params, *dataset.standardization, 7), 3, Copying)
    with pytest.raises(InputError, match=message) as caught:
        starting_params(init, dataset, 43, WIDTHS)
    assert "\n" not in str(caught.value)


def test_a_feature_that_the_data_lack_is_named():
    with pytest.raises(InputError, match="^m: was trained with 'c' too, which these data lack$"):
        start._order(["a", "b", "c"], ["b", "a"], "m", "knows no feature")
