"""The commands ``python -m isgd_mpi.experiment pays``, and ``peers``, which compares other methods."""

import argparse
import re
import shlex
import sys
import time
from pathlib import Path

from isgd_mpi.experiment.conduct import sole_user
from isgd_mpi.experiment.pays.forecast import forecast
from isgd_mpi.experiment.pays.methods import methods_for
from isgd_mpi.experiment.pays.plan import Plan
from isgd_mpi.experiment.pays.queue import SCRIPT, limit_seconds, run_in_queue
from isgd_mpi.experiment.pays.start import run_here
from isgd_mpi.experiment.plan import crowd
from isgd_mpi.experiment.slurm import Slurm
from isgd_mpi.experiment.slurm import options_of as slurm_options
from isgd_mpi.report.pays.write import print_outcome, write_pays_report
from isgd_mpi.settings import commands
from isgd_mpi.settings.config import option
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.exit_codes import DONE
from isgd_mpi.settings.given import given_options
from isgd_mpi.settings.help import Formatter, add_version
from isgd_mpi.settings.options import parse

CHOSEN = (
    *("score", "minibatch_size", "lr", "lr_scaling", "bias_exponent", "trainers", "seed", "steps", "epochs", "seconds"),
    *("run_dir", "resume", "checkpoint_every", "eval_every", "patience", "best_by", "compat", "predictor", "quiet"),
    *("sampling", "reference_model", "lr_schedule", "save_scores", "tensorboard"),
)
"""Options of a run that are chosen here, or that have no meaning for many short runs that leave no files."""

_CHOSEN_HERE = "is chosen by this command, or has no meaning for its runs: leave it out"

_MOST = 100_000
"""Ranks, seeds and minutes that there may be: beyond it, times overflow."""

_PURPOSE = {
    "pays": "Find out whether importance sampling pays on some data: search the best settings of uniform sampling and "
    "of importance sampling in the same time, run the best of each with several seeds, and say what came out.",
    "peers": "Compare importance sampling with methods of the literature (see --sampling) on some data: search the "
    "best settings of each in the same time, run the best with several seeds, and say what came out.",
}


def main(arguments, experiment="pays"):
    """Run the command line, without the word ``pays`` or ``peers``, which is the experiment; return the exit code."""
    begun = time.time()
    return commands.exit_code(lambda: _compare(arguments, experiment, begun), "the same command goes on where it was")


def _make_parser(experiment):
    parser = argparse.ArgumentParser(
        prog=f"python -m isgd_mpi.experiment {experiment}",
        usage="%(prog)s --data FILE [--ranks R] [--minutes M] [OPTIONS] [OPTIONS OF A RUN]",
        description=f"{_PURPOSE[experiment]} All options of a run may follow, such as --target or --hidden (python "
        "-m isgd_mpi --help-all lists them), but for those that are chosen here.",
        allow_abbrev=False,
        exit_on_error=False,
        formatter_class=Formatter,
    )
    add_version(parser)
    parser.set_defaults(experiment=experiment)
    parser.add_argument("--ranks", type=int, default=2, metavar="R", help="ranks of each run (default: 2)")
    parser.add_argument("--minutes", type=float, default=30.0, metavar="M", help="time of everything (default: 30)")
    parser.add_argument(
        "--judge", choices=("error", "loss"), default="error",
        help="what is to be small on the validation set: error (of numbers, RMSE; the default) or loss",
    )  # fmt: skip
    parser.add_argument("--seeds", type=int, default=5, metavar="S", help="seeds of the runs at the end (default: 5)")
    parser.add_argument("--out", type=Path, metavar="DIR", help=f"folder of results (default: runs/{experiment}-DATA)")
    parser.add_argument(
        "--launcher", choices=("mpirun", "slurm"), default="mpirun",
        help="mpirun: all runs here, one after the other (default); slurm: a task of an array job for each method",
    )  # fmt: skip
    parser.add_argument(
        "--sbatch-options", metavar="'OPTIONS'", help="options of sbatch, with --launcher slurm: ='--account=ABC ...'"
    )
    parser.set_defaults(quick=False)
    if experiment == "pays":
        parser.add_argument("--quick", action="store_true", help="forecast from one run instead, in two minutes")
    parser.add_argument("--dry-run", action="store_true", help="print what would be done")
    return parser


