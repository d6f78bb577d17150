"""A tiny experiment, and folders as its runs would leave them."""

import run_folders

from isgd_mpi.experiment.description import Experiment, Group, Scale
from isgd_mpi.experiment.plan import make_plan

TINY = Experiment(
    "Tiny",
    "Does it work?",
    ("loss", "versus"),
    {
        "small": Scale(
            "seconds",
            ("mnist10k",),
            ranks=2,
            options={"hidden": [8], "steps": 40, "eval_every": 20, "minibatch_size": 16},
            groups=(Group("rate 0.1", {"lr": 0.1}, x=0.1), Group("rate 0.2", {"lr": 0.2}, x=0.2)),
            seeds=2,
        )
    },
    x_label="learning rate",
)
NAMES = ["rate-0.1-0", "rate-0.2-0", "rate-0.1-1", "rate-0.2-1"]


def tiny_plan(folder, **options):
    return make_plan("tiny", TINY, "small", folder / "out", **options)


def write_run(folder, config_file, stopped=None, ranks=2):
    """Write the files that a run of the tiny experiment leaves behind."""
    run_folders.write_run(folder, summary=run_folders.SUMMARY | {"stopped": stopped, "ranks": ranks}, spans=False)
    (folder / "config.toml").write_text(config_file.read_text())
