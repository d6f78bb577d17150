"""Figures that compare groups: against a setting, at the end of a run, and by the second."""

import numpy as np

from isgd_mpi.report import series
from isgd_mpi.report.curves import TITLES, draw, label_of, legend, legend_of_groups, log_scale
from isgd_mpi.report.runs import SPLITS
from isgd_mpi.report.statistics import quartiles
from isgd_mpi.report.style import look, new_figure, plain, time_unit
from isgd_mpi.report.verdicts import time_to

_VERSUS = {
    "Tr Σ in use / uniform\n(last half of the run)": series.final_ratio,
    "last training loss / nats": series.final_loss,
}


def versus(study):
    """Draw the final trace ratio and training loss against the groups' x; None if no group has one.

    Groups without an x are horizontal lines.
    """
    placed = [group for group in study.groups if group.x is not None and group.complete]
    if not placed:
        return None
    figure, axes = new_figure(1, len(_VERSUS), 4.0)
    for one, (label, measure) in zip(axes[0], _VERSUS.items()):
        everything = [quartiles(map(measure, group.complete)) if group.complete else None for group in study.groups]
        for i, (group, found) in enumerate(zip(study.groups, everything)):
            if group.complete and found.n:
                _draw_place(one, group, found, look(i))
        _joined(one, [(group.x, found.median) for group, found in zip(study.groups, everything) if group in placed])
        log_scale(one, np.array([value for found in everything if found for value in found[:3]]))
        _scale_of_x(one, np.array([group.x for group in placed]))
        one.set_xlabel(plain(study.x_label or "x"))
        one.set_ylabel(label)
    unplaced = [i for i, group in enumerate(study.groups) if group.x is None and group.complete]
    if unplaced:
        legend(figure, [label_of(study.groups[i]) for i in unplaced], [look(i) | {"marker": ""} for i in unplaced])
    return figure


def _draw_place(axes, group, found, appearance):
    """Draw a group at its x with its quartiles, or across all x."""
    if group.x is None:
        axes.axhline(found.median, color=appearance["color"], linestyle=appearance["linestyle"])
        axes.axhspan(found.low, found.high, color=appearance["color"], alpha=0.12, linewidth=0)
        return
    reach = [[found.median - found.low], [found.high - found.median]]
    axes.errorbar(group.x, found.median, reach, color=appearance["color"], marker=appearance["marker"], capsize=3)


def _joined(axes, points):
    known = sorted((x, y) for x, y in points if np.isfinite(y))
    axes.plot(*zip(*known), color="#888888", linewidth=0.8, zorder=1)


def _scale_of_x(axes, places):
    """Make the axis logarithmic if the places ask for it, linear about zero if one of them is zero."""
    positive = places[places > 0]
    if (places < 0).any() or len(positive) < 2 or positive.max() < 10 * positive.min():
        return
    if (places == 0).any():
        axes.set_xscale("symlog", linthresh=positive.min())
    else:
        axes.set_xscale("log")
    axes.set_xticks(sorted(set(places.tolist())), [f"{place:g}" for place in sorted(set(places.tolist()))])
    axes.set_xticks([], minor=True)


def final(study):
    """Draw what each group ends with: errors over the last 10 % of the evaluations, and the training loss.

    None if nothing was evaluated.
    """
    splits = [split for split in SPLITS[1:] if any(split in run.evaluations for run in study.runs)]
    panels = [(f"{TITLES[split]}, error / %", _late_error(split)) for split in splits]
    panels.append(("training set, last loss / nats", series.final_loss))
    if not any(quartiles(map(measure, study.runs)).n for _, measure in panels):
        return None
    figure, axes = new_figure(1, len(panels), 1.1 + 0.42 * len(study.groups), sharey=True)
    for one, (label, measure) in zip(axes[0], panels):
        for i, group in enumerate(study.groups):
            _draw_row(one, i, list(map(measure, group.complete)), look(i))
        one.set_xlabel(label)
        one.locator_params(axis="x", nbins=4)
        one.margins(x=0.08)
    axes[0, 0].set_yticks(range(len(study.groups)), [label_of(group) for group in study.groups])
    axes[0, 0].set_ylim(len(study.groups) - 0.5, -0.5)
    return figure


def _late_error(split):
    return lambda run: 100 * series.late(run, split, "error")


def _draw_row(axes, row, values, appearance):
    """Draw each run as a ring, the median as the group's marker, the quartiles as a bar."""
    found = quartiles(values)
    if not found.n:
        axes.annotate("no complete run", (0.02, row), xycoords=("axes fraction", "data"), va="center", fontsize=8)
        return
    axes.hlines(row, found.low, found.high, color=appearance["color"], linewidth=3, alpha=0.6)
    axes.plot(values, [row] * len(values), "o", markerfacecolor="none", color=appearance["color"], markersize=4)
    axes.plot(found.median, row, marker=appearance["marker"], color=appearance["color"], markersize=8)


def equal_hardware(study):
    """Return the groups by their number of ranks, where uniform sampling and another group have as many."""
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

    A row for each number of ranks; None if nowhere both uniform and other sampling ran.
    """
    panels = equal_hardware(study)
    if not panels:
        return None
    n_most = max(map(len, panels.values()))
    figure, axes = new_figure(len(panels), 2, 0.9 + len(panels) * max(2.8, 0.5 * n_most), width_ratios=[3, 2])
    for (left, right), (ranks, groups) in zip(axes, panels.items()):
        unit, unit_name = time_unit(max(series.end_seconds(run) for group in groups for run in group.runs))
        _draw_losses(left, study, groups, unit)
        left.set_title(f"{ranks} rank{'s' * (ranks > 1)}", loc="left")
        left.set_ylabel("training loss / nats")
        left.set_xlabel(f"training time / {unit_name}")
        target = best_uniform_loss(groups)
        left.axhline(target, color="black", linewidth=0.8)
        _draw_times(right, study, groups, target, unit)
        right.set_xlabel(f"time to a training loss of {target:.3g} / {unit_name}")
    legend_of_groups(figure, study.groups)
    return figure


def best_uniform_loss(groups):
    """Return the lowest median of the last training losses of the uniform groups."""
    medians = [quartiles(map(series.final_loss, group.complete)).median for group in groups if group.uniform]
    return min((value for value in medians if value == value), default=np.nan)


def _draw_losses(axes, study, groups, unit):
    for group in groups:
        draw(axes, group.runs, lambda run: series.evaluated(run, "train", "loss", "seconds"),
             look(study.groups.index(group)), unit)  # fmt: skip
    losses = [series.evaluated(run, "train", "loss", "seconds")[1] for group in groups for run in group.runs]
    log_scale(axes, np.concatenate(losses))


def _draw_times(axes, study, groups, target, unit):
    """Draw when each run reached a loss; say how many did not."""
    for row, group in enumerate(groups):
        times = [time_to(run, target) / unit for run in group.complete]
        reached = [seconds for seconds in times if seconds == seconds]
        if reached:
            _draw_row(axes, row, reached, look(study.groups.index(group)))
        if len(reached) < len(group.runs):
            text = f"{len(reached)} of {len(group.runs)} got there"
            axes.annotate(
                text, (1, row - 0.15), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=8
            )
    axes.set_yticks(range(len(groups)), [plain(group.label)[:28] for group in groups])
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.set_xlim(left=0)
