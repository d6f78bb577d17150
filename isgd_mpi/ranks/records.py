"""What travels in a refresh: one record out, one record back from each scorer, and from the loss predictor.

A record is a numpy structured scalar: named flat arrays in one contiguous buffer, so that each
message is one collective and no pickle. Eight-byte fields come first, to keep all aligned.
"""

import numpy as np

SPLITS = ("train", "valid", "test")
"""Splits in the order of the reports' totals."""

LOSS, ERRORS, EXAMPLES = range(3)
"""Columns of the totals."""

EVALUATE = 1
"""Command flag: measure loss and error of all splits with these parameters."""
STOP = 2
"""Command flag: these parameters are the last ones."""
SAVE = 4
"""Command flag, to the loss predictor: nothing new, hand over your state."""


def is_kept(published):
    """Return whether a published record is used until the next one of which that is true: to evaluate it."""
    return bool(published["command"] & EVALUATE)


def published_dtype(n_params):
    """Return the dtype of what trainer 0 publishes: the step, the command flags, the parameters."""
    return np.dtype([("step", "i8"), ("command", "i8"), ("params", "f4", (n_params,))])


def report_dtype(shard, n_classes):
    """Return the dtype of what a scorer reports.

    Parameters
    ----------
    shard : shards.Shard
        The scorer's part of the training set.
    n_classes : int
        Decides the type of predicted classes: the smallest unsigned integer that holds them all.

    Returns
    -------
    numpy.dtype
        ``batch_steps``: step of the parameters behind each batch's scores, or NEVER;
        ``scores`` and ``predictions``: of each example of the shard;
        ``evaluated_step``: of the last evaluation that is complete, or NEVER;
        ``totals``: its sums over this rank's part of each split (LOSS, ERRORS, EXAMPLES);
        ``n_scored``: batches scored so far; ``evaluating_step``, ``n_evaluated``, ``sums``: how far the
        evaluation under way is. With these a report is the scorer's state;
        ``signal``: a signal that this rank received, or 0.
    """
    fields = [
        ("signal", "i8"),
        ("evaluated_step", "i8"),
        ("totals", "f8", (len(SPLITS), 3)),
        ("n_scored", "i8"),
        ("evaluating_step", "i8"),
        ("n_evaluated", "i8"),
        ("sums", "f8", (len(SPLITS), 3)),
        ("batch_steps", "i8", (len(shard.batches),)),
        ("scores", "f4", (len(shard),)),
        ("predictions", np.min_scalar_type(n_classes - 1), (len(shard),)),
    ]
    return np.dtype(fields, align=True)  # filled up to whole words: one rank's report follows the other's


def observations_dtype(capacity):
    """Return the dtype of what trainer 0 sends to the loss predictor.

    Parameters
    ----------
    capacity : int
        Losses that a record holds.

    Returns
    -------
    numpy.dtype
        ``step``, ``command``; ``n``: losses that there are; ``rows``, ``losses``: examples and their
        losses in nats, in the order in which they were observed.
    """
    fields = [(name, "i8") for name in ("step", "command", "n")]
    return np.dtype([*fields, ("rows", "i4", (capacity,)), ("losses", "f4", (capacity,))])


def predictions_dtype(shard):
    """Return the dtype of what the loss predictor reports.

    Parameters
    ----------
    shard : shards.Shard
        The whole training set.

    Returns
    -------
    numpy.dtype
        ``signal`` as of :func:`report_dtype`; ``correlation``: of predictions and losses, or NaN;
        ``batch_steps``: step at which the losses behind each batch's predictions were sent, or NEVER;
        ``scores``: predicted losses of all examples.
    """
    fields = [("signal", "i8"), ("correlation", "f8"), ("batch_steps", "i8", (len(shard.batches),))]
    return np.dtype([*fields, ("scores", "f4", (len(shard),))])


def fresh_batches(reports, known_steps, batch_size):
    """Yield what is new in the scorers' reports.

    Parameters
    ----------
    reports : list of () ndarray of records.report_dtype
        In the order of their shards, which tile the training set.
    known_steps : (n_batches,) ndarray of int64
        Step of the parameters behind each batch's scores, as known so far, or NEVER. Updated in place.
    batch_size : int
        Examples in a score batch.

    Yields
    ------
    rows : slice
        Of the training set.
    scores : (B,) ndarray of float32
    predictions : (B,) ndarray of unsigned int
    step : int
        Of the parameters behind them.
    """
    first_batch = first_row = 0
    for report in reports:
        predictions, steps = report["predictions"], report["batch_steps"]
        known = known_steps[first_batch : first_batch + len(steps)]
        for batch in np.flatnonzero(steps > known):
            start, stop = batch * batch_size, min((batch + 1) * batch_size, len(predictions))
            rows = slice(first_row + start, first_row + stop)
            yield rows, report["scores"][start:stop], predictions[start:stop], int(steps[batch])
        np.maximum(known, steps, out=known)  # those of a resumed run begin with NEVER
        first_batch += len(steps)
        first_row += len(predictions)


def report_state(report):
    """Return a report as a state; see :mod:`isgd_mpi.ranks.states`.

    Parameters
    ----------
    report : () ndarray of records.report_dtype
    """
    return {name: report[name] for name in report.dtype.names}


def restored_report(state, dtype):
    """Return the report that :func:`report_state` was given.

    Parameters
    ----------
    state : dict
    dtype : numpy.dtype
    """
    report = np.zeros((), dtype)
    for name, values in state.items():
        report[name] = values
    return report
