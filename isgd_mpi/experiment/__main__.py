"""``python -m isgd_mpi.experiment NAME``: the runs of one of the papers' experiments, and the report."""

import shlex
import signal
import sys
from functools import partial
from pathlib import Path

from jsonargparse.typing import PositiveFloat, PositiveInt

from isgd_mpi.experiment.catalogue import EXPERIMENTS
from isgd_mpi.experiment.conduct import conduct, survey
from isgd_mpi.experiment.description import SCALES
from isgd_mpi.experiment.launcher import Mpirun, command_line
from isgd_mpi.experiment.perform import one_by_one
from isgd_mpi.experiment.plan import make_plan
from isgd_mpi.experiment.queue import in_queue
from isgd_mpi.experiment.slurm import Slurm
from isgd_mpi.experiment.status import ABSENT, INCOMPLETE
from isgd_mpi.experiment.table import table
from isgd_mpi.settings.commands import complain, exit_code, make_parser, parse
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.exit_codes import DONE, FAILED


def main(arguments=None):
    """Run the command line.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the process.

    Returns
    -------
    int
        Exit code: 0; 1 if a run diverged or failed; 2 if the input is at fault; 130 if interrupted.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    return exit_code(partial(_do_as_told, arguments), "the same command goes on where it was")


def _do_as_told(arguments):
    settings = _parse(arguments)
    if settings.list or settings.name is None:
        print(listing())
        return DONE
    plan = _plan(settings)
    if settings.dry_run:
        return _show_commands(plan)
    return _run(plan, settings, shlex.join(["python", "-m", "isgd_mpi.experiment", *arguments]))


def listing():
    """Return the experiments, a line each, with the time that they take."""
    width = max(map(len, EXPERIMENTS))
    lines = [f"  {name:<{width}}  {about.title} ({about.scales['small'].time})" for name, about in EXPERIMENTS.items()]
    return "usage: python -m isgd_mpi.experiment NAME [OPTIONS]; --help lists them\n\n" + "\n".join(lines)


def _parse(arguments):
    description = "Do the runs of an experiment, keep those that are there already, and write a report on them."
    parser = make_parser("isgd_mpi.experiment", description)
    parser.add_argument("name", nargs="?", choices=list(EXPERIMENTS), help="which one; without a name they are listed")
    parser.add_argument("--list", action="store_true", help="list the experiments with the time that they take")
    parser.add_argument("--seeds", type=PositiveInt, metavar="S", help="seeds 0 to S - 1 (default: 5)")
    parser.add_argument("--ranks", type=PositiveInt, metavar="R", help="ranks of each run (default: the experiment's)")
    parser.add_argument("--data", metavar="NAME", help="another data set than the experiment's")
    parser.add_argument("--data-dir", metavar="DIR", help="folder of the original data files")
    parser.add_argument(
        "--scale", choices=SCALES, default="small", help="small: minutes on 2 cores (default); paper: as published"
    )
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder for it all (default: runs/NAME-SCALE)")
    parser.add_argument(
        "--timeout", type=PositiveFloat, metavar="SECONDS", help="end a run that takes longer; the time limit in SLURM"
    )
    parser.add_argument(
        "--launcher", choices=("mpirun", "slurm"), default="mpirun",
        help="mpirun: one run after the other, here (default); slurm: as an array job, then wait for it",
    )  # fmt: skip
    parser.add_argument(
        "--sbatch-options", type=str, metavar="'OPTIONS'", help="of sbatch, for --launcher slurm: ='--account=ABC ...'"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the runs that are due, as command lines")
    settings = parse(parser, arguments)
    if settings.sbatch_options is not None and settings.launcher != "slurm":
        raise InputError("--sbatch-options are for --launcher slurm: give both or none")
    return settings


def _plan(settings):
    """Return the plan that the command line asks for."""
    folder = settings.out or Path("runs") / f"{settings.name}-{settings.scale}"
    choices = (settings.data, settings.data_dir, settings.ranks, settings.seeds, settings.launcher != "mpirun")
    return make_plan(settings.name, EXPERIMENTS[settings.name], settings.scale, folder, *choices)


def _show_commands(plan):
    states = survey(plan)
    for run in plan.runs:
        if states[run.name] in (ABSENT, INCOMPLETE):
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
        complain(f"{name} failed: {reason}")
    try:
        print(f"report: {_report(plan.folder)}")
    except InputError as error:
        problems["the report"] = str(error)
        complain(f"no report: {error}")
    return FAILED if problems else DONE


def _launcher(settings, timeout):
    """Return what starts the runs, and what goes through them with it."""
    if settings.launcher == "mpirun":
        return Mpirun(timeout), one_by_one
    try:
        options = shlex.split(settings.sbatch_options or "")
    except ValueError as error:
        raise InputError(f"--sbatch-options {settings.sbatch_options}: {error}") from None
    return Slurm(options, timeout), in_queue


def _report(folder):
    """Write the report into the experiment's folder and return its page."""
    from isgd_mpi.report.write import write_report  # needs matplotlib, which the runs do not

    return write_report([folder], folder / "report")


def heed_signals():
    """Let signals that end a job or a session interrupt as Ctrl-C does: the run in progress ends with it."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            signal.signal(number, signal.default_int_handler)


if __name__ == "__main__":
    heed_signals()
    sys.exit(main())
