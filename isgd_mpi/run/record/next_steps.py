"""The commands to type after a run: what one most often wants next, by how it ended."""

import os
import shlex

from isgd_mpi.run.record.words import INDENT, aligned
from isgd_mpi.settings.sampling import PROPORTIONAL

WORTH_SAYING = 1.1
"""Variance gains below this are called none."""


def next_steps(setup, folder, gain, environment=os.environ):
    """Return the lines with the commands to type after a run that came to its end.

    Parameters
    ----------
    setup : setup.Setup
    folder : pathlib.Path or None
        The run's folder; without one there is nothing to type.
    gain : gain.MeanGain or None
        What importance sampling gained, if that is known.
    environment : mapping

    Returns
    -------
    str
    """
    if folder is None:
        return ""
    run = shlex.quote(str(folder))
    commands = {
        "figures, and a page to read": f"python -m isgd_mpi.report {run}",
        "predict other rows": f"python -m isgd_mpi.predict {run} --data FILE",
        **_comparison(setup, folder, gain, environment),
    }
    width = max(map(len, commands)) + 1
    lines = [f"{meaning + ':':<{width}}  {command}" for meaning, command in commands.items()]
    return aligned("next", "") + f"\n{INDENT}".join(lines)


def _comparison(setup, folder, gain, environment):
    """Return the command for the run to compare with, by its meaning."""
    if setup.config.data == "arrays":  # which a command cannot read again
        return {}
    again = f"{training(setup.size, environment)} --config {shlex.quote(str(folder / 'config.toml'))}"
    if setup.config.score == "uniform":
        return {"the same with importance sampling": f"{again} --score grad-norm --trainers auto"}
    paid = gain is not None and gain.value >= WORTH_SAYING
    all_train = f" --trainers {setup.size}" if setup.size > 1 else ""
    plain = f"{again} --score uniform{_without_method(setup.config)}{all_train}"
    if paid:
        return {"plain SGD, to compare with": plain}
    return {"try plain SGD on the same ranks": plain, "forecast whether it can pay": _forecast(setup)}


def _without_method(config):
    """Return the options that leave out what does not go with uniform sampling."""
    words = {" --compat none": config.compat != "none", " --sampling proportional": config.sampling not in PROPORTIONAL}
    return "".join(word for word, is_needed in words.items() if is_needed)


def _forecast(setup):
    """Return the command that forecasts from a short run whether importance sampling pays."""
    config = setup.config
    ranks = ["--ranks", str(setup.size)] if setup.size > 1 else []
    target = ["--target", config.target] if config.target else []
    return f"python -m isgd_mpi.experiment pays --quick {shlex.join([*ranks, '--data', config.data, *target])}"


def training(n_ranks, environment=os.environ):
    """Return the command that trains on a number of ranks, without options."""
    launcher = "srun" if "SLURM_JOB_ID" in environment else "mpirun"
    return f"{launcher} -n {n_ranks} python -m isgd_mpi" if n_ranks > 1 else "python -m isgd_mpi"
