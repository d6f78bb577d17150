"""Draw the README's figure from the numbers kept in ``data/readme.json``: ``python docs/figures/readme.py``.

``python docs/figures/readme.py MNIST LETTER RUN`` first keeps the numbers of two experiments, which are the folders of
``python -m isgd_mpi.experiment pays`` on these data sets, and of a run with the settings that were found on MNIST for
importance sampling by gradient norm.
"""

import json
import sys
from pathlib import Path

import numpy as np

from isgd_mpi.report.curves import legend
from isgd_mpi.report.pays.record import read_record
from isgd_mpi.report.runs import read_run
from isgd_mpi.report.style import house_style, look, new_figure

HERE = Path(__file__).parent
KEPT = HERE / "data" / "readme.json"
TRACES = {"trace_uniform": "uniform sampling", "trace_in_use": "importance sampling", "trace_ideal": "best possible"}
MOST_POINTS = 300


def main(arguments, folder=HERE):
    """Keep the numbers of experiments and a run, if they are given, and draw the figure into a folder."""
    if arguments:
        KEPT.write_text(json.dumps(numbers(*map(Path, arguments)), separators=(",", ":")) + "\n")
    with house_style():
        draw(json.loads(KEPT.read_text())).savefig(folder / "readme.png", dpi=110, metadata={"Software": None})


def numbers(mnist, letter, run):
    """Return what the figure is drawn from, ready for JSON."""
    refreshes = read_run(run).refreshes
    shown = np.unique(np.linspace(0, len(refreshes["seconds"]) - 1, MOST_POINTS).astype(int))
    return {
        "MNIST: validation error / %": final_runs(mnist, "valid_judged", 100.0),
        "MNIST: training loss": final_runs(mnist, "loss"),
        "letter: validation error / %": final_runs(letter, "valid_judged", 100.0),
        "traces": {name: rounded(refreshes[name][shown]) for name in ("seconds", *TRACES)},
    }


def final_runs(out, curve, factor=1.0):
    """Return times and values of the final runs of uniform sampling and of importance sampling by gradient norm."""
    methods = {method.name: method for method in read_record(out).methods}
    return {
        name: {
            "seconds": [rounded(final.curves["seconds"]) for final in methods[key].finals],
            "values": [rounded(factor * final.curves[curve]) for final in methods[key].finals],
        }
        for key, name in (("uniform", "uniform sampling"), ("grad-norm", "importance sampling"))
    }


def rounded(values):
    """Return values with four digits, None where they are unknown."""
    return [float(f"{value:.4g}") if np.isfinite(value) else None for value in values]


def draw(kept):
    """Return the figure: a panel of medians for each experiment, and the root of each trace."""
    traces = {name: np.array(values, float) for name, values in kept.pop("traces").items()}
    figure, axes_of_all = new_figure(2, 2, 5.6)
    *panels, noise = axes_of_all.flat
    looks = {name: look(k) for k, name in enumerate(TRACES.values())}
    for axes, (title, methods) in zip(panels, kept.items()):
        for name, finals in methods.items():
            draw_median(axes, *(np.array(finals[key], float) for key in ("seconds", "values")), looks[name])
        axes.set_title(title)
    for trace, name in TRACES.items():
        noise.plot(traces["seconds"], np.sqrt(np.maximum(traces[trace], 0)), **looks[name] | {"marker": ""})
    noise.set_title("MNIST: noise of the gradient, √Tr Σ")
    for axes in (*panels, noise):
        axes.set(xlabel="training time / s", yscale="log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_formatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in "235" else "")
    legend(figure, list(looks), looks.values())
    return figure


def draw_median(axes, seconds, values, appearance):
    """Draw the median and the quartiles over the seeds."""
    low, median, high = np.nanquantile(values, (0.25, 0.5, 0.75), axis=0)
    seconds = np.median(seconds, axis=0)
    axes.plot(seconds, median, **appearance | {"markersize": 3})
    axes.fill_between(seconds, low, high, color=appearance["color"], alpha=0.2, linewidth=0)


if __name__ == "__main__":
    main(sys.argv[1:])
