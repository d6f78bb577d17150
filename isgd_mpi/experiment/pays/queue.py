"""Do the runs as an array job of SLURM, a task for each method, and join what they leave."""

import time
from dataclasses import asdict, replace
from pathlib import Path

from isgd_mpi.data.files import read_intact_json, write_json, write_text
from isgd_mpi.experiment.pays.ledger import begin_ledger
from isgd_mpi.experiment.pays.plan import FILE
from isgd_mpi.experiment.perform import LAUNCHES, say
from isgd_mpi.settings.errors import InputError

SCRIPT = "pays.sbatch"
PARTS = "parts"
_QUEUED = "queued.json"
_POLL_SECONDS = 5.0
_LONGEST, _BESIDE_SECONDS = 1.5, 600.0  # of a task's time, and its start: the time limit


def limit_seconds(plan):
    """Return the time limit of a task."""
    return _LONGEST * 60 * plan.minutes / plan.n_methods + _BESIDE_SECONDS


def run_in_queue(plan, slurm):
    """Submit the methods that are not complete, wait for them, and write pays.json.

    Parameters
    ----------
    plan : plan.Plan
    slurm : isgd_mpi.experiment.slurm.Slurm

    Raises
    ------
    InputError
        A method was not done.
    """
    queued_path = Path(plan.folder) / LAUNCHES / _QUEUED
    job = (read_intact_json(queued_path) or {}).get("job")
    due = [part for part in parts_of(plan) if not _is_complete(part)]
    if due and (job is None or not _unfinished(slurm, job)):
        job = _submit(plan, due, slurm)
        write_json(queued_path, {"job": job})
    try:
        while due and _unfinished(slurm, job):
            time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        say(f"the job goes on, and the same command collects it; to end it: scancel {job}")
        raise
    join(plan)


def parts_of(plan):
    """Return the plan of each method, in a folder of its own."""
    folder = Path(plan.folder) / PARTS
    return [replace(plan, methods=[name], folder=str(folder / name)) for name in plan.methods]


def _submit(plan, parts, slurm):
    """Submit some parts; return the id of the job."""
    folder = Path(plan.folder) / LAUNCHES
    paths = []
    for part in parts:
        Path(part.folder).mkdir(parents=True, exist_ok=True)
        ledger, path = (folder / f"{part.methods[0]}-{name}.json" for name in ("runs", "plan"))
        begin_ledger(ledger, part.identity)
        content = {"plan": asdict(part), "ledger": str(ledger), "begun": None, "agreed": str(folder / "timing.json")}
        write_json(path, content)
        paths.append(path)
    lines = folder / f"array-{time.time_ns()}.txt"
    write_text(lines, "".join(f"{path}\n" for path in paths))
    job = slurm.submit(lines, Path(plan.folder), len(parts), plan.ranks)
    say(f"submitted {len(parts)} methods as job {job}")
    return job


def _unfinished(slurm, job):
    """Return the tasks of a job that wait or run, as soon as SLURM answers."""
    while (left := slurm.unfinished(job)) is None:
        time.sleep(_POLL_SECONDS)
    return left


def _read(part):
    return read_intact_json(Path(part.folder) / FILE)


def _is_complete(part):
    return (_read(part) or {}).get("complete", False)


def join(plan):
    """Write the parts of all methods into one pays.json.

    Raises
    ------
    InputError
        A part is missing or incomplete: names the method, and the folder of the logs.
    """
    parts = parts_of(plan)
    there = [content for part in parts if (content := _read(part))]
    if there:
        record = there[0] | {"methods": [method for content in there for method in content["methods"]]}
        record |= {"notes": _notes(plan, there), "complete": all(map(_is_complete, parts))}
        write_json(Path(plan.folder) / FILE, record)
    if missing := [part.methods[0] for part in parts if not _is_complete(part)]:
        raise InputError(
            f"not complete: {', '.join(missing)}: see the logs in {Path(plan.folder) / LAUNCHES}; the same command "
            "goes on where it was"
        )


def _notes(plan, there):
    """Return the notes of all parts, and one if they ran on different processors."""
    notes = list(dict.fromkeys(note for content in there for note in content["notes"]))
    processors = {(content["environment"] or {}).get("processor") for content in there}
    if len(processors) > 1:
        notes.append(f"processors differ: {', '.join(sorted(map(str, processors)))}; times say little then")
    return notes
