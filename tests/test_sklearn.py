"""The estimators for scikit-learn: its own checks on one rank, and what is ours besides."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.datasets import make_classification, make_regression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from isgd_mpi.sklearn import ISGDClassifier, ISGDRegressor

SMALL = {"hidden": (16,), "steps": 100, "options": {"threads": 1}}
ESTIMATORS = [ISGDClassifier(lr=0.1, **SMALL), ISGDRegressor(lr=0.05, **SMALL)]


def expected_to_fail(estimator):
    """Return the checks that an estimator cannot pass, with the reasons."""
    drawn = "examples are drawn: one that is there twice is not drawn as one of weight two is, but as often on average"
    return {"check_sample_weight_equivalence_on_dense_data": drawn}


@parametrize_with_checks(ESTIMATORS, expected_failed_checks=expected_to_fail)
@pytest.mark.filterwarnings("ignore:.*SCIPY_ARRAY_API")
def test_scikit_learns_checks_pass(estimator, check):
    with np.errstate(all="ignore"):  # its data are to overflow in places
        check(estimator)


@pytest.fixture
def classes():
    x, y = make_classification(200, 8, random_state=0)
    return x, np.array(["no", "yes"])[y]


def test_a_search_in_a_pipeline_finds_a_classifier_that_learns(classes):
    pipeline = make_pipeline(StandardScaler(), ESTIMATORS[0])
    search = GridSearchCV(pipeline, {"isgdclassifier__lr": [1e-6, 0.1]}, cv=2).fit(*classes)
    assert search.best_params_ == {"isgdclassifier__lr": 0.1} and search.score(*classes) > 0.8
    assert set(search.predict(classes[0])) == {"no", "yes"}


def test_with_a_seed_and_a_schedule_that_is_repeatable_fits_are_the_same_to_the_bit(classes):
    fits = [
        ISGDClassifier(hidden=(8,), steps=40, random_state=seed, options={"schedule": "pipelined", "threads": 1})
        for seed in (1, 1, np.random.RandomState(2))
    ]
    first, again, other = (one.fit(*classes).predict_proba(classes[0]) for one in fits)
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_weights_of_classes_are_by_their_names(classes):
    predicted = ISGDClassifier(lr=0.1, class_weight={"no": 1e-3}, **SMALL).fit(*classes).predict(classes[0])
    assert (predicted == "yes").mean() > 0.9


def test_several_numbers_are_predicted_in_their_units_also_by_a_copy():
    x, y = make_regression(200, 5, n_targets=2, random_state=0)
    model = ISGDRegressor(lr=0.05, **SMALL).fit(x, 1000 + 50 * y)
    assert model.score(x, 1000 + 50 * y) > 0.8
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(x), model.predict(x))


@pytest.mark.parametrize(
    ("estimator", "problem"),
    [
        (ISGDClassifier(lr=-1.0), "lr must be above 0, or auto, not -1"),
        (ISGDClassifier(minibatch_size=0), "minibatch_size must be above 0"),
        (ISGDClassifier(options={"lrr": 1}), "unknown option 'lrr'"),
        (ISGDClassifier(options={"loss": "squared"}), "with a loss of cross-entropy or logistic if any"),
        (ISGDClassifier(options=3), "options must be a dict"),
        (ISGDClassifier(class_weight={"no": -1}), "class_weight: 'no' has the weight -1; weights are numbers from 0"),
        (ISGDClassifier(class_weight={"maybe": 2}), r"are not in class_weight"),
        (ISGDClassifier(steps=1, epochs=1), "give one of steps, epochs and seconds"),
    ],
)
def test_a_bad_parameter_is_told_in_one_line(classes, estimator, problem):
    with pytest.raises(ValueError, match=problem):
        estimator.fit(*classes)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_of_words_are_named_with_the_way_out(library):
    frames = pytest.importorskip(library)
    numbers, words = frames.DataFrame({"size": [1.0, 2.0] * 5}), {"size": [1.0, 2.0] * 5, "colour": ["red", "blue"] * 5}
    model = ISGDRegressor(**SMALL).fit(numbers, np.arange(10.0))
    for estimator in (model.fit, lambda x, _: model.predict(x)):
        with pytest.raises(ValueError, match=r"^X has words in colour: encode them.*--data FILE\.csv$"):
            estimator(frames.DataFrame(words), np.arange(10.0))


def test_without_a_limit_a_fit_takes_five_epochs_and_at_least_3000_steps():
    for n_examples, steps in [(200, 3000), (200_000, 7813)]:
        assert ISGDRegressor()._options(n_examples, {})["steps"] == steps
    assert "steps" not in ISGDRegressor(options={"seconds": 1.0})._options(200, {})
