"""Draw and save all figures of a study."""

from functools import partial

from isgd_mpi.report import activity, comparisons, curves, example_figures, series
from isgd_mpi.report.examples import heading_of
from isgd_mpi.report.runs import SPLITS
from isgd_mpi.report.style import house_style, save

# by the names of study.FIGURES: file, heading, explanation, function that draws the figure or returns None
_FIGURES = {
    "loss": [
        ("loss-seconds", "Loss and error against time", "At the same time, on the hardware of each group.",
         partial(curves.loss_and_error, against="seconds")),
        ("loss-steps", "Loss and error against steps", "At the same number of updates, whatever they cost.",
         partial(curves.loss_and_error, against="step")),
    ],
    "traces": [
        ("traces", "Noise of the gradient",
         "Root of the trace of the covariance of one drawn example's gradient: under the proposal in use, under "
         "uniform sampling, and under the best possible proposal.", curves.traces),
        ("variance-gain", "Variance gain",
         "The factor by which a uniform minibatch would have to be larger. A triangle marks a switch of the sampling.",
         curves.variance_gain),
        ("predictor", "Worth of the loss predictor", "1 is a perfect predictor, 0 a useless one.",
         curves.predictor_correlation),
    ],
    "versus": [
        ("versus", "Effect of the option",
         "Medians and quartiles. Groups without a value of the option are horizontal lines.", comparisons.versus),
    ],
    "final": [
        ("final", "Errors and loss at the end",
         "Errors are averaged over the last 10 % of each run's evaluations. Rings are runs, the large mark is "
         "their median, the bar spans the quartiles.", comparisons.final),
    ],
    "per_second": [
        ("per-second", "At equal time on equal ranks",
         "The horizontal line is the lowest last loss of a uniform group; at the right, when each run got there.",
         comparisons.per_second),
    ],
    "timeline": [
        ("timeline", "What each rank did",
         "The last few refreshes of one run of each group (at most four). Each thousandth of the width "
         "shows the activity that filled most of it. Dashed lines are merges of scores. The "
         "percentages at the right are of all that was recorded; what is missing to 100 % was none of the "
         "three.", activity.timeline),
    ],
    "confusion": [
        ("confusion", "Confusions",
         "Numbers are examples, by weight if they have weights. Colour is the share of the true class; right answers "
         "are grey. Of the first complete run of each group (at most four), with its last parameters.",
         example_figures.confusion),
    ],
    "examples": [
        *((f"hardest-{split}", heading_of(split),
           "The 32 with the largest loss, with the last parameters: number in the split; label → prediction; loss. "
           "Of the first run that has scores.npz.",
           partial(example_figures.pictures, split=split)) for split in SPLITS),
        ("concentration", "Concentration of the gradient norms",
         "Left: the share of the sum of all norms that the examples with the smallest ones have, of the first run of "
         "each group that has scores.npz; the straight line is equal norms, which importance sampling cannot use. "
         "Right: the classes of the examples with the largest norms, of the first run.",
         example_figures.concentration),
    ],
}  # fmt: skip

FILES = {f"{name}.{suffix}" for group in _FIGURES.values() for name, *_ in group for suffix in ("png", "svg")}
"""The file names that :func:`draw_all` may write."""

_OF_EXAMPLES = {name for wanted in ("confusion", "examples") for name, *_ in _FIGURES[wanted]}
_NOT_FOR_ALL = {"predictor", "versus", "per-second", "variance-gain", *_OF_EXAMPLES}  # absent without explanation


def draw_all(study, folder):
    """Draw the figures that a study asks for, and save them in a folder.

    Returns
    -------
    figures : list of (str, str, pathlib.Path)
        Heading, explanation and PNG file of each figure.
    notes : list of str
        Figures and parts of figures that are left out, and why.
    """
    drawn, notes = [], []
    with house_style():
        for wanted in study.figures:
            for name, heading, explanation, draw in _FIGURES[wanted]:
                figure = draw(study)
                if figure is not None:
                    drawn.append((heading, explanation, save(figure, folder, name)))
                elif name not in _NOT_FOR_ALL:
                    notes.append(f"The figure “{heading}” is left out: no run has what it shows.")
    return drawn, notes + _notes_on_traces(study)


def _notes_on_traces(study):
    """Return a note for each trace that has a gap in the figure because it is negative."""
    if "traces" not in study.figures:
        return []
    return [
        f"{run.name}: {name} is negative at {n} refreshes, where noise outweighs it; it has no root there, hence a gap."
        for run in study.runs
        for name in ("trace_ideal", "trace_in_use", "trace_uniform")
        if (n := series.n_negative(run, name))
    ]
