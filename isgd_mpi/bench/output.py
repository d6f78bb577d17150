"""Options, tables and the JSON file of the benchmarks."""

import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
import threadpoolctl
from jsonargparse.typing import restricted_number_type

from isgd_mpi.data.files import write_json
from isgd_mpi.kernels.processor import this_processor
from isgd_mpi.kernels.revision import git_revision
from isgd_mpi.settings import commands
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.version import __version__

AtLeastTwo = restricted_number_type("AtLeastTwo", int, (">=", 2))


def parse(name, description, options, arguments):
    """Parse the command line of a benchmark.

    Parameters
    ----------
    name, description : str
    options : dict of str to tuple
        For each option, such as ``--ranks``: its default, its type or a list of choices, and its meaning. Where the
        default is a list, the option takes one value or more. A name without dashes is a positional argument, which
        must be given.
    arguments : list of str

    Returns
    -------
    jsonargparse.Namespace
        With ``json``, a file to write or None, besides.

    Raises
    ------
    InputError
        An argument is wrong, or the file of ``--json`` could not be written.
    """
    parser = commands.make_parser(f"isgd_mpi.bench {name}", description)
    for option, (default, kind, meaning) in options.items():
        keywords = {"choices": kind} if isinstance(kind, list) else {"type": kind}
        values = [default]
        if isinstance(default, list):
            values, keywords["nargs"] = default, "+"
        if default not in (None, []):
            meaning += f" (default: {' '.join(map(str, values))})"
        if option.startswith("--"):
            keywords["default"] = default
        parser.add_argument(option, help=meaning, **keywords)
    parser.add_argument("--json", metavar="FILE", help="file to write the results to as well")
    settings = commands.parse(parser, arguments)
    if settings.json and not Path(settings.json).absolute().parent.is_dir():
        raise InputError(f"--json {settings.json}: there is no such folder")
    return settings


def write(path, content):
    """Write results as JSON, if there is a path.

    Raises
    ------
    InputError
        The file cannot be written.
    """
    try:
        if path:
            write_json(Path(path), content)
    except OSError as error:
        raise InputError(f"--json {path} cannot be written ({error.strerror})") from None


def machine(threads, *packages):
    """Return the environment of this process, line by line.

    Parameters
    ----------
    threads : int
        BLAS threads.
    *packages : str
        Distributions whose versions matter, besides ours.

    Returns
    -------
    dict of str
    """
    blas = {f"{pool['internal_api']} {pool['version']}" for pool in threadpoolctl.threadpool_info() if pool["version"]}
    versions = [f"isgd_mpi {__version__}", *(f"{name} {version(name)}" for name in ("numpy", "numba", *packages))]
    return {
        "host": platform.node(),
        "processor": this_processor().name,
        "versions": ", ".join([*versions, *sorted(blas)]),
        "revision": git_revision() or "unknown",
        "threads": str(threads),
    }


def print_lines(header):
    """Print a dict of texts, one a line."""
    for name, text in header.items():
        print(f"{name:<10} {text}")


def print_environment(environment):
    """Print the environment of a job: MPI library, ranks, host, processor, revision."""
    hosts = ", ".join(sorted(set(environment["hosts"])))
    print(f"\n{environment['mpi_library']}, {environment['ranks']} ranks on {hosts}, {environment['processor']}")
    print(f"{', '.join(environment['blas'])}, {environment['threads_per_rank']} thread(s) a rank")
    print(f"revision {environment['git_revision'] or 'unknown'}")


def print_table(columns, rows):
    """Print rows below the names of their columns, all to the right but the first.

    Parameters
    ----------
    columns : sequence of str
        With units.
    rows : sequence of sequence of str
    """
    lines = [list(columns), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    for first, *others in lines:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:]))]
        print("  ".join(cells), flush=True)


def short(value):
    """Return a number with three digits; a dash for None and what is not finite."""
    if value is None or not np.isfinite(value):
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def quartiles(values):
    """Return the lower quartile, the median and the upper quartile.

    Each is one of the values, the upper of two that are as near, so that an infinite one (a run that never came to its
    goal) is no part of an average.
    """
    return np.quantile(values, [0.25, 0.5, 0.75], method="higher").tolist()


def spread(low, median, high):
    """Return quartiles as text."""
    return f"{short(median)} [{short(low)} – {short(high)}]"
