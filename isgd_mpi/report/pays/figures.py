"""Draw an experiment: judged value and loss against time, the search, and the ratios of times seed by seed."""

import math
from functools import partial

import numpy as np
from matplotlib.ticker import LogLocator

from isgd_mpi.report.curves import draw, legend, log_scale
from isgd_mpi.report.pays.page import FIGURES
from isgd_mpi.report.pays.record import AXES
from isgd_mpi.report.style import COLOURS, MARKERS, house_style, look, new_figure, plain, save, time_unit

_COLUMNS = 3  # panels of the search side by side
_LARGEST_OVER_BEST = 4  # judged values further above the best one are drawn at the edge


def draw_all(found, folder):
    """Draw the figures of an answer and save them in a folder.

    Returns
    -------
    list of (str, str, pathlib.Path)
        Heading, explanation and PNG file of each figure.
    """
    drawn = []
    with house_style():
        for name, (heading, explanation, draw_one) in zip(FIGURES, _FIGURES):
            figure = draw_one(found)
            if figure is not None:
                drawn.append((heading, explanation, save(figure, folder, name)))
    return drawn


def _against_time(found):
    """Draw the judged value and the training loss against time; None without final runs."""
    methods = {method: look(i) for i, method in enumerate(found.record.methods) if method.finals}
    if not methods:
        return None
    measure = found.record.measure
    panels = {"valid_judged": (measure.label, measure.factor), "loss": (f"training loss / {measure.loss_unit}", 1.0)}
    figure, axes = new_figure(1, len(panels), 4.6)
    unit, unit_name = time_unit(found.record.seconds)
    for panel, (curve, (label, factor)) in zip(axes[0], panels.items()):
        values = partial(_curve, curve=curve)
        for method, appearance in methods.items():
            draw(panel, method.finals, values, appearance, unit, factor)
        _log_scale(panel, [factor * values(final)[1] for method in methods for final in method.finals])
        _draw_target(panel, found, curve, factor)
        panel.set_ylabel(plain(label))
        panel.set_xlabel(f"training time / {unit_name}")
    legend(figure, [plain(method.label) for method in methods], methods.values())
    return figure


def _curve(final, curve):
    return final.curves["seconds"], final.curves[curve]


def _log_scale(axes, values):
    """Make the axis logarithmic if the known values span more than a factor of three."""
    log_scale(axes, np.concatenate([one[np.isfinite(one)] for one in values]))


def _draw_target(axes, found, curve, factor):
    """Draw the target of the comparison that the sentence is about as a horizontal line."""
    chosen = found.chosen
    comparison = chosen and (chosen.judged if curve == "valid_judged" else chosen.loss)
    if comparison and comparison.target > 0:
        axes.axhline(factor * comparison.target, color="black", linewidth=0.8)
        place = {"xycoords": ("axes fraction", "data"), "va": "bottom", "ha": "left", "fontsize": 8}
        axes.annotate("target", (0.01, factor * comparison.target), **place)


def _search(found):
    """Draw the judged value of every setting of the search against the learning rate; None without a search."""
    methods = [method for method in found.record.methods if method.trials]
    if not methods:
        return None
    n_rows = math.ceil(len(methods) / _COLUMNS)
    figure, axes = new_figure(n_rows, min(_COLUMNS, len(methods)), 0.9 + 3.0 * n_rows, sharey=True, sharex=True)
    sizes = sorted({trial.settings["minibatch_size"] for method in methods for trial in method.trials})
    looks = {size: {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)]}
             for i, size in enumerate(sizes)}  # fmt: skip
    edge = _edge(methods)
    for panel, method in zip(axes.flat, methods):
        for size, appearance in looks.items():
            _draw_settings(panel, method, size, edge, found.record.measure.factor, appearance)
        _ring_best(panel, method, edge, found.record.measure.factor)
        panel.set_title(plain(method.label))
        panel.set_xscale("log")
        panel.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        panel.xaxis.set_minor_formatter(lambda value, _: "")
        panel.set_xlabel("learning rate")
        panel.tick_params(labelbottom=True)
    for panel in axes.flat[len(methods) :]:
        panel.set_axis_off()
    for row in axes:
        row[0].set_ylabel(plain(found.record.measure.label))
    _log_scale(axes[0, 0], [found.record.measure.factor * np.array(_all_judged(methods, edge))])
    legend(figure, [f"minibatch {size}" for size in sizes], looks.values())
    return figure


def _edge(methods):
    """Return the largest judged value that is drawn at its place."""
    judged = [value for method in methods for value in (trial.judged for trial in method.trials) if value == value]
    least = min((value for value in judged if value > 0), default=1.0)
    return min(max(judged, default=1.0), _LARGEST_OVER_BEST * least)


