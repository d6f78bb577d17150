"""Draw the tutorial's figures from what is kept of its two runs: ``python docs/figures/tutorial.py``.

``python docs/figures/tutorial.py RUN RUN`` first keeps the figures of two runs. What is drawn is in their report, too.
"""

import json
import re
import sys
from pathlib import Path

from isgd_mpi.report.curves import loss_and_error, traces
from isgd_mpi.report.study import read_study
from isgd_mpi.report.style import house_style

HERE = Path(__file__).parent
KEPT = HERE / "data" / "tutorial"
FIELDS = {"kind", "step", "seconds", "staleness", "split", "loss", "error", "trace_in_use", "trace_uniform",
          "trace_ideal", "message"}  # fmt: skip
DRAWN = {"tutorial-time.png": lambda study: loss_and_error(study, "seconds"), "tutorial-noise.png": traces}


def main(arguments, folder=HERE):
    """Keep what the figures need of some runs, if they are given, and draw the figures into a folder."""
    for run in map(Path, arguments):
        keep(run, KEPT / run.name)
    study = read_study(sorted(KEPT.iterdir()))
    with house_style():
        for name, figure_of in DRAWN.items():
            figure_of(study).savefig(folder / name, dpi=90, metadata={"Software": None})


def keep(run, place):
    """Keep of a run its options, its result, and of its metrics what is drawn."""
    place.mkdir(parents=True, exist_ok=True)
    options = (run / "config.toml").read_text()
    (place / "config.toml").write_text(re.sub(r'"/[^"]*/([^"/]+)"', r'"\1"', options))  # files by their names alone
    (place / "summary.json").write_text((run / "summary.json").read_text())
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    kept = [{name: line[name] for name in line if name in FIELDS} for line in lines]
    (place / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in kept))


if __name__ == "__main__":
    main(sys.argv[1:])
