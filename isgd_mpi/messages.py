"""What travels in a refresh: one record out, one record back from each scorer.

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


def published_dtype(n_params):
    """Return the dtype of what trainer 0 publishes: the step, the command flags, the parameters."""
    return np.dtype([("step", "i8"), ("command", "i8"), ("params", "f4", (n_params,))])


def report_dtype(shard):
    """Return the dtype of what a scorer reports.

    Parameters
    ----------
    shard : shards.Shard
        The scorer's part of the training set.

    Returns
    -------
    numpy.dtype
        ``batch_steps``: step of the parameters behind each batch's scores, or NEVER;
        ``scores``, ``predictions``: of each example of the shard;
        ``evaluated_step``: of the last evaluation that is complete, or NEVER;
        ``totals``: its sums over this rank's part of each split (LOSS, ERRORS, EXAMPLES);
        ``signal``: a signal that this rank received, or 0.
    """
    fields = [
        ("signal", "i8"),
        ("evaluated_step", "i8"),
        ("totals", "f8", (len(SPLITS), 3)),
        ("batch_steps", "i8", (len(shard.batches),)),
        ("scores", "f4", (len(shard),)),
        ("predictions", "i4", (len(shard),)),
    ]
    return np.dtype(fields)
