"""Begin training with the parameters of a trained model, changed so that it computes the same function on new data.

A run standardises features, and numbers that it predicts, by its own data. So the first layer, and for numbers the last
one, take up what differs: ``(x - m) s = ((x - m') s') s / s' + (m' - m) s``.
"""

from pathlib import Path

import numpy as np

from isgd_mpi.model.params import layer_views
from isgd_mpi.model.trained import TrainedMLP, TrainedModel, load
from isgd_mpi.settings.errors import InputError


def _model_to_start_from(init, make_model):
    """Return the model that the option `init` names or is, TrainedModel or (P,) ndarray, and its name for messages."""
    if isinstance(init, TrainedModel):
        return init, f"init (the model of step {init.step})"
    if not isinstance(init, str):
        return np.asarray(init), "init"
    try:
        try:
            return load(init), f"--init {init}"
        except InputError:
            if make_model is None:
                raise
            return load(init, model=make_model), f"--init {init}"
    except InputError as error:
        hint = ": give he, a number, or the file or folder of a trained model" if not Path(init).exists() else ""
        raise InputError(f"--init {error}{hint}") from None


def starting_params(init, dataset, n_params, widths=None, make_model=None):
    """Return the parameters to begin with, given the option `init`.

    Parameters
    ----------
    init : str, TrainedModel or (P,) array_like
        A vector is taken as it is, for features as this run standardises them.
    dataset : datasets.Dataset
    n_params : int
    widths : tuple of int, optional
        Features, hidden widths, outputs of this run's MLP.
    make_model : callable, optional
        Makes this run's models, if they are the user's own.

    Returns
    -------
    params : (P,) ndarray of float32
    notice : str
        What the user should know; empty if there is nothing.

    Raises
    ------
    InputError
        The model does not fit this run: one line that names both.
    """
    model, name = _model_to_start_from(init, make_model)
    if isinstance(model, np.ndarray):
        return _checked(model, n_params, name), ""
    if isinstance(model, TrainedMLP) != (widths is not None):
        raise InputError(f"{name}: is an MLP or a model of your own, and this run trains the other kind")
    if widths is not None:
        _check_widths(model.widths, widths, name)
        return params_on(model, dataset, name), ""
    if _orders(model, dataset, name) != (None, None):
        raise InputError(f"{name}: has its features or outputs in another order than these data")
    return _checked(model.params, n_params, name), _notice(model, dataset, name)


def params_on(model, dataset, name):
    """Return the parameters of an MLP that computes a trained one's function on standardised examples of a data set.

    Parameters
    ----------
    model : TrainedMLP
    dataset : datasets.Dataset
    name : str
        The model's, for messages.

    Returns
    -------
    (P,) ndarray of float32

    Raises
    ------
    InputError
        The model does not fit the data set: one line that names both.
    """
    return _checked(_converted(model, dataset, *_orders(model, dataset, name)), model.params.size, name)


def _orders(model, dataset, name):
    """Return the orders in which to take the model's features and outputs; None for their own."""
    _check_target(model.target, dataset.target, name)
    return _order_of_features(model, dataset, name), _order_of_outputs(model.target, dataset.target, name)


def _checked(vector, n_params, name):
    """Return a copy of a vector as float32; raise InputError unless it is one of the right size, and finite."""
    if vector.shape != (n_params,) or vector.dtype.kind not in "fiu":
        raise InputError(f"{name}: is {vector.dtype} of shape {vector.shape}, but this run has {n_params} parameters")
    with np.errstate(over="ignore"):
        params = vector.astype(np.float32)
    if not np.isfinite(params).all():
        raise InputError(f"{name}: has parameters that are not finite, or would not be on these data")
    return params


def _check_widths(widths, own, name):
    if tuple(widths) == tuple(own):
        return
    theirs, ours = ("-".join(map(str, each)) for each in (widths, own))
    fits = (widths[0], widths[-1]) == (own[0], own[-1])
    hint = f"give --hidden {' '.join(map(str, widths[1:-1]))}" if fits else "the data must have as many of both ends"
    raise InputError(f"{name}: has the widths {theirs}, and this run has {ours}: {hint}")


def _check_target(target, own, name):
    if target.kind != own.kind or target.n_outputs != own.n_outputs:
        theirs, ours = (f"{each.n_outputs} {each.kind}" for each in (target, own))
        raise InputError(f"{name}: predicts {theirs}, and this run {ours}: see --loss and --target")


def _order_of_features(model, dataset, name):
    """Return the order in which to take the model's features, or None if that is their own."""
    if model.encoding is None or dataset.encoding is None:
        return None
    return _order(model.encoding.feature_names, dataset.encoding.feature_names, name, "knows no feature")


def _order_of_outputs(target, own, name):
    """Return the order in which to take the model's outputs, or None if that is their own."""
    names = [list(each.names or map(str, range(each.n_outputs))) for each in (target, own)]
    if target.kind == "classes" or len(names[0]) == target.n_outputs:
        return _order(*names, name, "predicts no")
    if names[0] != names[1]:
        raise InputError(f"{name}: predicts {' or '.join(names[0])}, and this run {' or '.join(names[1])}")
    return None


def _order(names, own, name, refuses):
    if list(names) == list(own):
        return None
    unknown, lacking = ([each for each in ours if each not in theirs] for ours, theirs in ((own, names), (names, own)))
    if unknown:
        raise InputError(f"{name}: {refuses} {unknown[0]!r}, which these data have: its own are {', '.join(names):.60}")
    if lacking:
        raise InputError(f"{name}: was trained with {lacking[0]!r} too, which these data lack")
    numbers = {each: number for number, each in enumerate(names)}
    return [numbers[each] for each in own]


def _converted(model, dataset, rows, columns):
    """Return the parameters of an MLP that computes the model's function on this data set."""
    vector = model.params.astype(float)
    weights, biases = layer_views(vector, model.widths)
    if columns is not None:
        weights[-1][:], biases[-1][:] = weights[-1][:, columns], biases[-1][columns]
    mean, factor = (array.astype(float) for array in (model.mean, model.inverse_std))
    if rows is not None:
        mean, factor, weights[0][:] = mean[rows], factor[rows], weights[0][rows]
    new_mean, new_factor = (array.astype(float) for array in dataset.standardization)
    biases[0] += ((new_mean - mean) * factor) @ weights[0]
    # a feature that never varies here is always 0: whatever its weight, its value is in the bias
    weights[0] *= np.divide(factor, new_factor, out=np.zeros_like(factor), where=new_factor != 0)[:, None]
    if model.target.kind == "numbers":
        _convert_numbers(weights[-1], biases[-1], *_in_order(model.target, columns), dataset.target)
    return vector


def _in_order(target, columns):
    mean, scale = np.array(target.mean), np.array(target.scale)
    return (mean, scale) if columns is None else (mean[columns], scale[columns])


def _convert_numbers(weights, biases, mean, scale, own):
    """Change the last layer, in place, to predict numbers in this run's scale."""
    own_mean, own_scale = np.array(own.mean), np.array(own.scale)
    weights *= scale / own_scale
    biases[:] = (biases * scale + mean - own_mean) / own_scale


def _notice(model, dataset, name):
    """Return a line where a user's own model would be given other features than it knows."""
    theirs, ours = (model.mean, model.inverse_std), dataset.standardization
    same = all(np.array_equal(*pair) for pair in zip(theirs, ours))
    if same and (model.target.mean, model.target.scale) == (dataset.target.mean, dataset.target.scale):
        return ""
    return (
        f"{name}: these data are standardised by their own mean and scale, which a model of your own cannot take up: "
        "its first outputs differ from before"
    )
