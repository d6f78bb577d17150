"""The records of a refresh: one goes out to all, one comes back from each scorer, and from the loss predictor.

A record is a numpy structured scalar: named flat arrays in one contiguous buffer, so that each
message is one collective and no pickle. Eight-byte fields come first, to keep all aligned.
"""

from itertools import pairwise

import numpy as np

from isgd_mpi.ranks.states import flatten
from isgd_mpi.settings.saved import check_array, check_names

SPLITS = ("train", "valid", "test")
"""Splits in the order of the reports' totals."""

LOSS, WEIGHT, EXAMPLES, MEASURES = range(4)
"""Columns of the totals: losses and their weights, examples; those of the measures go on to the end."""

EVALUATE = 1
"""Command flag: measure loss and error of all splits with these parameters."""
STOP = 2
"""Command flag: these parameters are the last ones of the run."""

_KNOWN = -1  # in place of the step of a batch whose scores are not new


def is_evaluated(published):
    """Return whether the parameters of a published record are to be evaluated."""
    return bool(published["command"] & EVALUATE)


def published_dtype(n_params, n_probed=0, n_measured=0):
    """Return the dtype of a published record.

    Parameters
    ----------
    n_params : int
    n_probed : int
        Examples of a probe of |mu|^2.
    n_measured : int
        Examples of a minibatch along whose gradient the curvature is measured.

    Returns
    -------
    numpy.dtype
        ``step``; ``command``: flags; ``learning_rate``: of the next step; ``probe``, ``probe_weights``: the examples of
        a probe, and their importance weights; ``minibatch``, ``minibatch_weights``: those of a minibatch that the
        curvature is measured on; ``params``: the parameters.
    """
    drawn = [
        field
        for name, n in (("probe", n_probed), ("minibatch", n_measured))
        for field in ((name, "i8", (n,)), (f"{name}_weights", "f8", (n,)))
    ]
    return np.dtype([("step", "i8"), ("command", "i8"), ("learning_rate", "f8"), *drawn, ("params", "f4", (n_params,))])


def report_dtype(shard, n_strata, n_sums):
    """Return the dtype of a scorer's report.

    Parameters
    ----------
    shard : shards.Shard
        The scorer's part of the training set.
    n_strata : int
        Decides the type of predictions: the smallest unsigned integer that holds them all.
    n_sums : int
        Sums that measure the predictions beside the loss; see :mod:`isgd_mpi.training.measures`.

    Returns
    -------
    numpy.dtype
        ``batch_steps``: step of the parameters behind each batch's scores, or NEVER;
        ``scores`` and ``predictions``: of each example of the shard;
        ``evaluated_step``: of the last evaluation that is complete, or NEVER;
        ``totals``: its sums over this rank's part of each split (LOSS, WEIGHT, EXAMPLES, and MEASURES with the rest);
        ``n_scored``: batches scored so far; ``evaluating_step``, ``n_evaluated``, ``sums``: progress of the
        evaluation under way. With these a report is the whole state of a scorer;
        ``probe_step``, ``squared_mean_gradient``: step of the parameters behind the last probe, or NEVER, and its
        estimate of |mu|^2 with the variance of that; ``curvature``: along a minibatch's gradient at the same
        parameters, or NaN; only in the first shard's report;
        ``signal``: a signal that this rank received, or 0.
    """
    sums = len(SPLITS), MEASURES + n_sums
    fields = [
        ("signal", "i8"),
        ("evaluated_step", "i8"),
        ("totals", "f8", sums),
        ("n_scored", "i8"),
        ("evaluating_step", "i8"),
        ("n_evaluated", "i8"),
        ("sums", "f8", sums),
        ("probe_step", "i8"),
        ("squared_mean_gradient", "f8", (2,)),
        ("curvature", "f8"),
        ("batch_steps", "i8", (len(shard.batches),)),
        ("scores", "f4", (len(shard),)),
        ("predictions", np.min_scalar_type(n_strata - 1), (len(shard),)),
    ]
    return np.dtype(fields, align=True)  # filled up to whole words: one rank's report follows the other's


