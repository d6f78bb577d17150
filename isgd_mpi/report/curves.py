"""Figures against steps and time: loss and error, the traces, the variance gain."""

from functools import partial

import numpy as np
from matplotlib.lines import Line2D

from isgd_mpi.report import series
from isgd_mpi.report.runs import SPLITS
from isgd_mpi.report.statistics import band, trimmed
from isgd_mpi.report.style import look, new_figure, plain, time_unit

TITLES = {"train": "training set", "valid": "validation set", "test": "test set"}
_MEASURES = {"loss": ("loss / nats", 1.0), "error": ("error / %", 100.0)}

_TRACES = {
    "trace_ideal": "ideal",
    "trace_in_use": "in use",
    "trace_uniform": "uniform",
}
_LEGEND_CHARACTERS = 120  # across the page
_COMPAT_TRACE = "compat_trace_"  # of `--compat alain2015`: the same as the original's code plots it


def draw(axes, runs, values, appearance, x_unit=1.0, y_unit=1.0):
    """Draw the median and the quartiles of the complete runs, and each other run by itself up to a cross.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    runs : list of Run
    values : callable
        Takes a run, returns x and y.
    appearance : dict
        Of the median's line.
    x_unit, y_unit : float
        x is divided by its unit, y is multiplied by its own.
    """
    found = band([values(run) for run in runs if run.complete])
    if found is not None:
        every = max(1, len(found.grid) // 8)
        axes.plot(found.grid / x_unit, y_unit * found.median, **appearance, markevery=every)
        if sum(run.complete for run in runs) > 1:
            edges = y_unit * found.low, y_unit * found.high
            axes.fill_between(found.grid / x_unit, *edges, color=appearance["color"], alpha=0.2, linewidth=0)
    for run in runs if found is None else [run for run in runs if not run.complete]:
        x, y = trimmed(*values(run))
        if len(x):
            axes.plot(
                x / x_unit, y_unit * y, color=appearance["color"], linestyle=appearance["linestyle"], linewidth=0.8
            )
            axes.plot(x[-1:] / x_unit, y_unit * y[-1:], color=appearance["color"], marker="x", markersize=8)


def legend(figure, labels, looks):
    """Put a legend of the groups above the axes."""
    # drawn on no axes, so that a group without data in one panel is named all the same
    columns = max(1, min(len(labels), _LEGEND_CHARACTERS // (max(map(len, labels)) + 8)))
    handles = [Line2D([], [], **appearance) for appearance in looks]
    figure.legend(handles, labels, loc="outside upper left", ncols=columns)


def label_of(group):
    """Return a group's label with how many of its runs are complete, if not all are."""
    n_runs, n_complete = len(group.runs) + len(group.missing), len(group.complete)
    return plain(group.label) + (f" ({n_complete} of {n_runs} complete)" if n_complete < n_runs else "")


def legend_of_groups(figure, groups):
    """Put a legend of all groups above the axes."""
    legend(figure, [label_of(group) for group in groups], [look(i) for i in range(len(groups))])


def end_of(runs):
    """Return the last second of any run."""
    return max((run.refreshes["seconds"].max(initial=0.0) for run in runs), default=0.0)


def log_scale(axes, values):
    """Make an axis logarithmic if some positive values span more than a factor of three."""
    values = values[values > 0]
    if len(values) and values.max() > 3 * values.min():
        axes.set_yscale("log")
        axes.set_ylim(values.min() / 1.1, values.max() * 1.1)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        if values.max() < 30 * values.min():
            axes.grid(which="minor", axis="y")
            axes.yaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "235" else "")


def loss_and_error(study, against):
    """Draw loss and error of each split against steps or seconds; None if nothing was evaluated."""
    splits = [split for split in SPLITS if any(split in run.evaluations for run in study.runs)]
    if not splits:
        return None
    unit, name = (1.0, "steps") if against == "step" else time_unit(end_of(study.runs))
    figure, axes = new_figure(2, len(splits), 6.0, sharex=True)
    for row, (measure, (label, factor)) in enumerate(_MEASURES.items()):
        for column, split in enumerate(splits):
            values = partial(series.evaluated, split=split, figure=measure, against=against)
            for i, group in enumerate(study.groups):
                draw(axes[row, column], group.runs, values, look(i), unit, factor)
            log_scale(axes[row, column], factor * np.concatenate([values(run)[1] for run in study.runs]))
            axes[0, column].set_title(TITLES[split])
            axes[1, column].set_xlabel(name if against == "step" else f"training time / {name}")
        axes[row, 0].set_ylabel(label)
    legend_of_groups(figure, study.groups)
    return figure


def traces(study):
    """Draw the root of each trace against time, a panel for each group; None if no run has any."""
    names = _TRACES | {
        name: f"{name.removeprefix(_COMPAT_TRACE).replace('_', ' ')}, as in [A]'s code"
        for name in sorted({name for run in study.runs for name in run.refreshes if name.startswith(_COMPAT_TRACE)})
    }
    groups = [group for group in study.groups if any(_has_trace(run, names) for run in group.runs)]
    if not groups:
        return None
    unit, unit_name = time_unit(end_of(study.runs))
    n_columns = min(3, len(groups))
    n_rows = -(-len(groups) // n_columns)
    figure, axes = new_figure(n_rows, n_columns, 0.8 + 2.9 * n_rows, sharex=True, sharey=True)
    looks = [look(i) for i in range(len(names))]
    for one in axes.flat[len(groups) :]:
        one.set_axis_off()
    for one, group in zip(axes.flat, groups):
        for name, appearance in zip(names, looks):
            draw(one, group.runs, partial(series.root_of_trace, figure=name), appearance, unit)
        one.set_title(label_of(group))
        one.set_xlabel(f"training time / {unit_name}")
    roots = [series.root_of_trace(run, name)[1] for run in study.runs for name in names]
    for one in axes.flat[: len(groups)]:
        log_scale(one, np.concatenate(roots))
        one.tick_params(labelbottom=True)
    figure.supylabel("root of the trace, √Tr Σ / nats", fontsize=10)
    legend(figure, list(names.values()), looks)
    return figure


def _has_trace(run, names):
    return any(np.isfinite(series.root_of_trace(run, name)[1]).any() for name in names)


def variance_gain(study):
    """Draw the variance gain of each group against time, with a mark at each switch; None if no run has any."""
    return _one_panel(
        study, [group for group in study.groups if not group.uniform], "variance_gain", "variance gain", neutral=1.0
    )


def predictor_correlation(study):
    """Draw how predicted and true losses correlate; None if no run has a predictor."""
    return _one_panel(study, study.groups, "predictor_correlation", "correlation of predicted and true losses")


def _one_panel(study, groups, name, label, neutral=None):
    values = partial(series.refreshed, figure=name)
    groups = [group for group in groups if any(np.isfinite(values(run)[1]).any() for run in group.runs)]
    if not groups:
        return None
    unit, unit_name = time_unit(end_of(study.runs))
    figure, axes = new_figure(1, 1, 3.8)
    axes = axes[0, 0]
    looks = [look(study.groups.index(group)) for group in groups]
    for group, appearance in zip(groups, looks):
        draw(axes, group.runs, values, appearance, unit)
        for run in group.runs:
            _mark_switches(axes, run, appearance["color"], unit)
    if neutral is not None:
        axes.axhline(neutral, color="black", linewidth=0.8)
        axes.annotate("none", (1, neutral), xycoords=("axes fraction", "data"), va="bottom", ha="right", fontsize=8)
        log_scale(axes, np.concatenate([values(run)[1] for group in groups for run in group.runs] + [[neutral]]))
    axes.set_ylabel(label)
    axes.set_xlabel(f"training time / {unit_name}")
    legend(figure, [label_of(group) for group in groups], looks)
    return figure


def _mark_switches(axes, run, colour, unit):
    """Put a triangle on the lower edge wherever the run switched importance sampling off or on."""
    for seconds, message in run.events:
        if message.startswith("switch"):
            axes.plot(seconds / unit, 0.0, "^", color=colour, transform=axes.get_xaxis_transform(), clip_on=False)
