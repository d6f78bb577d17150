"""Print a table of all kernels, each beside its NumPy twin and the machine's limit: ``python -m kernels.bench``.

Each row alternates blocks of calls of the kernel and of its twin, so that their ratio is fair on a
busy machine. Compilation comes before the clock starts; results are compared after it stops.
"""

import argparse
import json
import os
import sys
from importlib import import_module
from pathlib import Path

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")
_COLUMNS = "{:<24} {:>14} {:>10} {:>10} {:>6} {:>8} {:<9} {:>8} {:>6}"
_HEADINGS = ("kernel", "size", "ours [us]", "NumPy [us]", "ratio", "rate", "", "limit", "share")
_LEGEND = """us: median of a call. GB: bytes that must move. limit: the rate at which this machine, in blocks of calls
between these, only moved as many bytes, or multiplied matrices of as many rows as fast as it could.
A share above 100 % means that part of the working set stayed in a nearer cache."""


class _Parser(argparse.ArgumentParser):
    """A parser whose messages of errors are one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}\n")


def main(argv=None):
    """Measure the kernels that the command line names, and print a table.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; ``sys.argv[1:]`` if not given.

    Returns
    -------
    int
        The exit code.
    """
    parser = make_parser()
    options = parser.parse_args(argv)
    if "numpy" not in sys.modules:  # BLAS reads these variables once, when it is loaded
        os.environ.update(dict.fromkeys(_THREAD_VARIABLES, str(options.threads)))
    from isgd_mpi.kernels.bench.cases import CASES  # not before the number of threads is set

    names = [case.name for case in CASES]
    if unknown := [name for name in options.only or () if name not in names]:
        parser.error(f"--only {unknown[0]}: choose from {' '.join(names)}")
    if options.json and not os.access(options.json.parent, os.W_OK):
        parser.error(f"--json {options.json}: the folder is missing or cannot be written")
    chosen = [case for case in CASES if not options.only or case.name in options.only]
    result = measure_all(chosen, options.threads, options.repeat)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 0


def make_parser():
    """Return the parser of ``python -m kernels.bench``."""
    parser = _Parser(prog="python -m kernels.bench", description="Measure the kernels beside NumPy.")
    version = import_module("isgd_mpi").__version__  # of the package that the kernels lie in
    parser.add_argument("--version", action="version", version=f"isgd_mpi {version}", help="print the version")
    parser.add_argument("--threads", type=_positive, default=1, help="BLAS threads; kernels use one [threads; 1]")
    parser.add_argument("--repeat", type=_positive, default=9, help="blocks of calls behind each median [blocks; 9]")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="kernels to measure [all]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="file to write the results to as well")
    return parser


def _positive(text):
    """Parse a positive integer."""
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive integer")
    return int(text)


def measure_all(cases, threads, repeat):
    """Measure cases at all their sizes, and print each row at once.

    Parameters
    ----------
    cases : list of cases.Case
    threads : int
        BLAS threads, for the header.
    repeat : int
        Blocks of calls behind each median.

    Returns
    -------
    dict
        ``machine`` and ``rows``, ready for JSON.
    """
    from isgd_mpi.kernels.bench.machine import describe_machine
    from isgd_mpi.kernels.bench.timing import measure

    machine = describe_machine(threads)
    print("\n".join(f"{name:<10} {value}" for name, value in machine.items()))
    print(_LEGEND)
    print(_COLUMNS.format(*_HEADINGS), flush=True)
    rows = []
    for case in cases:
        for size in case.sizes:
            rows.append(measure(case, size, repeat))
            print(_COLUMNS.format(*_cells(rows[-1])), flush=True)
    return {"machine": machine, "rows": rows}


def _cells(row):
    """Return a row of the table as text."""
    limit, share = row["limit"], row["share_of_limit"]
    return (
        row["kernel"],
        "x".join(map(str, row["size"])),
        f"{row['us']:.1f}",
        f"{row['numpy_us']:.1f}",
        f"{row['ratio']:.2f}",
        f"{row['rate']:.2f}",
        row["unit"],
        "-" if limit is None else f"{limit:.1f}",
        "-" if share is None else f"{share:.0%}",
    )


if __name__ == "__main__":
    sys.exit(main())
