"""What came back in a refresh: of all that scorers report, the batches scored since the one before."""

import numpy as np


def fresh_batches(reports, known_steps, batch_size):
    """Yield what is new in the scorers' reports.

    Parameters
    ----------
    reports : list of () ndarray of messages.report_dtype
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
    """Return a report as a state; see :mod:`isgd_mpi.state`.

    Parameters
    ----------
    report : () ndarray of messages.report_dtype
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
