"""Set the look of figures, and save them so that the same runs give the same bytes."""

import re
import warnings
from contextlib import contextmanager

from matplotlib import style
from matplotlib.figure import Figure

WIDTH_INCHES = 10.0  # a page's width: text of 10 pt is read at its size

# Okabe and Ito, "Color Universal Design", 2008, without the yellow, which is too pale for lines on white
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
MARKERS = "osD^vPX*"

_RULES = {
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "legend.fontsize": 9,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "svg.hashsalt": "isgd_mpi",
    "svg.fonttype": "path",
    "hatch.linewidth": 0.6,
}
_PNG_DOTS_PER_INCH = 150
_MOST_CHARACTERS = 60


@contextmanager
def house_style():
    """Draw in the style of the report, whatever the user's matplotlibrc says."""
    with style.context(["default", _RULES]):
        yield


def look(index):
    """Return colour, dashes and marker of the group of this index; any two groups differ also without colour."""
    return {
        "color": COLOURS[index % len(COLOURS)],
        "linestyle": DASHES[index % len(DASHES)],
        "marker": MARKERS[index % len(MARKERS)],
    }


def new_figure(n_rows, n_columns, height_inches, **kwargs):
    """Return a figure as wide as the page, and its axes as an array of two dimensions."""
    figure = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")
    return figure, figure.subplots(n_rows, n_columns, squeeze=False, **kwargs)


def plain(text):
    """Return a text so that Matplotlib shows it literally: without formulas, on one line, not too long."""
    text = re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]+", " ", str(text)).replace("$", r"\$")
    text = text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"
    return f" {text}" if text.startswith("_") else text  # legends leave such labels out


def time_unit(seconds):
    """Return the unit for an axis of time that ends at `seconds`: the unit in seconds, and its name."""
    if seconds > 2 * 3600:
        return 3600.0, "h"
    return (60.0, "min") if seconds > 300 else (1.0, "s")


def save(figure, folder, name):
    """Save a figure as NAME.png and NAME.svg, without dates or versions; return the path of the PNG file."""
    path = folder / f"{name}.png"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a label may be in any script
        figure.savefig(path, dpi=_PNG_DOTS_PER_INCH, metadata={"Software": None})
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})
    return path
