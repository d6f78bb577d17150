"""Write a report on some runs: ``python -m isgd_mpi.report RUN ...``."""

import sys

from isgd_mpi.report.pays.write import is_pays, write_pays_report
from isgd_mpi.report.write import write_report
from isgd_mpi.settings.commands import make_parser, run


def main(arguments=None):
    """Run the command line and return the exit code: 0, 2 if the input is at fault, 130 if interrupted.

    Parameters
    ----------
    arguments : list of str, optional
        ``sys.argv[1:]`` if not given.
    """
    return run(_parser(), _report, "nothing was written", arguments)


def _parser():
    parser = make_parser(
        "isgd_mpi.report", "Write figures (PNG, SVG) and one self-contained HTML page from the folders of runs."
    )
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="folder of a run, or of such folders, or of one experiment",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="folder to write; an earlier report in it is replaced "
        "[RUN/report if one folder is given, report in the working directory otherwise]",
    )
    return parser


def _report(options):
    if len(options.runs) == 1 and is_pays(options.runs[0]):
        print(write_pays_report(options.runs[0], options.out))
    else:
        print(write_report(options.runs, options.out))


if __name__ == "__main__":
    sys.exit(main())
