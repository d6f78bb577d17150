"""Estimators for scikit-learn, which train on all ranks: ``from isgd_mpi.sklearn import ISGDClassifier``.

Alone they are estimators as any others. Under mpirun every rank calls `fit` with the same arguments, and can predict
afterwards.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.class_weight import compute_class_weight
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError:
    raise ImportError('isgd_mpi.sklearn needs scikit-learn 1.6: pip install "isgd_mpi[sklearn]"') from None

from isgd_mpi.settings.errors import InputError

_LEAST_STEPS, _EPOCHS = 3000, 5  # where no limit is given, as for tables on the command line
_MOST_SEED = 2**31
_PARAMETERS = ("hidden", "lr", "minibatch_size", "epochs", "steps", "optimizer", "momentum", "weight_decay")
_NUMBERS = {"multi_output": True, "y_numeric": True, "ensure_min_samples": 2}  # of one number nothing can be learned
_ENCODE = (
    "encode them, as with sklearn.preprocessing.OneHotEncoder, or train on a table: python -m isgd_mpi --data FILE.csv"
)
_LIMITS = ("epochs", "steps", "seconds")


def _columns_of_words(x):
    """Return the names of a data frame's columns that cannot be read as numbers."""
    return [str(name) for name in getattr(x, "columns", ()) if not _is_numeric(x[name])]


def _is_numeric(column):
    try:
        np.asarray(column, dtype=float)
    except (TypeError, ValueError):
        return False
    return True


@dataclass(eq=False, repr=False)
class _Estimator(BaseEstimator):
    """The part that both estimators share: hyper-parameters, and training on all ranks."""

    # scikit-learn reads hyper-parameters off the constructor, so each that is worth a search is one of its parameters;
    # the class's decorator writes that constructor
    hidden: Sequence[int] = (512, 512)
    lr: float | str = "auto"
    minibatch_size: int = 128
    epochs: float | None = None
    steps: int | None = None
    optimizer: str = "sgd"
    momentum: float = 0.0
    weight_decay: float = 0.0
    random_state: int | np.random.RandomState | None = None
    options: dict | None = None

    def _train(self, x, y, sample_weight, **options):
        """Train on all ranks, and keep the model on each."""
        from isgd_mpi import fit_everywhere  # initialises MPI

        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, x, ensure_non_negative=True)
        try:
            self.model_ = fit_everywhere(x, y, sample_weight=sample_weight, **self._options(len(x), options))
        except InputError as error:
            raise ValueError(str(error)) from None
        return self

    def _validated(self, X, *y, **checks):  # noqa: N803
        """Return features, and y if it is given, as scikit-learn checks them."""
        try:
            return validate_data(self, X, *y, dtype=(np.float32, np.float64), **checks)
        except ValueError:
            if names := _columns_of_words(X):
                raise ValueError(f"X has words in {', '.join(names)}: {_ENCODE}") from None
            raise

    def _options(self, n_examples, options):
        """Return the options of a fit; those that the user gives win."""
        given = {name: value for name in _PARAMETERS if (value := getattr(self, name)) is not None}
        seed = 0 if self.random_state is None else self.random_state
        if not isinstance(seed, (int, np.integer)):
            seed = check_random_state(seed).randint(_MOST_SEED)
        own = self.options or {}
        if not isinstance(own, dict) or own.get("loss", "auto") not in ("auto", *self._LOSSES):
            raise ValueError(f"options must be a dict, with a loss of {' or '.join(self._LOSSES)} if any, not {own!r}")
        options = given | {"seed": int(seed)} | options | own
        if not any(name in options for name in _LIMITS):
            size = options.get("minibatch_size")  # fit says so if it is wrong
            of_epochs = math.ceil(_EPOCHS * n_examples / size) if isinstance(size, Integral) and size > 0 else 0
            options["steps"] = max(_LEAST_STEPS, of_epochs)
        return options

    def _predict(self, X, method="predict"):  # noqa: N803
        """Return what a method of the model returns for features."""
        check_is_fitted(self)
        return getattr(self.model_, method)(self._validated(X, reset=False))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True  # the schedule relaxed goes by the clock
        return tags


