"""The frame of all commands but training: a parser, errors as one line on stderr, an exit code."""

import os
import re
import sys
from argparse import ArgumentError

from jsonargparse import ArgumentParser

from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.exit_codes import BAD_INPUT, DONE, FAILED, INTERRUPTED
from isgd_mpi.settings.help import Formatter, add_version
from isgd_mpi.settings.nearest import suggestion

_MISSING = re.compile(r"the following arguments are required: (.*)")
_UNRECOGNISED = re.compile(r"unrecognized arguments: (--[\w-]+)")


def make_parser(name, description):
    """Return the parser of ``python -m NAME``, for :func:`parse`."""
    parser = ArgumentParser(
        prog=f"python -m {name}",
        description=description,
        exit_on_error=False,
        allow_abbrev=False,
        formatter_class=Formatter,
    )
    add_version(parser)
    return parser


def parse(parser, arguments):
    """Parse arguments; None stands for ``sys.argv[1:]``.

    Raises
    ------
    InputError
        An argument is wrong: one line.
    """
    try:
        return parser.parse_args(arguments)
    except ArgumentError as error:
        raise InputError(_in_words(parser, " ".join(str(error).split()))) from None


def _in_words(parser, message):
    """Return the parser's message with what could be typed instead."""
    if match := _MISSING.search(message):
        names = match[1].split(", ")
        return f"missing: {', '.join(_as_typed(one) for one in parser._actions if one.dest in names)}; see --help"
    if match := _UNRECOGNISED.search(message):
        meant = suggestion(match[1], [name for one in parser._actions for name in one.option_strings])
        return f"unknown option {match[1]}{meant or '; see --help'}"
    return f"{message}; see --help"


def _as_typed(argument):
    """Return an argument of a parser as it is typed, such as ``--format onnx|csv``."""
    value = "|".join(argument.choices or ()) or argument.metavar or argument.dest.upper()
    return " ".join([*argument.option_strings, value])


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
    """Run a command and return its exit code; print one line on stderr if it fails.

    Parameters
    ----------
    command : callable
        Returns an exit code; may raise InputError.
    interrupted : str
        Printed after Ctrl-C.

    Returns
    -------
    int
        The command's exit code; `BAD_INPUT` or `INTERRUPTED` if it did not come to an end, `DONE` if nobody reads its
        output any more.
    """
    try:
        code = command()
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever reads has read enough, as head
        discard_output()
        return DONE
    except InputError as error:
        complain(error)
        return BAD_INPUT
    except OSError as error:  # a disk that is full, a folder that is gone
        if error.filename is None:
            raise
        complain(f"{error.filename}: {error.strerror}")
        return FAILED
    except KeyboardInterrupt:
        complain(f"interrupted; {interrupted}")
        return INTERRUPTED


def discard_output():
    """Send what is still to be printed, such as what is left in a buffer after an error, nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(problem):
    """Print a line on stderr."""
    print(f"isgd_mpi: {problem}", file=sys.stderr)
