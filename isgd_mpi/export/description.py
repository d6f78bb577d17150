"""Describe a trained model in texts, which travel in a file beside its arrays."""

import json

from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.version import __version__

FORMAT = "1"
"""Version of the names of tensors, outputs and texts."""


def describe(model):
    """Return all that a user of a model has to know beside its arrays.

    Parameters
    ----------
    model : isgd_mpi.model.trained.TrainedMLP

    Returns
    -------
    dict of str to str
        ``format`` and ``isgd_mpi``: versions; ``step``; ``loss``; JSON: ``target``, the fields of
        :class:`isgd_mpi.data.target.Target`; ``classes``, the names of the classes in their order, if
        there are any; of a model that was trained on a table ``features``, the names of the features in their order,
        and ``columns``, the making of them (:class:`isgd_mpi.data.tables.encoding.Column`).
    """
    texts = {
        "format": FORMAT,
        "isgd_mpi": __version__,
        "step": str(model.step),
        "loss": model.loss.name,
        "target": model.target.to_json(),
        "classes": json.dumps(list(map(str, model.classes.tolist()))),
    }
    if model.encoding:
        texts["features"] = json.dumps(model.encoding.feature_names)
        texts["columns"] = json.dumps(model.encoding.to_dict()["columns"])
    return texts


def missing_library(name):
    """Return the error of a library that is not installed."""
    return InputError(f'--format {name} needs the library {name}: pip install "isgd_mpi[export]"')