def observations_dtype(capacity):
    """Return the dtype of the record that trainer 0 sends to the loss predictor.

    Parameters
    ----------
    capacity : int
        Number of losses that a record holds.

    Returns
    -------
    numpy.dtype
        ``step``, ``command``; ``n``: number of losses that follow; ``rows``, ``losses``: examples and their
        losses in nats, in the order in which they were observed.
    """
    fields = [(name, "i8") for name in ("step", "command", "n")]
    return np.dtype([*fields, ("rows", "i4", (capacity,)), ("losses", "f4", (capacity,))])


def predictions_dtype(shard, state):
    """Return the dtype of the loss predictor's report.

    Parameters
    ----------
    shard : shards.Shard
        The whole training set.
    state : dict of str to ndarray
        The predictor's state by path; the report has a field for each entry.

    Returns
    -------
    numpy.dtype
        ``signal`` as in :func:`report_dtype`; ``correlation``: of predictions and losses, or NaN;
        ``batch_steps``: step at which the losses behind each batch's predictions were sent, or NEVER;
        ``scores``: predicted losses of all examples; and the state, so that a predictor can resume
        from a report.
    """
    fields = [("signal", "i8"), ("correlation", "f8"), ("batch_steps", "i8", (len(shard.batches),))]
    fields += [(name, array.dtype, array.shape) for name, array in state.items()]
    return np.dtype([*fields, ("scores", "f4", (len(shard),))], align=True)


def fresh_batches(reports, known_steps, shards):
    """Yield the batches that were scored since the last refresh; those that follow each other as one.

    Parameters
    ----------
    reports : list of () ndarray of records.report_dtype
        In the order of their shards.
    known_steps : (n_batches,) ndarray of int64
        Step of the parameters behind each batch's scores, as known so far, or NEVER. Updated in place.
    shards : list of shards.Shard
        The shards of the training set.

    Yields
    ------
    rows : slice
        Examples of the training set.
    scores : (B,) ndarray of float32
    predictions : (B,) ndarray of unsigned int
    step : int
        Step of the parameters behind the scores.
    """
    steps = np.concatenate([report["batch_steps"] for report in reports])
    fresh = np.where(steps > known_steps, steps, _KNOWN)
    part = 0
    for begin, end in _runs(fresh, shards):
        while end > shards[part].batches.stop:
            part += 1
        shard, report = shards[part], reports[part]
        start, stop, first = begin * shard.batch_size, min(end * shard.batch_size, shard.n_examples), shard.start
        own = slice(start - first, stop - first)
        yield slice(start, stop), report["scores"][own], report["predictions"][own], int(steps[begin])
    np.maximum(known_steps, steps, out=known_steps)  # those of a resumed run begin with NEVER


def _runs(fresh, shards):
    """Yield begin and end of each run of fresh batches of one shard that have the same step."""
    changes = np.flatnonzero(fresh[1:] != fresh[:-1]) + 1
    bounds = {*changes.tolist(), *(shard.batches.start for shard in shards), len(fresh)}
    for begin, end in pairwise(sorted(bounds)):
        if fresh[begin] != _KNOWN:
            yield begin, end


def report_state(report):
    """Return the fields of a report, () ndarray, as a state, without copying them."""
    return {name: report[name] for name in report.dtype.names}


def restored_report(state, dtype):
    """Return the report with a given state, the inverse of :func:`report_state`.

    Parameters
    ----------
    state : dict
        Fields by name; it may be nested where names are paths.
    dtype : numpy.dtype

    Raises
    ------
    ValueError
        It is no state of such a report.
    """
    report, fields = np.zeros((), dtype), flatten(state)
    check_names(fields, dtype.names)
    for name in dtype.names:
        check_array(fields.get(name), report[name], name)
        report[name] = fields[name]
    report["signal"] = 0  # it ended the run's last life, and must not end this one
    return report
