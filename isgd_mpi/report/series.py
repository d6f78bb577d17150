"""What the figures and tables show of a run: series over time, and numbers at its end."""

import numpy as np

from isgd_mpi.report.statistics import last_tenth, value_at


def evaluated(run, split, figure, against):
    """Return the evaluations of a split: steps or seconds, and loss or error.

    Parameters
    ----------
    run : runs.Run
    split : str
    figure : str
        ``loss`` (nats) or ``error`` (fraction).
    against : str
        ``step`` or ``seconds``.
    """
    columns = run.evaluations.get(split)
    return (columns[against], columns[figure]) if columns else (np.empty(0), np.empty(0))


def refreshed(run, figure, against="seconds"):
    """Return a figure of each refresh; nothing if the run has no such figure."""
    empty = np.full(len(run.refreshes["step"]), np.nan)
    return run.refreshes[against], run.refreshes.get(figure, empty)


def root_of_trace(run, figure):
    """Return the square root of a trace over seconds; NaN where it is unknown or negative."""
    seconds, traces = refreshed(run, figure)
    return seconds, np.sqrt(np.where(traces >= 0, traces, np.nan))


def n_negative(run, figure):
    """Return how many refreshes have a negative trace: where noise outweighs it, as it is an estimate."""
    return int(np.count_nonzero(refreshed(run, figure)[1] < 0))


def end_seconds(run):
    """Return the training time of the last evaluation of the training set, NaN if there is none."""
    seconds, _ = evaluated(run, "train", "loss", "seconds")
    return float(seconds[-1]) if len(seconds) else np.nan


def final_loss(run):
    """Return the last training loss, nats; NaN if it was never evaluated."""
    _, losses = evaluated(run, "train", "loss", "step")
    return float(losses[-1]) if len(losses) else np.nan


def loss_at(run, seconds):
    """Return the training loss, nats, at a time of the run; NaN outside of its evaluations."""
    return value_at(*evaluated(run, "train", "loss", "seconds"), seconds)


def late(run, split, figure):
    """Return the mean of the last 10 % of a split's evaluations."""
    return last_tenth(evaluated(run, split, figure, "step")[1])


def final_ratio(run):
    """Return the trace in use over that of uniform sampling: its median over the last half of the steps."""
    steps, in_use = refreshed(run, "trace_in_use", "step")
    _, uniform = refreshed(run, "trace_uniform", "step")
    known = (uniform > 0) & np.isfinite(in_use) & (steps >= steps.max(initial=0) / 2)
    return float(np.median(in_use[known] / uniform[known])) if known.any() else np.nan


def possible_gain(run):
    """Return the trace of uniform sampling over the ideal one: its median over the run."""
    _, ideal = refreshed(run, "trace_ideal")
    _, uniform = refreshed(run, "trace_uniform")
    known = (uniform > 0) & (ideal > 0)
    return float(np.median(uniform[known] / ideal[known])) if known.any() else np.nan
