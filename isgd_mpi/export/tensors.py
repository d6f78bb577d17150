"""Write a trained model as safetensors, by names that a small module of PyTorch loads (docs/exports.md has it)."""

import numpy as np

from isgd_mpi.export.description import describe, missing_library
from isgd_mpi.model.params import layer_views


def safetensors_bytes(model):
    """Return a model as the content of a safetensors file.

    Parameters
    ----------
    model : isgd_mpi.model.trained.TrainedMLP

    Returns
    -------
    bytes

    Raises
    ------
    InputError
        The library is not installed.
    """
    try:
        from safetensors.numpy import save
    except ImportError:
        raise missing_library("safetensors") from None
    return save(_tensors(model), describe(model))


def _tensors(model):
    """Return a model's arrays by name: ``net.2 k`` is layer k, since a ReLU stands between two layers."""
    weights, biases = layer_views(model.params, model.widths)
    tensors = {"mean": model.mean, "inverse_std": model.inverse_std}
    for k, (w, b) in enumerate(zip(weights, biases)):
        tensors |= {f"net.{2 * k}.weight": np.ascontiguousarray(w.T), f"net.{2 * k}.bias": b}
    if model.target.kind == "numbers":
        tensors |= {"target_mean": np.array(model.target.mean), "target_scale": np.array(model.target.scale)}
    return tensors
