"""Use a trained model: predict from raw features, save, load. Needs no MPI."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from isgd_mpi.data.examples import check_finite
from isgd_mpi.data.files import write_atomically
from isgd_mpi.data.given import as_array, feature_names, problem_of_features
from isgd_mpi.data.npz import read_arrays
from isgd_mpi.data.tables.encoding import Encoding
from isgd_mpi.data.tables.read import encode_frame
from isgd_mpi.model.losses import loss_for
from isgd_mpi.model.model_file import TEXTS, problem_of_arrays, problem_of_texts, read_target
from isgd_mpi.model.params import layer_views
from isgd_mpi.settings.errors import InputError

_BATCH_ROWS = 2048  # examples that are predicted at a time


class Learned(NamedTuple):
    """Parameters that training has found, and the standardisation of features that they need.

    Attributes
    ----------
    params : (P,) ndarray of float32
    mean, inverse_std : (n_features,) ndarray of float32 or float64
        Features are standardised to ``(x - mean) * inverse_std``, in this precision.
    step : int
        Number of updates that have led to the parameters.
    table : str
        Encoding of the table that the features came from, as JSON; empty if they came from none.
    target : str
        Description of the target, as JSON; empty for classes without names.
    loss : str
        Name of the loss, a key of :data:`losses.LOSSES`; empty for that of the target's kind.
    """

    params: np.ndarray
    mean: np.ndarray
    inverse_std: np.ndarray
    step: int
    table: str = ""
    target: str = ""
    loss: str = ""


class TrainedModel:
    """A trained model, for raw features.

    Made by :func:`isgd_mpi.fit` and :func:`isgd_mpi.load`, as :class:`TrainedMLP` or :class:`TrainedOwnModel`.

    Parameters
    ----------
    learned : Learned
    n_outputs : int
        Classes, if nothing else is learned of the target.

    Attributes
    ----------
    params : (P,) ndarray of float32
    mean, inverse_std : (n_features,) ndarray of float32 or float64
        Features are standardised to ``(x - mean) * inverse_std``, in this precision.
    step : int
        Number of updates that have led to the parameters.
    encoding : encoding.Encoding or None
        What turns a table into features, if the model was trained on a table.
    target : target.Target
    loss : losses.Loss
        The loss that it was trained with.
    """

    def __init__(self, learned, n_outputs):
        self._learned = learned
        self.params, self.mean, self.inverse_std, self.step, table, target, loss = learned
        self.encoding = Encoding.from_dict(json.loads(table)) if table else None
        self.target = read_target(target, table, n_outputs)
        self.loss = loss_for(loss or "auto", self.target)

    @property
    def classes(self):
        """The classes as the user named them for training, (C,) ndarray of the user's own type, in their order.

        Two where the target is a single label, and none where it is several, or numbers.
        """
        return self.target.classes

    def predict(self, x):
        """Predict classes, labels or numbers.

        Parameters
        ----------
        x : (B, ...) array_like of numbers, or a table
            Features in the form in which they were given for training, not standardised; any number of examples. A
            model that was trained on a table also takes tables with its columns: of pandas, polars or pyarrow.

        Returns
        -------
        ndarray
            (B,) classes as they were given for training, in their own type; see `classes`. Those of a table are text.
            Of several labels (B, K) of int64, 1 for each label that holds and 0 for the others. Of numbers (B, K) of
            float64 in the units in which they were given for training; (B,) if it is one.

        Raises
        ------
        InputError
            `x` has another shape or dtype, lacks a column, or a feature is not finite.
        """
        nothing = self.loss.predict(np.empty((0, self.target.n_outputs), np.float32))
        return self._as_given(self._in_batches(self.decide, x, nothing))

    def save(self, path):
        """Write an npz file that :func:`isgd_mpi.load` reads. It appears complete, or not at all.

        Parameters
        ----------
        path : str or Path
            Overwritten if it exists.
        """
        arrays = self._learned._asdict() | self._identity()
        write_atomically(Path(path), lambda file: np.savez(file, **arrays))

    def _as_given(self, predicted):
        """Return predictions in the names or units of the user."""
        predicted = self.target.as_given(predicted)
        return self.classes[predicted] if self.target.n_classes else predicted

    def _in_batches(self, function, x, nothing):
        """Apply a function of standardised features to all examples; `nothing` is its result for no example."""
        names = feature_names(x)
        if self.encoding and names:
            x, names = encode_frame(x, self.encoding), self.encoding.feature_names
        x = as_array(x)
        if problem := problem_of_features(x, names):
            raise InputError(f"x: {problem}")
        x = x.reshape(len(x), int(np.prod(x.shape[1:])))
        if x.shape[1] != self.mean.size:
            raise InputError(f"x: {x.shape[1]} features an example, but the model was trained on {self.mean.size}")
        starts = range(0, len(x), _BATCH_ROWS)
        return np.concatenate([nothing, *(function(self._standardized(x, start, names)) for start in starts)])

    def _standardized(self, x, start, names):
        """Return a batch of standardised features."""
        rows = x[start : start + _BATCH_ROWS]
        check_finite("x", rows, range(start, start + len(rows)), names)
        return ((rows.astype(self.mean.dtype) - self.mean) * self.inverse_std).astype(np.float32, copy=False)


class TrainedMLP(TrainedModel):
    """A trained MLP.

    Parameters
    ----------
    learned : Learned
    widths : sequence of int
        Features, hidden widths, outputs.

    Attributes
    ----------
    widths : tuple of int
    """

    predicts = True

    def __init__(self, learned, widths):
        super().__init__(learned, widths[-1])
        self.widths = tuple(widths)

    def predict_probabilities(self, x):
        """Predict the probability of each class, or that each label holds.

        Parameters
        ----------
        x : (B, ...) array_like of numbers
            Features; see :meth:`TrainedModel.predict`, whose errors this raises too.

        Returns
        -------
        (B, n_classes) or (B, n_labels) ndarray of float32
            A single label stands for two classes.

        Raises
        ------
        InputError
            The model predicts numbers.
        """
        if self.target.kind == "numbers":
            raise InputError("this model predicts numbers, which have no probabilities: use predict")
        return self._in_batches(self._probabilities, x, self._probabilities(np.empty((0, self.widths[0]), np.float32)))

    predict_proba = predict_probabilities  # as scikit-learn calls it

    def _identity(self):
        return {"widths": self.widths}

    def decide(self, h):
        """Return predictions, given standardised features, (B, n_features) ndarray; see :meth:`losses.Loss.predict`."""
        return self.loss.predict(self._outputs(h))

    def _probabilities(self, h):
        z = self._outputs(h)
        return self.loss.outputs(np.hstack([-z, z]) if self.target.row_shape == (1,) else z)

    def _outputs(self, h):
        *hidden, (w, b) = zip(*layer_views(self.params, self.widths))
        for hidden_w, hidden_b in hidden:
            h = np.maximum(h @ hidden_w + hidden_b, 0)
        return h @ w + b


class TrainedOwnModel(TrainedModel):
    """A trained model of the user's own.

    Parameters
    ----------
    learned : Learned
    n_classes : int
        Or labels, or numbers.
    make_model : callable
        Makes the model; see :class:`own_model.Model`.

    Raises
    ------
    InputError
        The model that it makes has another number of parameters.

    Notes
    -----
    Predicts by the model's ``outputs``. Without them, it predicts the class of least loss, at the price of scoring each
    example once for each class.
    """

    def __init__(self, learned, n_classes, make_model):
        super().__init__(learned, n_classes)
        self.n_classes = n_classes
        self._model = make_model(self.mean.size, n_classes, _BATCH_ROWS)
        n_params = self._model.params.size
        if self._model.params.shape != self.params.shape:
            raise InputError(f"the model has {n_params} parameters, but {self.params.size} were trained")

    def _identity(self):
        return {"n_classes": self.n_classes}

    @property
    def predicts(self):
        """True if the model predicts its kind of target."""
        return self.target.kind == "classes" or hasattr(self._model, "outputs")

    def decide(self, x):
        """Return predictions for at most 2048 examples, given standardised features; see :meth:`TrainedMLP.decide`."""
        self._model.params = self.params
        if hasattr(self._model, "outputs"):
            return self.loss.predict(np.array(self._model.outputs(x)))  # a copy: it may be a buffer
        if not self.predicts:
            raise InputError(f"the model predicts no {self.target.kind}: it has no method outputs; see isgd_mpi.Model")
        losses = np.empty((self.n_classes, len(x)))
        for c in range(self.n_classes):
            losses[c] = self._model.scores(x, np.full(len(x), c, np.int32))[1]
        return losses.argmin(axis=0)


def load(path, model=None, best=False):
    """Load a trained model that :func:`isgd_mpi.fit` or ``python -m isgd_mpi`` has saved.

    Parameters
    ----------
    path : str or Path
        An npz file that :meth:`TrainedModel.save` wrote, or the folder of a run.
    model : callable, optional
        Only for a model of your own: the function that makes it; see :class:`own_model.Model`.
    best : bool
        Whether to load, from a run's folder, the best model on the validation set, ``best.npz``, and not the last one,
        ``model.npz``.

    Returns
    -------
    TrainedModel

    Raises
    ------
    InputError
        The file cannot be read, is damaged or is no saved model, or its model is of another kind.
    """
    path = _in_folder(Path(path), best)
    arrays = read_arrays(path, (*Learned._fields, "widths", "n_classes"))
    texts = {name: str(arrays.pop(name, "")) for name in TEXTS}
    if problem := problem_of_arrays(arrays) or problem_of_texts(texts, arrays):
        raise InputError(f"{path}: is not a model saved by isgd_mpi: {problem}")
    learned = Learned(arrays["params"], arrays["mean"], arrays["inverse_std"], int(arrays["step"]), **texts)
    if "widths" in arrays:
        if model is not None:
            raise InputError(f"{path}: holds an MLP of isgd_mpi: load it without model=")
        return TrainedMLP(learned, arrays["widths"].tolist())
    if model is None:
        raise InputError(f"{path}: holds the parameters of a model of your own: load it with model=make_model")
    return TrainedOwnModel(learned, int(arrays["n_classes"]), model)


def _in_folder(path, best):
    """Return the path of a model's file, given that or the folder of a run."""
    if path.is_file() and best:
        raise InputError(f"{path}: best=True needs the folder of a run: name the file of the best model itself")
    if not path.is_dir():
        return path
    path = path / ("best.npz" if best else "model.npz")
    if best and not path.exists():
        raise InputError(f"{path}: is not there: without a validation set no model is the best; see model.npz")
    return path
