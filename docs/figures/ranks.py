"""Draw what the ranks of a run do, from the stretch that is kept of it: ``python docs/figures/ranks.py``.

``python docs/figures/ranks.py RUN`` first keeps the last few refreshes of a run. The report draws the same.
"""

import json
import sys
from pathlib import Path

import numpy as np

from isgd_mpi.report.activity import shown_stretch, timeline
from isgd_mpi.report.runs import read_run
from isgd_mpi.report.study import read_study
from isgd_mpi.report.style import house_style

HERE = Path(__file__).parent
KEPT = HERE / "data" / "two-ranks"
PLACE = ("kind", "step", "seconds")  # of a refresh, the rest is not drawn


def main(arguments, folder=HERE):
    """Keep the last refreshes of a run, if one is given, and draw them into a folder."""
    if arguments:
        keep(read_run(Path(arguments[0])))
    with house_style():
        timeline(read_study([KEPT])).savefig(folder / "ranks.png", dpi=90, metadata={"Software": None})


def keep(run):
    """Keep the spans of the stretch that is drawn, and when its refreshes were."""
    KEPT.mkdir(parents=True, exist_ok=True)
    begin, end = shown_stretch(run)
    inside = (run.spans["end"] > begin) & (run.spans["begin"] < end)
    cut = {name: run.spans[name][inside] for name in ("rank", "activity", "begin", "end")}
    stretch = np.array([begin, end])
    np.savez_compressed(KEPT / "timeline.npz", **cut, stretch=stretch, activities=run.spans["activities"])
    (KEPT / "config.toml").write_text(f'score = "{run.options["score"]}"\n')
    (KEPT / "summary.json").write_text((run.folder / "summary.json").read_text())
    lines = map(json.loads, (run.folder / "metrics.jsonl").read_text().splitlines())
    kept = [{name: line[name] for name in PLACE} for line in lines if line["kind"] == "refresh"]
    (KEPT / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in kept))


if __name__ == "__main__":
    main(sys.argv[1:])
