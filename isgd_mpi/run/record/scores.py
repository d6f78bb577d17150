"""Measure every example once more at the end of a run, a part on each rank: the content of ``scores.npz``."""

from functools import partial

import numpy as np
from mpi4py import MPI

from isgd_mpi.data.files import write_atomically
from isgd_mpi.ranks.shards import Grid
from isgd_mpi.ranks.states import as_bytes, flatten, share_arrays
from isgd_mpi.run.setup import TRAINER
from isgd_mpi.training.last_look import ROWS, LastLook

FILE = "scores.npz"

_KINDS = {"predicted-loss": "loss", "uniform": "grad-norm"}  # what is measured where scores are made otherwise


def measure_examples(setup, params=None, step=0, stopped=False):
    """Measure all examples of all splits with the last parameters. Collective over all ranks.

    Parameters
    ----------
    setup : setup.Setup
    params : (P,) ndarray, optional
        The parameters; on trainer 0 only.
    step : int
        Their step; likewise.
    stopped : bool
        Whether the run is to end at once; likewise.

    Returns
    -------
    dict of str to ndarray or None
        The measurements of each split, :func:`last_look.example_dtype`; None on other ranks, and if it was stopped.
    """
    waiter, models, dataset = setup.node.waiter, setup.models, setup.dataset
    is_stopped = np.array([stopped])
    share_arrays(setup.comm, [is_stopped], waiter)
    if is_stopped[0]:
        return None
    params = np.empty(models.n_params, np.float32) if params is None else np.array(params)
    share_arrays(setup.comm, [params], waiter)
    model = models.make_norms(ROWS)
    model.params = params
    look = LastLook(model, models.trained(params, dataset, step), dataset, waiter.idle)
    measured = {name: _measure_split(setup, look, name) for name in dataset.splits}
    return measured if setup.rank == TRAINER else None


def _measure_split(setup, look, name):
    """Measure this rank's part of a split; return all of it on trainer 0, and None elsewhere."""
    shards = Grid(ROWS, setup.size).shards(len(setup.dataset.splits[name]))
    own = shards[setup.rank]
    measured = look.measure(name, own.start, own.stop)
    whole, buffers = None, None
    row = MPI.BYTE.Create_contiguous(look.dtype.itemsize).Commit()
    if setup.rank == TRAINER:
        whole = np.empty(own.n_examples, look.dtype)
        buffers = [as_bytes(whole), list(map(len, shards)), [shard.start for shard in shards], row]
    setup.node.waiter.wait([setup.comm.Igatherv([as_bytes(measured), len(own), row], buffers, root=TRAINER)])
    row.Free()
    return whole


def columns(setup, trainer, measured):
    """Return what there is to know of each example.

    Parameters
    ----------
    setup : setup.Setup
    trainer : trainer.Trainer
    measured : dict of str to ndarray
        See :func:`measure_examples`.

    Returns
    -------
    dict
        ``step`` of the parameters; ``score``: the kind of the mean scores; ``classes``: their names, if there are any;
        for each split a dict of columns, which docs/runs.md describes.
    """
    target, kind, tally = setup.dataset.target, setup.config.score, trainer.tally
    content = {"step": trainer.step, "score": _KINDS.get(kind, kind)}
    content |= {"classes": target.classes} if target.n_classes else {}
    for name, rows in measured.items():
        content[name] = {"index": np.arange(len(rows)), "label": _label(setup.dataset.splits[name].labels, target)}
        content[name] |= {name: np.ascontiguousarray(rows[name]) for name in rows.dtype.names}
        if "prediction" in content[name]:
            content[name]["prediction"] = target.as_given(content[name]["prediction"])
    content["train"] |= {"draws": tally.draws, "mean_score": tally.mean_scores, "measured": tally.measured}
    return content


def _label(labels, target):
    """Return the targets of examples in the form of predictions."""
    return target.as_given(labels.astype(np.uint8) if target.kind == "labels" else labels)


def save(content, path):
    """Write the columns to an npz file, by paths such as ``train/loss``."""
    write_atomically(path, partial(_write, flatten(content)))


def _write(arrays, file):
    np.savez(file, **arrays)
