"""What the benches have in common: parsing, tables, and the file in JSON."""

import json
from pathlib import Path

from isgd_mpi.data.files import write_json
from isgd_mpi.settings import commands
from isgd_mpi.settings.errors import InputError


def parser(name, description):
    """Return a parser of a bench's options, with --json.

    Parameters
    ----------
    name, description : str
    """
    options = commands.make_parser(f"isgd_mpi.bench {name}", description)
    options.add_argument("--json", metavar="FILE", help="also write the table there")
    return options


def parse(options, arguments):
    """Parse arguments.

    Raises
    ------
    InputError
        They are wrong, or the file of --json could not be written.
    """
    settings = commands.parse(options, arguments)
    if settings.json and not Path(settings.json).absolute().parent.is_dir():
        raise InputError(f"--json {settings.json}: there is no such folder")
    return settings


def write(path, content):
    """Write a bench's results as JSON, if there is a path.

    Raises
    ------
    InputError
        That is impossible.
    """
    try:
        if path:
            write_json(Path(path), json.loads(json.dumps(content)))
    except OSError as error:
        raise InputError(f"--json {path} cannot be written ({error.strerror})") from None


def print_environment(environment):
    """Print what was measured on: MPI library, ranks, host, processor, revision."""
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
    for line in lines:
        first, *others = (cell.rjust(width) for cell, width in zip(line, widths))
        print("  ".join([line[0].ljust(widths[0]), *others]), flush=True)


def short(value):
    """Return a number with three digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
