"""Check the content of a file that a trained model was saved in, before a model is made of it."""

import json

import numpy as np

from isgd_mpi.data.tables.encoding import Encoding
from isgd_mpi.data.target import Target
from isgd_mpi.model.losses import LOSSES
from isgd_mpi.model.params import n_parameters

TEXTS = ("table", "target", "loss")
"""Names of the texts in a file; see :class:`trained.Learned`."""

_DTYPES = (np.float64, np.float32)  # of the standardisation; parameters have the latter
_DAMAGE = (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)  # of JSON, or other content
_EXCERPT = 30  # characters of a text that a message quotes


def problem_of_arrays(arrays):
    """Return a message if the arrays of a file, dict of str to ndarray, are no saved model; else None."""
    for name in ("params", "mean", "inverse_std"):
        if name not in arrays or arrays[name].dtype not in _DTYPES[name == "params" :] or arrays[name].ndim != 1:
            return f"{name} must be a vector of float32{' or float64' * (name != 'params')}"
        if not np.isfinite(arrays[name]).all():
            return f"{name} is not finite"
    if arrays["mean"].shape != arrays["inverse_std"].shape or arrays["mean"].dtype != arrays["inverse_std"].dtype:
        return "mean and inverse_std differ in length or dtype"
    if not _is_count(arrays.get("step"), least=0):
        return "step must be a count"
    return _problem_of_widths(arrays) if "widths" in arrays else _problem_of_outputs(arrays)


def problem_of_texts(texts, arrays):
    """Return a message if texts that are not empty do not describe what fits the model of a file; else None.

    Parameters
    ----------
    texts : dict of str to str
        By TEXTS.
    arrays : dict of str to ndarray
        In which :func:`problem_of_arrays` finds none.
    """
    n_outputs = int(arrays["widths"][-1] if "widths" in arrays else arrays["n_classes"])
    try:
        encoding = Encoding.from_dict(json.loads(texts["table"])) if texts["table"] else None
    except _DAMAGE:
        return "table describes none"
    if encoding and len(encoding.feature_names) != arrays["mean"].size:
        return f"table does not fit {arrays['mean'].size} features"
    try:
        target = read_target(texts["target"], texts["table"], n_outputs)
    except _DAMAGE:
        return "target describes none"
    if target.n_outputs != n_outputs:
        return f"target does not fit {n_outputs} outputs"
    loss = texts["loss"]
    fits = not loss or (loss in LOSSES and LOSSES[loss].kind == target.kind)
    return None if fits else f"loss {loss[:_EXCERPT]!r} is none of {target.kind}"


def read_target(target, table, n_outputs):
    """Return the Target of a model, given its texts: older files name classes only with the table, or not at all.

    Raises
    ------
    ValueError, TypeError, AttributeError
        The texts describe none.
    """
    if target:
        return Target.from_dict(json.loads(target))
    names = json.loads(table).get("classes", []) if table else []
    return Target.from_dict({"kind": "classes", "n_outputs": n_outputs, "names": names})


def _is_count(array, least=1):
    return array is not None and array.dtype.kind in "iu" and array.ndim == 0 and array >= least


def _problem_of_outputs(arrays):
    return None if _is_count(arrays.get("n_classes")) else "it must have widths, or the number n_classes"


def _problem_of_widths(arrays):
    widths = arrays["widths"]
    if not (widths.ndim == 1 and len(widths) > 1 and all(map(_is_count, widths))):
        return "widths must be two or more positive integers"
    widths = widths.tolist()  # Python's integers do not overflow
    if widths[0] != arrays["mean"].size or n_parameters(widths) != arrays["params"].size:
        return f"widths {widths} do not fit {arrays['mean'].size} features and {arrays['params'].size} parameters"
    return None
