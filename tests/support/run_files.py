"""The files of a run, on every rank."""

from launch import Run


def read(folder, comm):
    """Lines of the metrics, summary and parameters of a run, which rank 0 reads for all."""
    run = comm.bcast(None if comm.rank else Run(folder), root=0)
    return run.lines, run.summary, run.params


def messages(lines):
    """Return the events among the lines of the metrics."""
    return [line["message"] for line in lines if line["kind"] == "event"]
