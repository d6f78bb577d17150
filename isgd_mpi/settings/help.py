"""The texts of ``--help``, ``--help-all`` and ``--version``, and their common look."""

import argparse
import shutil
import textwrap
from argparse import Action, HelpFormatter
from dataclasses import fields
from typing import Literal, get_args, get_origin

from isgd_mpi.settings.config import Config, option
from isgd_mpi.settings.ranges import default_of
from isgd_mpi.settings.subjects import FIRST, PLACEHOLDERS, SUBJECTS
from isgd_mpi.settings.version import __version__

USAGE = "mpirun -n RANKS python -m isgd_mpi [OPTIONS]"
_COLUMNS = 100
_BEGIN = """\
Train a neural net on RANKS processes. Some train it; the others search the training set for the
examples with the largest gradient, which are then drawn more often (importance sampling).

What to type first:
  mpirun -n 4 python -m isgd_mpi                                    # handwritten digits, bundled
  mpirun -n 4 python -m isgd_mpi --data FILE.csv --target COLUMN    # a table of yours
"""
_END = """\
After a run:
  python -m isgd_mpi.report RUN                             # figures, and a page to read
  python -m isgd_mpi.predict RUN --data FILE                # predict the rows of another file
  python -m isgd_mpi.experiment pays --quick --data FILE    # forecast: can sampling pay here?
Each of these commands has a --help, as have isgd_mpi.export (ONNX, CSV), isgd_mpi.fetch (download
data), isgd_mpi.experiment (compare with plain SGD) and isgd_mpi.bench (time this machine).
"""


class Formatter(HelpFormatter):
    """Formats the help of every command: as wide as the terminal, at most 100 columns; own line breaks are kept."""

    def __init__(self, prog, **options):
        columns = shutil.get_terminal_size((_COLUMNS, 24)).columns
        super().__init__(prog, **{"max_help_position": 26, "width": min(columns, _COLUMNS) - 1} | options)

    def _fill_text(self, text, width, indent):
        return text if "\n" in text else super()._fill_text(text, width, indent)

    def _split_lines(self, text, width):
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)


class Print(Action):
    """Prints a text and ends the program.

    Parameters
    ----------
    text : callable
        Takes the parser, returns the text.
    """

    def __init__(self, option_strings, text, **options):
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, default=argparse.SUPPRESS, help=options["help"])
        self._text = text

    def __call__(self, parser, *_):
        """Print the text and end the program."""
        print(self._text(parser), end="")
        parser.exit()


def add_version(parser):
    """Add ``--version`` to the parser of a command."""
    parser.add_argument("--version", action=Print, text=version_text, help="print the version")


def version_text(*_):
    """Return the text of ``--version``."""
    return f"isgd_mpi {__version__}\n"


def short_help():
    """Return the text of ``--help``: what to type first, and the options that one needs first, by subject."""
    parser = argparse.ArgumentParser(
        add_help=False, usage=USAGE, description=_BEGIN, epilog=_END, formatter_class=Formatter
    )
    types = {item.name: item.type for item in fields(Config)}
    for subject, names in SUBJECTS.items():
        group = parser.add_argument_group(subject)
        for name in (name for name in names if name in FIRST):
            group.add_argument(option(name), help=FIRST[name], metavar=placeholder(name, types[name]))
    group = parser.add_argument_group("Help")
    group.add_argument("--help-all", action="store_true", help=f"all {len(types)} options, by subject")
    group.add_argument("--version", action="store_true", help="print the version")
    return parser.format_help()


def placeholder(name, annotation):
    """Return what stands for the value of an option in its help, such as N; None for one of several words."""
    if name in PLACEHOLDERS:
        return PLACEHOLDERS[name]
    kinds = get_args(annotation) if get_origin(annotation) is not Literal else ()
    words = [word for kind in kinds if get_origin(kind) is Literal for word in get_args(kind)]
    numbers = {int: "N", float: "X"}
    return "|".join([*words, *(numbers[kind] for kind in (*kinds, annotation) if kind in numbers)]) or None


def full_meaning(item):
    """Return the meaning of a field of Config with its default, unless that is None: then the meaning tells."""
    default = default_of(item)
    values = default if isinstance(default, list) else [default]
    text = " ".join(_word(value) for value in values)
    return item.metadata["help"] + ("" if default is None else f" (default: {text})")


def _word(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
