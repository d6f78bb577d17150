"""Draw comparisons of groups: against an option, at the end of a run, and at equal time."""

import numpy as np

from isgd_mpi.report import series
from isgd_mpi.report.curves import TITLES, draw, label_of, legend_of_groups, log_scale, looks_of
from isgd_mpi.report.runs import SPLITS
from isgd_mpi.report.statistics import quartiles
from isgd_mpi.report.style import new_figure, plain, time_unit
from isgd_mpi.report.verdicts import time_to

_RATIO = "Tr Σ in use / uniform\n(last half of the run)"


def versus(study):
    """Draw the final trace ratio and training loss against the groups' x; return None if no group has one.

    Groups without an x are horizontal lines.
    """
    looks = {group: appearance for group, appearance in looks_of(study.groups).items() if group.complete}
    places = np.array([group.x for group in looks if group.x is not None])
    if not len(places):
        return None
    panels = {_RATIO: series.final_ratio, f"last training loss / {study.measure.loss_unit}": series.final_loss}
    figure, axes = new_figure(1, len(panels), 4.0)
    for panel, (label, measure) in zip(axes[0], panels.items()):
        found = {group: quartiles(map(measure, group.complete)) for group in looks}
        for group, appearance in looks.items():
            if found[group].n:
                _draw_place(panel, group.x, found[group], appearance)
        _join(panel, [(group.x, found[group].median) for group in looks if group.x is not None])
        log_scale(panel, np.array([value for low, median, high, _ in found.values() for value in (low, median, high)]))
        _scale_of_x(panel, places)
        panel.set_xlabel(plain(study.x_label or "x"))
        panel.set_ylabel(label)
    lines = {group: appearance | {"marker": ""} for group, appearance in looks.items() if group.x is None}
    if lines:
        legend_of_groups(figure, lines)
    return figure


def _draw_place(axes, x, found, appearance):
    """Draw quartiles at an x, or across all x if it is None."""
    if x is None:
        axes.axhline(found.median, color=appearance["color"], linestyle=appearance["linestyle"])
        axes.axhspan(found.low, found.high, color=appearance["color"], alpha=0.12, linewidth=0)
        return
    reach = [[found.median - found.low], [found.high - found.median]]
    axes.errorbar(x, found.median, reach, color=appearance["color"], marker=appearance["marker"], capsize=3)


def _join(axes, points):
    """Draw a thin line through the points with a known y."""
    known = sorted((x, y) for x, y in points if np.isfinite(y))
    axes.plot(*zip(*known), color="#888888", linewidth=0.8, zorder=1)


def _scale_of_x(axes, places):
    """Make the axis logarithmic if the positive places span a decade; linear about zero if one place is zero."""
    positive = places[places > 0]
    if (places < 0).any() or len(positive) < 2 or positive.max() < 10 * positive.min():
        return
    if (places == 0).any():
        axes.set_xscale("symlog", linthresh=positive.min())
    else:
        axes.set_xscale("log")
    ticks = sorted(set(places.tolist()))
    axes.set_xticks(ticks, [f"{place:g}" for place in ticks])
    axes.set_xticks([], minor=True)


def final(study):
    """Draw each group's errors, or other measure, over the last 10 % of the evaluations, and its last training loss.

    Return None if nothing was evaluated.
    """
    splits = [split for split in SPLITS[1:] if any(split in run.evaluations for run in study.runs)]
    panels = [(f"{TITLES[split]}, {study.measure.label}", _late(split, study.measure.factor)) for split in splits]
    panels.append((f"training set, last loss / {study.measure.loss_unit}", series.final_loss))
    if not any(quartiles(map(measure, study.runs)).n for _, measure in panels):
        return None
    figure, axes = new_figure(1, len(panels), 1.1 + 0.42 * len(study.groups), sharey=True)
    for panel, (label, measure) in zip(axes[0], panels):
        for row, (group, appearance) in enumerate(looks_of(study.groups).items()):
            _draw_row(panel, row, list(map(measure, group.complete)), appearance)
        panel.set_xlabel(label)
        panel.locator_params(axis="x", nbins=4)
        panel.margins(x=0.08)
    _name_rows(axes[0, 0], list(map(label_of, study.groups)))
    return figure


