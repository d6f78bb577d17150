"""Draw curves over steps and time: loss and error, traces, variance gain, correlation of the loss predictor."""

from functools import partial

import numpy as np
from matplotlib.lines import Line2D

from isgd_mpi.report import series
from isgd_mpi.report.runs import SPLITS
from isgd_mpi.report.statistics import band, trimmed
from isgd_mpi.report.style import look, new_figure, plain, time_unit

TITLES = {"train": "training set", "valid": "validation set", "test": "test set"}

_TRACES = {"trace_ideal": "ideal", "trace_in_use": "in use", "trace_uniform": "uniform"}
_COMPAT_TRACE = "compat_trace_"  # begins the names of the same traces as the code of [A] plots them
_LEGEND_CHARACTERS = 120  # across the page


def draw(axes, runs, values, appearance, x_unit=1.0, y_unit=1.0):
    """Draw median and quartiles of the complete runs, and every other run as a thin line that ends in a cross.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    runs : list of runs.Run
    values : callable
        Takes a run, returns x and y.
    appearance : dict
        Colour, dashes and marker of the median's line.
    x_unit, y_unit : float
        x is divided by its unit, y is multiplied by its unit.
    """
    found = band([values(run) for run in runs if run.complete])
    if found is not None:
        every = max(1, len(found.grid) // 8)
        axes.plot(found.grid / x_unit, y_unit * found.median, **appearance, markevery=every)
        if sum(run.complete for run in runs) > 1:
            edges = y_unit * found.low, y_unit * found.high
            axes.fill_between(found.grid / x_unit, *edges, color=appearance["color"], alpha=0.2, linewidth=0)
    thin = {"color": appearance["color"], "linestyle": appearance["linestyle"], "linewidth": 0.8}
    for run in runs if found is None else [run for run in runs if not run.complete]:
        x, y = trimmed(*values(run))
        if len(x):
            axes.plot(x / x_unit, y_unit * y, **thin)
            axes.plot(x[-1:] / x_unit, y_unit * y[-1:], color=appearance["color"], marker="x", markersize=8)


def legend(figure, labels, looks):
    """Put a legend above the axes."""
    # the handles lie on no axes, so that a group without data in one panel is named as well
    columns = max(1, min(len(labels), _LEGEND_CHARACTERS // (max(map(len, labels)) + 8)))
    handles = [Line2D([], [], **appearance) for appearance in looks]
    figure.legend(handles, labels, loc="outside upper left", ncols=columns)


def legend_of_groups(figure, looks):
    """Put a legend of groups above the axes; `looks` holds colour, dashes and marker by group."""
    legend(figure, list(map(label_of, looks)), looks.values())


def looks_of(groups):
    """Return colour, dashes and marker of each group, by group."""
    return {group: look(i) for i, group in enumerate(groups)}


def label_of(group):
    """Return a group's label, with the number of complete runs if some are not."""
    return plain(group.label) + (f" ({group.count} complete)" if len(group.complete) < group.n_runs else "")


def log_scale(axes, values):
    """Make the vertical axis logarithmic if its positive values span more than a factor of three."""
    values = values[values > 0]
    if len(values) and values.max() > 3 * values.min():
        axes.set_yscale("log")
        axes.set_ylim(values.min() / 1.1, values.max() * 1.1)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        if values.max() < 30 * values.min():
            axes.grid(which="minor", axis="y")
            axes.yaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "235" else "")


def loss_and_error(study, against):
    """Draw loss and error (or RMSE) of each split against steps or seconds; return None if nothing was evaluated."""
    splits = [split for split in SPLITS if any(split in run.evaluations for run in study.runs)]
    if not splits:
        return None
    unit, label_of_x = (1.0, "steps") if against == "step" else _time_axis(study)
    figure, axes = new_figure(2, len(splits), 6.0, sharex=True)
    looks = looks_of(study.groups)
    measure = study.measure
    rows = ("loss", f"loss / {measure.loss_unit}", 1.0), ("measured", measure.label, measure.factor)
    for row, (figure_of_row, label, factor) in enumerate(rows):
        for column, split in enumerate(splits):
            values = partial(series.evaluated, split=split, figure=figure_of_row, against=against)
            for group, appearance in looks.items():
                draw(axes[row, column], group.runs, values, appearance, unit, factor)
            log_scale(axes[row, column], factor * np.concatenate([values(run)[1] for run in study.runs]))
            axes[0, column].set_title(TITLES[split])
            axes[1, column].set_xlabel(label_of_x)
        axes[row, 0].set_ylabel(label)
    legend_of_groups(figure, looks)
    return figure


def _time_axis(study):
    """Return the unit of an axis of training time that all runs of a study fit on, and the axis's label."""
    unit, name = time_unit(max((run.refreshes["seconds"].max(initial=0.0) for run in study.runs), default=0.0))
    return unit, f"training time / {name}"


def traces(study):
    """Draw the root of each trace against time, a panel for each group; return None if no run has a trace."""
    curves = {label: partial(series.root_of_trace, figure=name) for name, label in _trace_labels(study.runs).items()}
    groups = [group for group in study.groups if any(_has(group, values) for values in curves.values())]
    if not groups:
        return None
    unit, label_of_x = _time_axis(study)
    n_columns = min(3, len(groups))
    n_rows = -(-len(groups) // n_columns)
    figure, axes = new_figure(n_rows, n_columns, 0.8 + 2.9 * n_rows, sharex=True, sharey=True)
    looks = [look(i) for i in range(len(curves))]
    for panel in axes.flat[len(groups) :]:
        panel.set_axis_off()
    for panel, group in zip(axes.flat, groups):
        for values, appearance in zip(curves.values(), looks):
            draw(panel, group.runs, values, appearance, unit)
        panel.set_title(label_of(group))
        panel.set_xlabel(label_of_x)
        panel.tick_params(labelbottom=True)
    roots = np.concatenate([values(run)[1] for run in study.runs for values in curves.values()])
    for panel in axes.flat[: len(groups)]:
        log_scale(panel, roots)
    figure.supylabel("root of the trace, √Tr Σ / unit of the loss", fontsize=10)
    legend(figure, list(curves), looks)
    return figure


def _trace_labels(runs):
    """Return the label of each trace that a figure may show, by the trace's name."""
    compat = sorted({name for run in runs for name in run.refreshes if name.startswith(_COMPAT_TRACE)})
    return _TRACES | {
        name: f"{name.removeprefix(_COMPAT_TRACE).replace('_', ' ')}, as in [A]'s code" for name in compat
    }


def _has(group, values):
    """Return whether the curve of any run of a group has a known value."""
    return any(np.isfinite(values(run)[1]).any() for run in group.runs)


def variance_gain(study):
    """Draw the variance gain of each group against time, with a mark at each switch; return None if there is none."""
    groups = [group for group in study.groups if not group.uniform]
    return _one_panel(study, groups, "variance_gain", "variance gain", neutral=1.0)


def predictor_correlation(study):
    """Draw the correlation of predicted and true losses against time; return None if no run has a predictor."""
    return _one_panel(study, study.groups, "predictor_correlation", "correlation of predicted and true losses")


def _one_panel(study, groups, name, label, neutral=None):
    """Draw a figure of the refreshes of some groups, with a line at its neutral value."""
    values = partial(series.refreshed, figure=name)
    groups = [group for group in groups if _has(group, values)]
    if not groups:
        return None
    unit, label_of_x = _time_axis(study)
    figure, ((axes,),) = new_figure(1, 1, 3.8)
    all_looks = looks_of(study.groups)
    looks = {group: all_looks[group] for group in groups}
    for group, appearance in looks.items():
        draw(axes, group.runs, values, appearance, unit)
        for run in group.runs:
            _mark_switches(axes, run, appearance["color"], unit)
    if neutral is not None:
        axes.axhline(neutral, color="black", linewidth=0.8)
        axes.annotate("none", (1, neutral), xycoords=("axes fraction", "data"), va="bottom", ha="right", fontsize=8)
        log_scale(axes, np.concatenate([values(run)[1] for group in groups for run in group.runs] + [[neutral]]))
    axes.set_ylabel(label)
    axes.set_xlabel(label_of_x)
    legend_of_groups(figure, looks)
    return figure


def _mark_switches(axes, run, colour, unit):
    """Put a triangle on the lower edge at each time when the run switched importance sampling off or on."""
    for seconds, message in run.events:
        if message.startswith("switch"):
            axes.plot(seconds / unit, 0.0, "^", color=colour, transform=axes.get_xaxis_transform(), clip_on=False)
