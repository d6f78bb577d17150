"""Do the runs of an experiment as array jobs of SLURM, and collect them as they end."""

import shlex
import time

from isgd_mpi.data.files import read_intact_json, write_json, write_text
from isgd_mpi.experiment.perform import LAUNCHES, problem_of, say, start_anew, write_options
from isgd_mpi.experiment.status import COMPLETE, DIVERGED, INCOMPLETE

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
    # a run that was due when the command began may have ended by now
    new = [run for run in runs if run.name not in queued and plan.state_of(run) not in (COMPLETE, DIVERGED)]
    if new:
        queued |= _submit(plan, new, slurm)
        write_json(plan.folder / LAUNCHES / QUEUED, queued)
    by_name = {run.name: run for run in runs}
    try:
        for name in _as_they_end(queued, slurm):
            yield by_name[name], _problem(plan, by_name[name], queued[name])
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
    return _unfinished(found, slurm)


def _submit(plan, runs, slurm):
    """Submit runs as one array job; return the job and the task of each."""
    for run in runs:
        if plan.state_of(run) == INCOMPLETE and not (plan.folder_of(run) / "checkpoint.npz").exists():
            start_anew(plan, run)
    lines = [shlex.join([run.name, "--config", str(write_options(plan, run).resolve()), "--quiet"]) for run in runs]
    path = plan.folder.resolve() / LAUNCHES / f"array-{time.time_ns()}.txt"
    write_text(path, "".join(line + "\n" for line in lines))
    job = slurm.submit(path, plan.folder.resolve(), len(runs), runs[0].ranks)
    say(f"submitted {len(runs)} runs as job {job}")
    return {run.name: (job, task) for task, run in enumerate(runs)}


def _as_they_end(waiting, slurm):
    """Yield the names of runs as they leave the queue."""
    while waiting:
        time.sleep(_POLL_SECONDS)
        left = _unfinished(waiting, slurm)
        yield from [name for name in waiting if name not in left]
        waiting = left


def _unfinished(places, slurm):
    """Return those of some places in the queue whose tasks wait or run, by name, as soon as SLURM answers."""
    tasks = {}
    for job in {job for job, _ in places.values()}:
        while (left := slurm.unfinished(job)) is None:
            time.sleep(_POLL_SECONDS)
        tasks[job] = left
    return {name: (job, task) for name, (job, task) in places.items() if task in tasks[job]}


def _problem(plan, run, place):
    """Return why a run that has left the queue failed, or None."""
    log = plan.folder / LAUNCHES / "{}_{}.log".format(*place)
    problem = None if plan.state_of(run) == COMPLETE else problem_of(plan.folder_of(run), log, "unknown")
    say(f"{run.name}: {problem or 'complete'}")
    return problem
