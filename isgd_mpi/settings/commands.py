"""What the commands beside training have in common: a parser, and what becomes of an error."""

import sys
from argparse import ArgumentError, HelpFormatter

from jsonargparse import ArgumentParser

from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.exit_codes import BAD_INPUT, DONE, INTERRUPTED


def make_parser(name, description):
    """Return the parser of a command, for :func:`parse`.

    Parameters
    ----------
    name : str
        Behind ``python -m``.
    description : str
    """
    return ArgumentParser(
        prog=f"python -m {name}",
        description=description,
        exit_on_error=False,
        allow_abbrev=False,
        formatter_class=HelpFormatter,
    )


def parse(parser, arguments):
    """Parse arguments.

    Parameters
    ----------
    parser : jsonargparse.ArgumentParser
    arguments : list of str or None
        Those of the process if None.

    Returns
    -------
    jsonargparse.Namespace

    Raises
    ------
    InputError
        They are wrong: one line.
    """
    try:
        return parser.parse_args(arguments)
    except ArgumentError as error:
        raise InputError(f"{' '.join(str(error).split())}; see --help") from None


def run(parser, do, interrupted, arguments=None):
    """Parse a command's arguments, do what they say, and return the exit code.

    Parameters
    ----------
    parser : jsonargparse.ArgumentParser
        See :func:`make_parser`.
    do : callable
        Takes the parsed arguments; returns an exit code, or None if it is 0. May raise InputError.
    interrupted : str
        Printed after Ctrl-C.
    arguments : list of str, optional
        ``sys.argv[1:]`` if not given.

    Returns
    -------
    int
        See :func:`exit_code`.
    """
    return exit_code(lambda: do(parse(parser, arguments)) or DONE, interrupted)


def exit_code(command, interrupted):
    """Run a command; say in one line on stderr why it came to no end.

    Parameters
    ----------
    command : callable
        Returns an exit code; may raise InputError.
    interrupted : str
        What to say after Ctrl-C.

    Returns
    -------
    int
        That of the command; 2 if the input is at fault, 130 if interrupted.
    """
    try:
        return command()
    except InputError as error:
        complain(error)
        return BAD_INPUT
    except KeyboardInterrupt:
        complain(f"interrupted; {interrupted}")
        return INTERRUPTED


def complain(problem):
    """Print a line on stderr."""
    print(f"isgd_mpi: {problem}", file=sys.stderr)