@dataclass(eq=False, repr=False)
class ISGDClassifier(ClassifierMixin, _Estimator):
    """A classifier: an MLP that all ranks train by importance sampling.

    Parameters
    ----------
    hidden : sequence of int
        Widths of the hidden layers.
    lr : float or "auto"
        Learning rate.
    minibatch_size : int
        Examples in a step.
    epochs, steps : float, int, optional
        The end of training, one of both: five epochs, but at least 3 000 steps, if neither is given.
    optimizer : "sgd", "adam" or "adamw"
    momentum : float
        Of sgd, in [0, 1).
    weight_decay : float
    random_state : int, RandomState or None
        The seed; None stands for 0, since all ranks need the same. Two fits are the same to the last bit with
        ``options={"schedule": "pipelined"}``.
    options : dict, optional
        Further options of :func:`isgd_mpi.fit`, such as ``{"score": "uniform"}`` or ``{"run_dir": "runs/one"}``.
    class_weight : dict, "balanced" or None
        Weights of the classes in the objective.

    Attributes
    ----------
    classes_ : (C,) ndarray
    n_features_in_ : int
    model_ : isgd_mpi.TrainedModel
        On every rank.
    """

    class_weight: dict | str | None = None

    _LOSSES = ("cross-entropy", "logistic")

    def fit(self, X, y, sample_weight=None):  # noqa: N803
        """Train. Collective: every rank calls it with the same arguments.

        Parameters
        ----------
        X : (N, n_features) array_like
        y : (N,) array_like of classes
        sample_weight : (N,) array_like, optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Data or a hyper-parameter are wrong.
        Diverged
            The loss or the gradient is not finite.
        """
        x, y = self._validated(X, y)
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y must have two classes or more, not 1 class, {self.classes_[0]!r}")
        return self._train(x, numbers, sample_weight, loss="cross-entropy", class_weight=self._weights(y))

    def _weights(self, y):
        """Return the weights of classes, by their numbers where they are given by their names."""
        weights = self.class_weight
        if not isinstance(weights, dict):
            return weights
        for name, weight in weights.items():
            if not isinstance(weight, Real) or not 0 <= weight < math.inf:
                raise ValueError(f"class_weight: {name!r} has the weight {weight!r}; weights are numbers from 0 up")
        return dict(enumerate(compute_class_weight(weights, classes=self.classes_, y=y).tolist()))

    def predict(self, X):  # noqa: N803
        """Predict the class of each row, (N,) ndarray."""
        places = self._predict(X)
        return self.classes_[places]

    def predict_proba(self, X):  # noqa: N803
        """Predict the probability of each class, (N, C) ndarray of float32, in the order of `classes_`."""
        return self._predict(X, "predict_probabilities")


class ISGDRegressor(RegressorMixin, _Estimator):
    """A regressor: an MLP that all ranks train by importance sampling, with squared error.

    The parameters are those of :class:`ISGDClassifier` but for `class_weight`; ``options={"loss": "huber"}`` has less
    regard for numbers that are far out.

    Attributes
    ----------
    n_features_in_ : int
    model_ : isgd_mpi.TrainedModel
        On every rank.
    """

    _LOSSES = ("squared", "huber")

    def fit(self, X, y, sample_weight=None):  # noqa: N803
        """Train. Collective: every rank calls it with the same arguments.

        Parameters
        ----------
        X : (N, n_features) array_like
        y : (N,) or (N, K) array_like of numbers
        sample_weight : (N,) array_like, optional

        Returns
        -------
        self

        Raises
        ------
        ValueError
            Data or a hyper-parameter are wrong.
        Diverged
            The loss or the gradient is not finite.
        """
        x, y = self._validated(X, y, **_NUMBERS)
        return self._train(x, y, sample_weight, loss="squared")

    def predict(self, X):  # noqa: N803
        """Predict the numbers of each row, (N,) or (N, K) ndarray of float64."""
        return self._predict(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
