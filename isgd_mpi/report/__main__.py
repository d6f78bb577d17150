"""``python -m isgd_mpi.report RUN ...``: figures and one HTML page from the folders of runs."""

import sys
from functools import partial

from isgd_mpi.report.write import write_report
from isgd_mpi.settings.commands import exit_code, make_parser, parse
from isgd_mpi.settings.exit_codes import DONE


def _parse(arguments):
    description = "Write figures (PNG, SVG) and one self-contained HTML page from the folders of runs."
    parser = make_parser("isgd_mpi.report", description)
    parser.add_argument(
        "runs", nargs="+", metavar="RUN", help="folder of a run, or of such folders, or of one experiment"
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="folder to write; an earlier report in it is replaced "
        "[RUN/report if one folder is given, report in the working directory otherwise]",
    )
    return parse(parser, arguments)


def main(arguments=None):
    """Run the command line.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the process.

    Returns
    -------
    int
        Exit code: 0, 2 if the input is at fault, 130 if interrupted.
    """
    return exit_code(partial(_report_as_told, arguments), "nothing was written")


def _report_as_told(arguments):
    options = _parse(arguments)
    print(write_report(options.runs, options.out))
    return DONE


if __name__ == "__main__":
    sys.exit(main())
