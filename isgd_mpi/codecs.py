"""How scores stand in a report: as float32, or as 8-bit logarithms with the range of each score batch."""

import numpy as np

from kernels.codec import decode_log8, encode_log8

CODECS = ("f32", "log8")
"""Values of ``--score-codec``."""


def fields(codec, n_batches, n_examples):
    """Return the fields of a report that hold its scores.

    Parameters
    ----------
    codec : str
        One of CODECS.
    n_batches, n_examples : int
        In the shard.

    Returns
    -------
    list of tuple
        For a numpy dtype: ``scores``, or ``ranges`` and ``codes``.
    """
    if codec == "f32":
        return [("scores", "f4", (n_examples,))]
    return [("ranges", "f8", (n_batches, 2)), ("codes", "u1", (n_examples,))]


def write_scores(report, index, rows, scores):
    """Write a batch's scores into a report.

    Parameters
    ----------
    report : () ndarray
        Whose dtype has the fields.
    index : int
        Of the batch in the shard.
    rows : slice
        Of the batch in the shard.
    scores : (B,) ndarray
    """
    if "codes" in report.dtype.names:
        report["ranges"][index] = encode_log8(scores, report["codes"][rows])
    else:
        report["scores"][rows] = scores


def read_scores(report, index, rows):
    """Return a batch's scores from a report, as float32; parameters as of :func:`write_scores`."""
    if "codes" not in report.dtype.names:
        return report["scores"][rows]
    codes = report["codes"][rows]
    scores = np.empty(len(codes), np.float32)
    decode_log8(codes, *report["ranges"][index], scores)
    return scores