def _late(split, factor):
    return lambda run: factor * series.late(run, split, "measured")


def _draw_row(axes, row, values, appearance):
    """Draw each run as a ring, the median as the group's marker, the quartiles as a bar."""
    found = quartiles(values)
    if not found.n:
        axes.annotate("no complete run", (0.02, row), xycoords=("axes fraction", "data"), va="center", fontsize=8)
        return
    axes.hlines(row, found.low, found.high, color=appearance["color"], linewidth=3, alpha=0.6)
    axes.plot(values, [row] * len(values), "o", markerfacecolor="none", color=appearance["color"], markersize=4)
    axes.plot(found.median, row, marker=appearance["marker"], color=appearance["color"], markersize=8)


def _name_rows(axes, labels):
    """Name the rows of a panel, from top to bottom."""
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.5, -0.5)


def equal_hardware(study):
    """Return the groups by their number of ranks, for the numbers on which uniform and other sampling ran."""
    by_ranks = {}
    for group in study.groups:
        if group.ranks is not None and group.runs:
            by_ranks.setdefault(group.ranks, []).append(group)
    return {
        ranks: groups
        for ranks, groups in sorted(by_ranks.items())
        if best_uniform_loss(groups) > 0 and not all(group.uniform for group in groups)
    }


def per_second(study):
    """Draw training loss against time, and the time to uniform sampling's last loss, on equal ranks.

    Each number of ranks has a row. Return None if uniform and other sampling nowhere ran on as many ranks.
    """
    rows = equal_hardware(study)
    if not rows:
        return None
    n_most = max(map(len, rows.values()))
    figure, axes = new_figure(len(rows), 2, 0.9 + len(rows) * max(2.8, 0.5 * n_most), width_ratios=[3, 2])
    looks = looks_of(study.groups)
    for (left, right), (ranks, groups) in zip(axes, rows.items()):
        unit, unit_name = time_unit(max(series.end_seconds(run) for group in groups for run in group.runs))
        target = best_uniform_loss(groups)
        _draw_losses(left, {group: looks[group] for group in groups}, unit)
        left.axhline(target, color="black", linewidth=0.8)
        left.set_title(f"{ranks} rank{'s' * (ranks > 1)}", loc="left")
        left.set_ylabel(f"training loss / {study.measure.loss_unit}")
        left.set_xlabel(f"training time / {unit_name}")
        _draw_times(right, {group: looks[group] for group in groups}, target, unit)
        right.set_xlabel(f"time to a training loss of {target:.3g} / {unit_name}")
    legend_of_groups(figure, looks)
    return figure


def best_uniform_loss(groups):
    """Return the lowest median of the last training losses of the uniform groups."""
    medians = [quartiles(map(series.final_loss, group.complete)).median for group in groups if group.uniform]
    return min((value for value in medians if value == value), default=np.nan)


def _draw_losses(axes, looks, unit):
    """Draw the training loss of each group against time."""

    def values(run):
        return series.evaluated(run, "train", "loss", "seconds")

    for group, appearance in looks.items():
        draw(axes, group.runs, values, appearance, unit)
    log_scale(axes, np.concatenate([values(run)[1] for group in looks for run in group.runs]))


def _draw_times(axes, looks, target, unit):
    """Draw when each run reached a loss, and say how many did not."""
    for row, (group, appearance) in enumerate(looks.items()):
        times = [time_to(run, target) / unit for run in group.complete]
        reached = [seconds for seconds in times if seconds == seconds]
        if reached:
            _draw_row(axes, row, reached, appearance)
        if len(reached) < len(group.runs):
            place = {"xycoords": ("axes fraction", "data"), "ha": "right", "va": "bottom"}
            axes.annotate(f"{len(reached)} of {len(group.runs)} got there", (1, row - 0.15), fontsize=8, **place)
    _name_rows(axes, [plain(group.label)[:28] for group in looks])
    axes.set_xlim(left=0)
