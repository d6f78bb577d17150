"""Draw the figures of the papers' experiments from kept numbers: ``python docs/figures/papers.py``.

``python docs/figures/papers.py OUT ...`` first keeps the numbers of experiments, which are the folders that ``python -m
isgd_mpi.experiment NAME`` has filled. The reports of these draw the same.
"""

import json
import sys
from pathlib import Path

import numpy as np

from isgd_mpi.report import series
from isgd_mpi.report.comparisons import final, versus
from isgd_mpi.report.curves import traces
from isgd_mpi.report.runs import Run
from isgd_mpi.report.study import Group, Study, read_study
from isgd_mpi.report.style import house_style

HERE = Path(__file__).parent
KEPT = HERE / "data" / "papers"
DRAWN = {
    "alain2015": traces,
    "staleness": versus,
    "smoothing": versus,
    "katharopoulos2017": final,
    "equal-hardware": final,
    "idiap-mnist": final,
}
MOST_POINTS = 60  # of a curve


def main(arguments, folder=HERE):
    """Keep the numbers of experiments, if some are given, and draw all figures into a folder."""
    for out in map(Path, arguments):
        keep(out, json.loads((out / "experiment.json").read_text())["name"])
    with house_style():
        for path in sorted(KEPT.glob("*.json")):
            figure = DRAWN[path.stem](study_from(json.loads(path.read_text())))
            figure.savefig(folder / f"{path.stem}.png", dpi=110, metadata={"Software": None})


def keep(out, name):
    """Keep what is drawn of the complete runs of an experiment."""
    study = read_study([out])
    numbers = curves_of if DRAWN[name] is traces else ends_of
    groups = [{"label": one.label, "x": one.x, "runs": list(map(numbers, one.complete))} for one in study.groups]
    KEPT.mkdir(exist_ok=True)
    text = json.dumps({"x_label": study.x_label, "groups": groups}, separators=(",", ":"))
    (KEPT / f"{name}.json").write_text(text.replace('{"label"', '\n{"label"') + "\n")


def curves_of(run):
    """Return the traces of a run over its time."""
    shown = np.unique(np.linspace(0, len(run.refreshes["seconds"]) - 1, MOST_POINTS).astype(int))
    names = ["step", "seconds", *(name for name in run.refreshes if "trace_" in name)]
    return {"refreshes": {name: rounded(run.refreshes[name][shown]) for name in names}}


def ends_of(run):
    """Return what a run came to: the ratio of its traces, the error late in it, its last training loss."""
    ratio, error, loss = series.final_ratio(run), series.late(run, "test", "measured"), series.final_loss(run)
    return {
        "refreshes": {"step": [1], "trace_in_use": rounded([ratio]), "trace_uniform": [1]},
        "evaluations": {"train": {"loss": rounded([loss])}, "test": {"measured": rounded([error])}},
    }


def rounded(values):
    """Return values with four digits, None where they are unknown."""
    return [float(f"{value:.4g}") if np.isfinite(value) else None for value in values]


def study_from(kept):
    """Return an experiment of which numbers were kept, to be drawn."""
    groups = [Group(one["label"], one["x"], list(map(run_from, one["runs"]))) for one in kept["groups"]]
    return Study("", groups, x_label=kept["x_label"])


def run_from(kept):
    """Return a complete run that has what was kept of it."""
    evaluations = {split: arrays({"step": [1], **columns}) for split, columns in kept.get("evaluations", {}).items()}
    rest = {"options": {}, "totals": {}, "events": [], "spans": None, "environment": {}, "notes": []}
    return Run(Path("run"), status="complete", refreshes=arrays(kept["refreshes"]), evaluations=evaluations, **rest)


def arrays(columns):
    """Return columns as arrays, NaN where a value is unknown."""
    return {name: np.array(values, dtype=float) for name, values in columns.items()}


if __name__ == "__main__":
    main(sys.argv[1:])