def _compare(arguments, experiment, begun):
    """Do what the command line says; return the exit code."""
    own, config = _parse(arguments, experiment)
    if own.quick and (own.dry_run or own.launcher != "mpirun"):
        raise InputError("--quick is a single run here: leave --dry-run and --launcher out")
    command = shlex.join(["python", "-m", "isgd_mpi.experiment", experiment, *arguments])
    plan = make_plan(own, config, command)
    if own.quick:
        return forecast(config, own.ranks, Path(plan.folder), own.judge)
    if own.dry_run:
        _print_plan(plan)
        return DONE
    with sole_user(Path(plan.folder)):
        if own.launcher == "slurm":
            run_in_queue(plan, Slurm(slurm_options(own.sbatch_options), limit_seconds(plan), SCRIPT))
        else:
            run_here(plan, begun)
    write_pays_report(plan.folder)
    print_outcome(plan.folder)
    return DONE


def _parse(arguments, experiment="pays"):
    """Return the options of this command, and the settings of a run."""
    parser = _make_parser(experiment)
    try:
        own, others = parser.parse_known_args(arguments)
    except argparse.ArgumentError as error:
        raise InputError(f"{error}; see --help") from None
    refuse_chosen(others)
    if own.sbatch_options is not None and own.launcher != "slurm":
        raise InputError("--sbatch-options are for --launcher slurm: give both or none")
    config = parse(others, [name for one in parser._actions for name in one.option_strings])
    for name, value, least in (("--ranks", own.ranks, 1), ("--seeds", own.seeds, 2), ("--minutes", own.minutes, 1)):
        if not least <= value <= _MOST:
            raise InputError(f"{name} {value:g} must be from {least} to {_MOST}")
    return own, config


def refuse_chosen(words):
    """Refuse options of a run that are chosen here."""
    for word in words:
        name = re.sub("^no-", "", word.partition("=")[0].removeprefix("--"))
        if word.startswith("--") and name.replace("-", "_") in CHOSEN:
            raise InputError(f"--{name} {_CHOSEN_HERE}")


def make_plan(own, config, command):
    """Return the plan of a comparison.

    Parameters
    ----------
    own : argparse.Namespace
        Options of this command.
    config : config.Config
    command : str

    Raises
    ------
    InputError
        A file with options names one that is chosen here.
    """
    options = given_options(config)
    for name in CHOSEN:
        if name in options:
            raise InputError(f"{option(name)} {_CHOSEN_HERE}")
    methods, notes = methods_for(config, own.experiment)
    if own.launcher == "mpirun":
        notes = [*notes, *crowd(own.ranks)]
    folder = own.out or Path("runs") / f"{own.experiment}-{Path(config.data).name.partition('.')[0]}"
    plan = Plan(
        folder=str(folder.absolute()), methods=[method.name for method in methods], options=options, ranks=own.ranks,
        minutes=own.minutes, judge=own.judge, seeds=own.seeds, command=command, notes=notes,
        n_methods=len(methods),
    )  # fmt: skip
    for method in methods:
        plan.config(method, seconds=1.0).check_ranks(own.ranks)
    return plan


def _print_plan(plan):
    print(f"{plan.minutes:g} minutes on {plan.ranks} ranks into {plan.folder}, by {plan.judge}:")
    for method in plan.chosen:
        print(f"  {method.label}: trials with seed 0, then the best with seeds 1 to {plan.seeds}")
    for note in plan.notes:
        print(f"  {note}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
