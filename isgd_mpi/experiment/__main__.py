"""Do the runs of one of the papers' experiments, and report on them: ``python -m isgd_mpi.experiment NAME``."""

import shlex
import signal
import sys
from functools import partial
from pathlib import Path

from jsonargparse.typing import PositiveFloat, PositiveInt

from isgd_mpi.experiment.catalogue import EXPERIMENTS
from isgd_mpi.experiment.conduct import conduct, runs_due
from isgd_mpi.experiment.description import SCALES
from isgd_mpi.experiment.launcher import Mpirun, command_line
from isgd_mpi.experiment.pays import main as pays
from isgd_mpi.experiment.perform import one_by_one
from isgd_mpi.experiment.plan import make_plan
from isgd_mpi.experiment.queue import in_queue
from isgd_mpi.experiment.slurm import Slurm, options_of
from isgd_mpi.experiment.table import table
from isgd_mpi.report.write import write_report
from isgd_mpi.settings import commands
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.exit_codes import DONE, FAILED

_COMPARISONS = {
    "pays": "Does importance sampling pay on your own data? (30 minutes; pays --help)",
    "peers": "Does it do better there than methods of the literature? (30 minutes; peers --help)",
}


def main(arguments=None):
    """Run the command line and return the exit code.

    Parameters
    ----------
    arguments : list of str, optional
        ``sys.argv[1:]`` if not given.

    Returns
    -------
    int
        0; 1 if a run diverged or failed; 2 if the input is at fault; 130 if interrupted.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] and arguments[0] in _COMPARISONS:
        return pays.main(arguments[1:], arguments[0])
    command = shlex.join(["python", "-m", "isgd_mpi.experiment", *arguments])
    interrupted = "the same command goes on where it was"
    return commands.run(_parser(), partial(_experiment, command=command), interrupted, arguments)


def listing():
    """Return the experiments, one in each line, with the time that they take."""
    width = max(map(len, EXPERIMENTS))
    lines = [f"  {name:<{width}}  {about.title} ({about.scales['small'].time})" for name, about in EXPERIMENTS.items()]
    lines += [f"  {name:<{width}}  {about}" for name, about in _COMPARISONS.items()]
    return "usage: python -m isgd_mpi.experiment NAME [OPTIONS]; --help lists them\n\n" + "\n".join(lines)


def _parser():
    description = "Do the runs of an experiment, keep those that are there already, and write a report on them."
    parser = commands.make_parser("isgd_mpi.experiment", description)
    parser.add_argument("name", nargs="?", choices=list(EXPERIMENTS), help="the experiment; without it they are listed")
    parser.add_argument("--list", action="store_true", help="list the experiments with the time that they take")
    parser.add_argument("--seeds", type=PositiveInt, metavar="S", help="seeds 0 to S - 1 (default: 5)")
    parser.add_argument("--ranks", type=PositiveInt, metavar="R", help="ranks of each run (default: the experiment's)")
    parser.add_argument("--data", metavar="NAME", help="another data set than the experiment's")
    parser.add_argument("--data-dir", metavar="DIR", help="folder of the original data files")
    parser.add_argument(
        "--scale", choices=SCALES, default="small", help="small: minutes on 2 cores (default); paper: as published"
    )
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder for runs and report (default: runs/NAME-SCALE)")
    parser.add_argument(
        "--timeout", type=PositiveFloat, metavar="SECONDS", help="end a run that takes longer; in SLURM, the time limit"
    )
    parser.add_argument(
        "--launcher", choices=("mpirun", "slurm"), default="mpirun",
        help="mpirun: one run after the other, here (default); slurm: as an array job, then wait for it",
    )  # fmt: skip
    parser.add_argument(
        "--sbatch-options", type=str, metavar="'OPTIONS'", help="options of sbatch, with --launcher slurm: "
        "='--account=ABC ...'",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="print the runs that are due, as command lines")
    return parser


def _experiment(settings, command):
    """Do what the command line says; return the exit code."""
    if settings.sbatch_options is not None and settings.launcher != "slurm":
        raise InputError("--sbatch-options are for --launcher slurm: give both or none")
    if settings.list or settings.name is None:
        print(listing())
        return DONE
    folder = settings.out or Path("runs") / f"{settings.name}-{settings.scale}"
    choices = (settings.data, settings.data_dir, settings.ranks, settings.seeds, settings.launcher != "mpirun")
    plan = make_plan(settings.name, EXPERIMENTS[settings.name], settings.scale, folder, *choices)
    return _print_commands(plan) if settings.dry_run else _run(plan, settings, command)


def _print_commands(plan):
    for run in runs_due(plan):
        print(command_line(run, plan.folder_of(run)))
    return DONE


def _run(plan, settings, command):
    """Do the runs and report on them; return the exit code."""
    timeout = settings.timeout or plan.experiment.scales[settings.scale].timeout_seconds
    launcher, perform_all = _launcher(settings, timeout)
    print(f"{plan.experiment.title}: {plan.experiment.question}", *plan.notes, sep="\n  ")
    problems = conduct(plan, launcher, command, perform_all)
    print(table(plan))
    for name, reason in problems.items():
        commands.complain(f"{name} failed: {reason}")
    try:
        print(f"report: {write_report([plan.folder], plan.folder / 'report')}")
    except InputError as error:
        commands.complain(f"no report: {error}")
        return FAILED
    return FAILED if problems else DONE


def _launcher(settings, timeout):
    """Return the object that starts the runs, and the function that does all runs with it."""
    if settings.launcher == "mpirun":
        return Mpirun(timeout), one_by_one
    return Slurm(options_of(settings.sbatch_options), timeout), in_queue


def interrupt_on_signals():
    """Let SIGTERM and SIGHUP interrupt this program as Ctrl-C does, so that the run in progress ends with it."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, signal.default_int_handler)


if __name__ == "__main__":
    interrupt_on_signals()
    sys.exit(main())