def _all_judged(methods, edge):
    return [min(trial.judged, edge) for method in methods for trial in method.trials if trial.judged == trial.judged]


def _longest(method):
    """Return the longest trial of each setting of a method, by its settings."""
    longest = {}
    for trial in sorted(method.trials, key=lambda trial: trial.seconds):
        longest[tuple(trial.settings.get(name) for name in AXES)] = trial
    return longest


def _draw_settings(axes, method, size, edge, factor, appearance):
    """Draw the settings of one minibatch: the better number of trainers at each rate, failed runs as crosses above."""
    by_rate = {}
    for trial in _longest(method).values():
        if trial.settings["minibatch_size"] == size:
            by_rate.setdefault(trial.settings["lr"], []).append(trial)
    points = []
    for rate, trials in sorted(by_rate.items()):
        judged = [trial.judged for trial in trials if trial.problem is None and trial.judged == trial.judged]
        if judged and min(judged) <= edge:
            points.append((rate, factor * min(judged)))
        else:
            axes.plot(rate, factor * edge, "x", color=appearance["color"], clip_on=False)
    if points:
        axes.plot(*zip(*points), linewidth=1.0, **appearance)


def _ring_best(axes, method, edge, factor):
    judged = method.searched[0]
    if "lr" in method.best and math.isfinite(judged):
        axes.plot(method.best["lr"], factor * min(judged, edge), "o", markersize=13, markerfacecolor="none",
                  color="black", markeredgewidth=1.2)  # fmt: skip


def _ratios(found):
    """Draw the ratios of times of each method, seed by seed, with the mean's interval; None without pairs."""
    results = [result for result in found.results.values() if result.judged]
    if not results:
        return None
    panels = {"judged": f"by {found.record.measure.text}", "loss": "by training loss"}
    figure, axes = new_figure(1, len(panels), 1.3 + 0.5 * len(results), sharey=True)
    for panel, (name, title) in zip(axes[0], panels.items()):
        for row, result in enumerate(results):
            comparison = getattr(result, name)
            if comparison:
                _draw_ratios(panel, row, comparison, look(found.record.methods.index(result.method)))
        _scale_of_ratios(panel, [getattr(result, name) for result in results])
        panel.set_title(plain(title))
        panel.set_xlabel(plain(f"time / time of {found.record.uniform.label}"))
    axes[0, 0].set_yticks(range(len(results)), [plain(result.method.label) for result in results])
    axes[0, 0].set_ylim(len(results) - 0.5, -0.5)
    return figure


def _draw_ratios(axes, row, comparison, appearance):
    """Draw the pairs as rings, filled ones where a run did not reach the target; mean and interval as a bar."""
    test, colour = comparison.time, appearance["color"]
    censored = {*comparison.times.censored, *comparison.uniform_times.censored}
    for seed, ratio in test.ratios.items():
        face = colour if seed in censored else "none"
        axes.plot(ratio, row + 0.18, "o", color=colour, markersize=4, markerfacecolor=face)
    if test.n > 1:
        axes.hlines(row, test.low, test.high, color=colour, linewidth=3, alpha=0.6)
    axes.plot(test.ratio, row, marker=appearance["marker"], color=colour, markersize=8)


def _scale_of_ratios(axes, comparisons):
    """Make the axis logarithmic about 1, wide enough for all that is drawn, but for intervals that say nothing."""
    tests = [comparison.time for comparison in comparisons if comparison]
    values = [value for test in tests for value in (*test.ratios.values(), test.low, test.high) if value > 0]
    low, high = max(0.02, min([0.8, *values])), min(50.0, max([1.25, *values]))
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlim(low / 1.1, high * 1.1)
    ticks = [tick for tick in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if low / 1.1 <= tick <= high * 1.1]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)


_FIGURES = (
    ("At equal time",
     "Medians over the complete final runs, bands are their quartiles; a run that failed is a thin line that ends in "
     "a cross. The horizontal line is the target of the comparison in the first sentence.", _against_time),
    ("The search",
     "The longest run of every setting that was tried. The ring is the best one. A cross at the upper edge is a run "
     f"that failed, or ended above {_LARGEST_OVER_BEST} times the best value.", _search),
    ("Time to the target over that of uniform sampling",
     "Rings are pairs of runs of one seed, filled where one of them did not reach the target and counts with its "
     "whole time. The mark is the geometric mean, the bar its 95 % interval. Left of 1 importance sampling is faster.",
     _ratios),
)  # fmt: skip
