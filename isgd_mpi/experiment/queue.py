"""Do the runs of an experiment as array jobs of SLURM, and collect them as they end."""

import shlex
import time

from isgd_mpi.data.files import read_intact_json, write_atomically, write_json
from isgd_mpi.experiment.perform import LAUNCHES, problem_of, say, start_anew, write_options
from isgd_mpi.experiment.status import COMPLETE, DIVERGED, INCOMPLETE, state_of

QUEUED = "queued.json"
"""Name of the file, in the folder `LAUNCHES`, with job and task of each run that was submitted."""

_POLL_SECONDS = 5.0


def in_queue(plan, runs, slurm):
    """Submit the runs that are not in the queue yet, and wait until all have ended.

    Parameters
    ----------
    plan : plan.Plan
    runs : list of plan.Run
        The runs that are due.
    slurm : slurm.Slurm

    Yields
    ------
    run : plan.Run
        After its end.
    problem : str or None
        Why it failed.
    """
    queued = _earlier(plan, runs, slurm)
    new = [run for run in runs if run.name not in queued and not _has_result(plan, run)]
    if new:
        queued |= _submit(plan, new, slurm)
        write_json(plan.folder / LAUNCHES / QUEUED, queued)
    try:
        for run in _as_they_end({run.name: run for run in runs if run.name in queued}, queued, slurm):
            yield run, _problem(plan, run, queued[run.name])
    except KeyboardInterrupt:
        jobs = " ".join(sorted({job for job, _ in queued.values()}))
        say(f"the jobs go on, and the same command collects them; to end them: scancel {jobs}")
        raise


def _earlier(plan, runs, slurm):
    """Return job and task of each run that an earlier command submitted and that has not ended."""
    written = read_intact_json(plan.folder / LAUNCHES / QUEUED) or {}
    places = {run.name: written[run.name] for run in runs if run.name in written}
    try:
        found = {name: (str(job), int(task)) for name, (job, task) in places.items()}
    except (ValueError, TypeError):
        return {}
    unfinished = {job: _ask(slurm, job) for job, _ in found.values()}
    return {name: (job, task) for name, (job, task) in found.items() if task in unfinished[job]}


def _has_result(plan, run):
    """Return whether a run has ended by now, though it was due when the command began."""
    return state_of(plan.folder_of(run), run) in (COMPLETE, DIVERGED)


def _submit(plan, runs, slurm):
    """Submit runs as one array job; return the job and the task of each."""
    for run in runs:
        folder = plan.folder_of(run)
        if state_of(folder, run) == INCOMPLETE and not (folder / "checkpoint.npz").exists():
            start_anew(run, folder)
    lines = [shlex.join([run.name, "--config", str(write_options(plan, run).resolve()), "--quiet"]) for run in runs]
    path = plan.folder.resolve() / LAUNCHES / f"array-{time.time_ns()}.txt"
    write_atomically(path, lambda file: file.write("".join(line + "\n" for line in lines).encode()))
    job = slurm.submit(path, plan.folder.resolve(), len(runs), runs[0].ranks)
    say(f"submitted {len(runs)} runs as job {job}")
    return {run.name: (job, task) for task, run in enumerate(runs)}


def _as_they_end(runs, queued, slurm):
    """Yield runs as they leave the queue."""
    waiting = {name: queued[name] for name in runs}
    while waiting:
        time.sleep(_POLL_SECONDS)
        unfinished = {job: _ask(slurm, job) for job in {job for job, _ in waiting.values()}}
        for name in [name for name, (job, task) in waiting.items() if task not in unfinished[job]]:
            del waiting[name]
            yield runs[name]


def _ask(slurm, job):
    """Return the unfinished tasks of a job, as soon as SLURM answers."""
    while (tasks := slurm.unfinished(job)) is None:
        time.sleep(_POLL_SECONDS)
    return tasks


def _problem(plan, run, place):
    """Return why a run that has left the queue failed, or None."""
    folder = plan.folder_of(run)
    log = plan.folder / LAUNCHES / "{}_{}.log".format(*place)
    problem = None if state_of(folder, run) == COMPLETE else problem_of(folder, log, "unknown")
    say(f"{run.name}: {problem or 'complete'}")
    return problem
