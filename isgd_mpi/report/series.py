"""Take from a run what figures and tables show: curves over steps or time, and numbers at the end."""

import numpy as np

from isgd_mpi.report.statistics import last_tenth, value_at


def evaluated(run, split, figure, against):
    """Return the evaluations of a split: steps or seconds, and the loss or what the run is judged by.

    Parameters
    ----------
    run : runs.Run
    split : str
    figure : str
        ``loss``, or ``measured``: by the run's measure, such as the error.
    against : str
        ``step`` or ``seconds``.
    """
    columns = run.evaluations.get(split)
    return (columns[against], columns[figure]) if columns else (np.empty(0), np.empty(0))


def refreshed(run, figure):
    """Return the seconds of each refresh and a figure there; NaN where the figure is unknown."""
    unknown = np.full(len(run.refreshes["step"]), np.nan)
    return run.refreshes["seconds"], run.refreshes.get(figure, unknown)


def root_of_trace(run, figure):
    """Return the seconds of each refresh and the square root of a trace; NaN where it is unknown or negative."""
    seconds, traces = refreshed(run, figure)
    return seconds, np.sqrt(np.where(traces >= 0, traces, np.nan))


def n_negative(run, figure):
    """Return the number of refreshes with a negative trace: it is an estimate, and noise can outweigh it."""
    return int(np.count_nonzero(refreshed(run, figure)[1] < 0))


def end_seconds(run):
    """Return the training time of the last evaluation of the training set; NaN if there is none."""
    return _last(evaluated(run, "train", "loss", "seconds")[0])


def final(run, split, figure):
    """Return the loss or the measure, such as the error, of a split's last evaluation; NaN if there is none."""
    return _last(evaluated(run, split, figure, "step")[1])


def final_loss(run):
    """Return the training loss of the last evaluation; NaN if there is none."""
    return final(run, "train", "loss")


def loss_at(run, seconds):
    """Return the training loss at a time of the run; NaN before the first and after the last evaluation."""
    return value_at(*evaluated(run, "train", "loss", "seconds"), seconds)


def measured_at(run, split, seconds):
    """Return the error (or RMSE) of a split at a time of the run; NaN before the first and after the last one."""
    return value_at(*evaluated(run, split, "measured", "seconds"), seconds)


def least_measured(run, split, seconds):
    """Return the least error, or other measure, of a split up to a time of the run; NaN if there is none."""
    times, values = evaluated(run, split, "measured", "seconds")
    known = values[(times <= seconds) & np.isfinite(values)]
    return float(known.min()) if len(known) else np.nan


def late(run, split, figure):
    """Return the mean of the last 10 % of a split's evaluations."""
    return last_tenth(evaluated(run, split, figure, "step")[1])


def last_ratio(run):
    """Return the trace in use over that of uniform sampling at the last refresh; NaN if unknown."""
    return _last(_ratio(run, "trace_in_use", "trace_uniform"))


def last_staleness(run):
    """Return the mean staleness of the scores at the last refresh, steps; NaN if unknown."""
    return _last(run.refreshes["staleness_mean"])


def final_ratio(run):
    """Return the trace in use over that of uniform sampling: the median over the last half of the steps."""
    steps = run.refreshes["step"]
    return _median(_ratio(run, "trace_in_use", "trace_uniform")[steps >= steps.max(initial=0) / 2])


def possible_gain(run):
    """Return the trace of uniform sampling over the ideal one: the median over the run."""
    ratios = _ratio(run, "trace_uniform", "trace_ideal")
    return _median(ratios[ratios > 0])


def _ratio(run, upper, lower):
    """Return one trace over another at each refresh; NaN where one is unknown or the lower one is not positive."""
    divisors = run.refreshes[lower]
    return np.divide(run.refreshes[upper], divisors, out=np.full(len(divisors), np.nan), where=divisors > 0)


def _median(values):
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else np.nan


def _last(values):
    return float(values[-1]) if len(values) else np.nan
