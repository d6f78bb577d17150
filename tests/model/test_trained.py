import io
import json
import zipfile

import numpy as np
import pytest
import reference
from own_models import Copying

from isgd_mpi.data.target import Target
from isgd_mpi.model.mlp import MLP
from isgd_mpi.model.params import initial_params, layer_views
from isgd_mpi.model.trained import Learned, TrainedMLP, TrainedOwnModel, load
from isgd_mpi.settings.errors import InputError

WIDTHS = (4, 5, 3)
LEARNED = Learned(
    params=initial_params(WIDTHS, "he", np.random.default_rng(1)),
    mean=np.array([1, 2, 3, 4], np.float32),
    inverse_std=np.array([1, 0.5, 2, 0], np.float32),
    step=7,
)


@pytest.fixture
def model():
    return TrainedMLP(LEARNED, WIDTHS)


def mlp_predictions(x):
    mlp = MLP(WIDTHS, len(x))
    mlp.params = LEARNED.params
    standardized = np.ascontiguousarray((x.reshape(len(x), 4) - LEARNED.mean) * LEARNED.inverse_std)
    mlp.scores(standardized.astype(np.float32), np.zeros(len(x), np.int32))
    return mlp.predictions


@pytest.mark.parametrize("n", [0, 1, 2047, 2048, 2049, 5000])
def test_predictions_are_the_models_for_any_number_of_rows(model, rng, n):
    x = rng.standard_normal((n, 2, 2)).astype(np.float32)
    predicted = model.predict(x)
    assert predicted.shape == (n,) and predicted.dtype == np.int64
    np.testing.assert_array_equal(predicted, mlp_predictions(x))


def test_probabilities_sum_to_one_and_agree_with_the_classes(model, rng):
    x = rng.integers(0, 256, (3000, 4), dtype=np.uint8)
    probabilities = model.predict_probabilities(x)
    assert probabilities.shape == (3000, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(probabilities.argmax(axis=1), model.predict(x))
    assert model.predict_probabilities(x[:0]).shape == (0, 3)


@pytest.mark.parametrize(
    "x, message",
    [
        (np.ones(4), "one example per row"),
        (np.ones((2, 4), complex), "must be numbers.*complex128"),
        (np.ones((2, 5)), "5 features an example, but the model was trained on 4"),
        (np.array([[0.0, 1, 2, 3], [0, 1, 2, np.nan]]), "example 1 has a NaN"),
    ],
)
def test_bad_features_are_told_of(model, x, message):
    with pytest.raises(InputError, match=message):
        model.predict(x)


def test_a_model_saved_is_the_model_loaded(model, tmp_path, rng):
    x = rng.standard_normal((9, 4))
    model.save(tmp_path / "a.npz")
    loaded = load(str(tmp_path / "a.npz"))
    assert loaded.step == 7 and loaded.widths == WIDTHS
    np.testing.assert_array_equal(loaded.predict_probabilities(x), model.predict_probabilities(x))
    with np.load(tmp_path / "a.npz", allow_pickle=False) as saved:
        assert set(saved.files) == {"params", "widths", "mean", "inverse_std", "step", "table", "target", "loss"}


def test_an_own_model_predicts_the_class_of_least_loss_and_is_loaded_by_its_maker(model, tmp_path, rng):
    x = rng.standard_normal((2100, 4)).astype(np.float32)
    own = TrainedOwnModel(LEARNED, 3, Copying)
    np.testing.assert_array_equal(own.predict(x), model.predict(x))
    own.save(tmp_path / "own.npz")
    np.testing.assert_array_equal(load(tmp_path / "own.npz", model=Copying).predict(x), own.predict(x))
    with pytest.raises(InputError, match="load it with model=make_model"):
        load(tmp_path / "own.npz")
    with pytest.raises(InputError, match="the model has 93 parameters, but 43 were trained"):
        load(tmp_path / "own.npz", model=lambda *sizes: Copying(14))
    model.save(tmp_path / "mlp.npz")
    with pytest.raises(InputError, match="load it without model="):
        load(tmp_path / "mlp.npz", model=Copying)


def npz(**arrays):
    file = io.BytesIO()
    arrays = {"widths": WIDTHS} | LEARNED._asdict() | arrays
    np.savez(file, **{name: array for name, array in arrays.items() if array is not None})
    return file.getvalue()


def zipped(**files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


HUGE = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (9000000000000000,), }".ljust(128)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "is not an npz file"),
        (npz()[:-30], "is not an npz file, or truncated"),
        (npz().replace(b"NUMPY", b"numpy"), "cannot be read|no array|vector of float32"),
        (zipped(**{"params.npy": HUGE}), "cannot be read"),
        (zipped(params=b"text"), "no array"),
        (npz(params=np.array([{}], object)), "params holds Python objects, which are not read"),
        (npz(params=None), "params must be a vector of float32"),
        (npz(params=np.ones(43)), "params must be a vector of float32"),
        (npz(params=np.full(43, np.nan, np.float32)), "params is not finite"),
        (npz(mean=np.ones(3, np.float32)), "differ in length"),
        (npz(step=None), "step must be a count"),
        (npz(step=-1), "step must be a count"),
        (npz(step=np.ones(2, int)), "step must be a count"),
        (npz(widths=None), "widths, or the number n_classes"),
        (npz(widths=None, n_classes=0), "widths, or the number n_classes"),
        (npz(loss="hinge"), "loss 'hinge' is none of classes"),
        (npz(loss="squared"), "loss 'squared' is none of classes"),
        (npz(target=Target("numbers", 3, (), (0.0,) * 3, (1.0,) * 3).to_json(), loss="logistic"), "none of numbers"),
        (npz(widths=np.array([4])), "two or more"),
        (npz(widths=np.array([4, -5, 3])), "two or more positive"),
        (npz(widths=np.array([4.0, 5, 3])), "two or more positive integers"),
        (npz(widths=np.array([4, 2**62, 3])), "do not fit 4 features and 43 parameters"),
        (npz(widths=np.array([5, 5, 3])), "do not fit 4 features and 43 parameters"),
    ],
)
def test_a_file_that_is_no_saved_model_is_told_of_in_one_line(content, message, tmp_path):
    path = tmp_path / "hostile.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="nowhere.npz: cannot be read"):
        load(tmp_path / "nowhere.npz")


