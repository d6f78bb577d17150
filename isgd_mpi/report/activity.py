"""Draw the timeline: what each rank did over the last few refreshes of a run."""

import numpy as np
from matplotlib.patches import Patch

from isgd_mpi.report.style import new_figure, plain

# name: colour and hatch; pale or hatched is what takes time and computes nothing of training
_APPEARANCE = {
    "training": ("#0072B2", None),
    "proposing": ("#E69F00", None),
    "scoring": ("#56B4E9", None),
    "evaluating": ("#009E73", "..."),
    "sending": ("#D55E00", "////"),
    "waiting": ("#e8e8e8", None),
}
_OTHERS = (("#CC79A7", None), ("#000000", None), ("#CC79A7", "xx"), ("#000000", "xx"))

_REFRESHES_SHOWN = 4
_MOST_ROWS = 12
_MOST_PANELS = 4
_CELLS = 1000  # across a panel; each shows the activity that fills most of it


def timeline(study):
    """Draw what the ranks did in one run of each of the first groups; return None if no run has a timeline."""
    chosen = [(group, run) for group in study.groups if (run := _first_with_spans(group))][:_MOST_PANELS]
    if not chosen:
        return None
    rows = [min(_MOST_ROWS, _n_ranks(run)) for _, run in chosen]
    heights = [0.9 + 0.34 * n for n in rows]
    figure, axes = new_figure(len(chosen), 1, 0.5 + sum(heights), height_ratios=heights)
    appearances = {}
    for panel, (group, run), n_rows in zip(axes[:, 0], chosen, rows):
        appearances |= _draw_run(panel, run, n_rows)
        panel.set_title(plain(": ".join(dict.fromkeys((group.label, run.name)))), loc="left")
    patches = [Patch(facecolor=colour, hatch=hatch, edgecolor="#555555", linewidth=0.5, label=plain(name))
               for name, (colour, hatch) in _appearances(appearances).items()]  # fmt: skip
    figure.legend(handles=patches, loc="outside upper left", ncols=len(patches))
    return figure


def _first_with_spans(group):
    """Return a group's first run with a timeline that is not empty, a complete one if possible."""
    runs = sorted(group.runs, key=lambda run: not run.complete)
    return next((run for run in runs if run.spans is not None and len(run.spans["begin"])), None)


def _n_ranks(run):
    return int(run.spans["rank"].max()) + 1


def _names(run):
    return list(map(str, run.spans["activities"]))


def _appearances(names):
    """Return colour and hatch of each activity, known to this report or not, in a fixed order."""
    unknown = [name for name in names if name not in _APPEARANCE]
    extra = {name: _OTHERS[i % len(_OTHERS)] for i, name in enumerate(unknown)}
    return {name: look for name, look in (_APPEARANCE | extra).items() if name in names}


def shown_stretch(run):
    """Return begin and end, seconds, of the last few refreshes within the recorded stretch of a run."""
    begin, end = map(float, run.spans["stretch"])
    merges = run.refreshes["seconds"]
    merges = merges[(merges > begin) & (merges < end)]
    if len(merges) > _REFRESHES_SHOWN:
        # to the last merge, which may be long before the end if scorers are slow
        begin, end = merges[-1 - _REFRESHES_SHOWN], merges[-1]
    margin = 0.01 * (end - begin)
    return begin - margin, end + margin


def _draw_run(axes, run, n_rows):
    """Draw the spans of a run; return colour and hatch of its activities, by name."""
    begin, end = shown_stretch(run)
    names = _names(run)
    appearances = _appearances([names[code] for code in np.unique(run.spans["activity"])])
    edges = np.linspace(begin, end, _CELLS + 1)
    for rank in range(n_rows):
        bars = _bars(dominant(run.spans, rank, edges), edges)
        for code in {code for code, *_ in bars if code >= 0}:
            colour, hatch = appearances[names[code]]
            places = [(start, length) for one, start, length in bars if one == code]
            axes.broken_barh(places, (rank - 0.4, 0.8), facecolor=colour, hatch=hatch, edgecolor="#333333", linewidth=0)
    for seconds in run.refreshes["seconds"]:
        if begin <= seconds <= end:
            axes.axvline(seconds, color="black", linewidth=1.0, linestyle="--")
    axes.set_xlim(begin, end)
    _label(axes, run, n_rows)
    return appearances


def dominant(spans, rank, edges):
    """Return the activity that a rank spent most of each cell on.

    Parameters
    ----------
    spans : dict of str to ndarray
        A timeline; the spans of one rank do not overlap.
    rank : int
    edges : (n + 1,) ndarray
        Edges of the cells, seconds, ascending.

    Returns
    -------
    (n,) ndarray of int
        Indices into ``activities``; -1 if no activity fills half of the cell.
    """
    covered = np.zeros((len(spans["activities"]), len(edges) - 1))
    for code in range(len(covered)):
        chosen = (spans["rank"] == rank) & (spans["activity"] == code)
        order = np.argsort(spans["begin"][chosen], kind="stable")
        begins, ends = spans["begin"][chosen][order], spans["end"][chosen][order]
        done = np.cumsum(ends - begins)
        if len(done):
            at = np.column_stack([begins, ends]).ravel()
            covered[code] = np.diff(np.interp(edges, at, np.column_stack([done - (ends - begins), done]).ravel()))
    return np.where(covered.max(axis=0, initial=0) >= 0.5 * np.diff(edges), covered.argmax(axis=0), -1)


def _bars(codes, edges):
    """Return code, begin and length of each stretch of equal cells."""
    starts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])
    ends = np.r_[starts[1:], len(codes)]
    return [(codes[i], edges[i], edges[j] - edges[i]) for i, j in zip(starts, ends)]


def _label(axes, run, n_rows):
    """Name the ranks, and write at the right how much of the recorded stretch each of them computed."""
    axes.set_yticks(range(n_rows), [f"rank {rank}, {role(run, rank)}" for rank in range(n_rows)])
    axes.set_ylim(n_rows - 0.5, -0.5)
    axes.grid(visible=False)
    hidden = f"; ranks {n_rows} to {_n_ranks(run) - 1} not shown" if n_rows < _n_ranks(run) else ""
    axes.set_xlabel(f"training time / s{hidden}")
    for rank in range(n_rows):
        computing, sending, waiting = (100 * part for part in shares(run, rank))
        text = f" {computing:.0f} % computing\n {sending:.0f} % sending, {waiting:.0f} % waiting"
        axes.annotate(text, (1, rank), xycoords=("axes fraction", "data"), va="center", fontsize=7)


def role(run, rank):
    """Return the role of a rank in one word."""
    if rank == 0 and run.environment.get("feeder") is True:
        return "feeder"
    if rank < max(run.totals["trainers"], 1):
        return "trainer"
    # the loss predictor has the last rank, if the job has a rank to spare
    predicts = run.options.get("score") == "predicted-loss" and rank == _n_ranks(run) - 1
    return "predictor" if predicts else "scorer"


def shares(run, rank):
    """Return the fractions of the recorded stretch that a rank spent computing, sending and waiting.

    The rest went to the loop itself and to the operating system.
    """
    spans = run.spans
    begin, end = spans["stretch"]
    lengths = (spans["end"] - spans["begin"]) * (spans["rank"] == rank) / max(end - begin, 1e-9)
    by_name = {name: float(lengths[spans["activity"] == code].sum()) for code, name in enumerate(_names(run))}
    sending, waiting = by_name.get("sending", 0.0), by_name.get("waiting", 0.0)
    return sum(by_name.values()) - sending - waiting, sending, waiting