def test_a_table_that_does_not_fit_the_model_is_refused(tmp_path):
    columns = [{"name": str(k), "categories": None, "mean": 0.0, "has_indicator": False} for k in range(3)]
    table = {"targets": ["y"], "columns": columns, "dropped": []}
    path = tmp_path / "model.npz"
    TrainedMLP(LEARNED._replace(table=json.dumps(table)), WIDTHS).save(path)
    with pytest.raises(InputError, match="table does not fit 4 features"):
        load(path)


@pytest.mark.parametrize(
    "target, message",
    [
        ("{", "target describes none"),
        ('{"kind": "classes", "n_outputs": 3, "names": 3}', "target describes none"),
        ('{"kind": "classes", "n_outputs": 3, "names": ["a", "b", "c"], "type": "int64"}', "target describes none"),
        ('{"kind": "classes", "n_outputs": 3, "names": ["1", "2", "3"], "type": "object"}', "target describes none"),
        (Target("classes", 2).to_json(), "target does not fit 3 outputs"),
    ],
)
def test_a_target_that_does_not_fit_the_model_is_refused(tmp_path, target, message):
    np.savez(tmp_path / "model.npz", **LEARNED._replace(target=target)._asdict(), widths=WIDTHS)
    with pytest.raises(InputError, match=message):
        load(tmp_path / "model.npz")


@pytest.mark.parametrize(
    "names, kind, expected",
    [
        (("cat", "dog", "owl"), "str", np.array(["cat", "dog", "owl"])),
        (("3", "5", "9007199254740993"), "int64", np.array([3, 5, 2**53 + 1])),
        (("1", "2", "26"), "uint8", np.array([1, 2, 26], np.uint8)),
        (("-0.5", "2.0", "3.0"), "float32", np.array([-0.5, 2, 3], np.float32)),
    ],
)
def test_classes_come_back_as_the_user_named_them(tmp_path, rng, names, kind, expected):
    target = Target("classes", 3, names, type=kind)
    TrainedMLP(LEARNED._replace(target=target.to_json()), WIDTHS).save(tmp_path / "model.npz")
    model = load(tmp_path / "model.npz")
    assert model.classes.dtype == expected.dtype
    np.testing.assert_array_equal(model.classes, expected)
    x = rng.standard_normal((50, 4)).astype(np.float32)
    np.testing.assert_array_equal(model.predict(x), expected[mlp_predictions(x)])


def test_files_of_before_there_were_targets_are_loaded(tmp_path, rng):
    (tmp_path / "old.npz").write_bytes(npz(target=None, loss=None, table=None))
    x = rng.standard_normal((50, 4)).astype(np.float32)
    np.testing.assert_array_equal(load(tmp_path / "old.npz").predict(x), mlp_predictions(x))
    columns = [{"name": str(k), "categories": None, "mean": 0.0, "has_indicator": False} for k in range(4)]
    table = {"target": "y", "classes": list("abc"), "columns": columns, "dropped": []}
    (tmp_path / "old.npz").write_bytes(npz(target=None, loss=None, table=json.dumps(table)))
    np.testing.assert_array_equal(load(tmp_path / "old.npz").predict(x), np.array(["a", "b", "c"])[mlp_predictions(x)])


def saved_and_loaded(path, target, loss, rng):
    """Return a loaded model for a target, raw features, and its outputs for them."""
    widths = (4, 5, target.n_outputs)
    learned = LEARNED._replace(params=initial_params(widths, "he", rng), target=target.to_json(), loss=loss)
    TrainedMLP(learned, widths).save(path)
    x = rng.standard_normal((2100, 4))
    standardized = (x - LEARNED.mean) * LEARNED.inverse_std
    return load(path), x, reference.mlp_logits(*layer_views(learned.params, widths), standardized)


@pytest.mark.parametrize("loss", ["squared", "huber"])
@pytest.mark.parametrize("n_numbers", [1, 3])
def test_numbers_are_predicted_in_the_units_of_the_user(tmp_path, rng, loss, n_numbers):
    mean, scale = (1000.0, -5.0, 0.0)[:n_numbers], (50.0, 0.1, 1.0)[:n_numbers]
    model, x, z = saved_and_loaded(tmp_path / "a.npz", Target("numbers", n_numbers, (), mean, scale), loss, rng)
    expected = z * np.array(scale) + np.array(mean)
    predicted = model.predict(x)
    assert model.loss.name == loss and predicted.dtype == np.float64
    np.testing.assert_allclose(predicted, expected[:, 0] if n_numbers == 1 else expected, rtol=1e-5, atol=1e-4)
    assert model.predict(x[:0]).shape == predicted[:0].shape
    with pytest.raises(InputError, match="predicts numbers, which have no probabilities: use predict"):
        model.predict_probabilities(x)


def test_labels_are_predicted_as_zeros_and_ones(tmp_path, rng):
    model, x, z = saved_and_loaded(tmp_path / "a.npz", Target("labels", 3, ("red", "green", "blue")), "logistic", rng)
    np.testing.assert_array_equal(model.predict(x), (z > 0).astype(np.int64))
    np.testing.assert_allclose(model.predict_proba(x), 1 / (1 + np.exp(-z)), rtol=1e-4, atol=1e-6)
    assert model.predict(x[:0]).shape == model.predict_proba(x[:0]).shape == (0, 3)


def test_a_single_label_stands_for_two_classes(tmp_path, rng):
    model, x, z = saved_and_loaded(tmp_path / "a.npz", Target("labels", 1, ("no", "yes")), "logistic", rng)
    np.testing.assert_array_equal(model.predict(x), np.where(z[:, 0] > 0, "yes", "no"))
    expected = 1 / (1 + np.exp(np.hstack([z, -z])))
    np.testing.assert_allclose(model.predict_probabilities(x), expected, rtol=1e-4, atol=1e-6)
    assert model.predict_probabilities(x[:0]).shape == (0, 2)


class WithOutputs(Copying):
    """Has logits, too: those of the last layer of its MLP, in a buffer."""

    def outputs(self, x):
        return self.mlp._outputs(x)


@pytest.mark.parametrize("kind", ["classes", "labels", "numbers"])
def test_an_own_model_with_outputs_predicts_by_them(rng, kind):
    moments = ((1.0, 2.0, 3.0), (4.0, 5.0, 6.0)) if kind == "numbers" else ()
    learned, x = LEARNED._replace(target=Target(kind, 3, (), *moments).to_json()), rng.standard_normal((2100, 4))
    own, mlp = TrainedOwnModel(learned, 3, WithOutputs), TrainedMLP(learned, WIDTHS)
    np.testing.assert_allclose(own.predict(x), mlp.predict(x), rtol=1e-5, atol=1e-5)
    if kind != "classes":
        with pytest.raises(InputError, match=f"the model predicts no {kind}: it has no method outputs"):
            TrainedOwnModel(learned, 3, Copying).predict(x)


def test_the_folder_of_a_run_has_a_last_and_perhaps_a_best_model(tmp_path):
    TrainedMLP(LEARNED, WIDTHS).save(tmp_path / "model.npz")
    with pytest.raises(InputError, match="best.npz: is not there: without a validation set no model is the best"):
        load(tmp_path, best=True)
    TrainedMLP(LEARNED._replace(step=5), WIDTHS).save(tmp_path / "best.npz")
    assert load(tmp_path).step == LEARNED.step and load(tmp_path, best=True).step == 5
    with pytest.raises(InputError, match="best=True needs the folder of a run"):
        load(tmp_path / "model.npz", best=True)
