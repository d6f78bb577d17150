"""The trainer's command line: one option for each field of Config, and a TOML file beneath them."""

import argparse
import re
import sys
from dataclasses import asdict, fields, replace
from pathlib import Path
from types import NoneType
from typing import Literal, get_args, get_origin

from jsonargparse import ActionConfigFile, ActionYesNo, ArgumentParser, Namespace

from isgd_mpi.settings.config import LIMITS, Config, option
from isgd_mpi.settings.errors import InputError

_TYPE_ERROR = re.compile(
    r"Parser key \"(\w+)\"(?: element \d+)?:\s*Expected an? <class '(\w+)'>\. Got value: (.*)", re.S
)
_UNION_ERROR = re.compile(r"Parser key \"(\w+)\":\s*Does not validate.*Subtypes: (.*?)\n.*Given value: (.*)", re.S)
_UNKNOWN_KEY = re.compile(r"Option '([^']+)' is not accepted")


def make_parser():
    """Return the parser of ``python -m isgd_mpi``."""
    parser = ArgumentParser(
        prog="python -m isgd_mpi",
        usage="mpirun -n RANKS %(prog)s [OPTIONS]",
        description="Train an MLP by distributed importance sampling: the first ranks train, the others score.",
        parser_mode="toml",
        exit_on_error=False,
        allow_abbrev=False,
    )
    parser.add_argument("--config", action=ActionConfigFile, help="TOML file of these options; the command line wins")
    defaults = asdict(Config())
    for item in fields(Config):
        parser.add_argument(
            option(item.name), default=defaults[item.name], help=item.metadata["help"], **_parsing(item.type)
        )
    return parser


def _parsing(annotation):
    """Return how to parse values of an annotated type: by a type, a list of it, or choices."""
    if get_origin(annotation) is Literal:
        return {"choices": get_args(annotation)}
    if get_origin(annotation) is list:
        return {"type": get_args(annotation)[0], "nargs": "*"}
    if annotation is bool:
        return {"action": ActionYesNo(no_prefix="no-"), "nargs": "?"}
    if get_args(annotation)[1:] == (NoneType,):
        return {"type": get_args(annotation)[0]}
    return {"type": annotation}


def parse(argv=None):
    """Parse the command line, and the files that it names.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; ``sys.argv[1:]`` if not given.

    Returns
    -------
    config : Config

    Raises
    ------
    InputError
        If anything about them is wrong.
    SystemExit
        After ``--help`` or ``--print_config``, which print and end.
    """
    config_files, argv = _split_config_files(sys.argv[1:] if argv is None else argv)
    config_files = _of_the_run_resumed(argv) + config_files
    for path in config_files:
        _check_readable(path)
    try:
        # files first, wherever they were named: the command line wins
        settings = make_parser().parse_args([f"--config={path}" for path in config_files] + argv)
    except (argparse.ArgumentError, OSError) as error:
        raise InputError(_one_line(str(error), config_files)) from None
    del settings.config
    return Config(**vars(settings) | _overruled_limits(argv))


def _overruled_limits(argv):
    """Return the limits to forget, as None: those of a file, where the command line gives another."""
    given = {name for name in LIMITS if any(re.match(f"--{name}(=|$)", word) for word in argv)}
    return dict.fromkeys(set(LIMITS) - given) if given else {}


def _split_config_files(argv):
    """Return the files named by --config, and the other arguments."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--config", action="append", default=[])
    try:
        known, others = parser.parse_known_args(argv)
    except argparse.ArgumentError as error:
        raise InputError(f"{error}; see --help") from None
    return known.config, others


def _of_the_run_resumed(argv):
    """Return the file with the options of the run that --resume names: they hold where no others are given."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--resume")
    try:
        folder = parser.parse_known_args(argv)[0].resume
    except argparse.ArgumentError as error:
        raise InputError(f"{error}; see --help") from None
    if folder is None:
        return []
    path = Path(folder) / "config.toml"
    if not path.exists():
        raise InputError(f"--resume {folder}: there is no run with a config.toml")
    return [str(path)]


def _check_readable(path):
    """Refuse what is no readable text file: the parser would take its name for TOML."""
    try:
        Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"--config {path} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"--config {path} is not a text file") from None


def to_toml(config, unused=()):
    """Return the options as the text of a TOML file that repeats the run, into a folder of its own.

    Parameters
    ----------
    config : Config
    unused : sequence of str
        Options that said nothing of this run, to be left out.
    """
    # what is None has no TOML and is left out: the default stands for it
    settings = asdict(replace(config.with_limit(), run_dir=None, resume=None))
    used = {name: value for name, value in settings.items() if name not in unused}
    return make_parser().dump(Namespace(config=None, **used))


def _one_line(message, config_files):
    """Say the parser's message in one line, in the words of the command line."""
    if match := _TYPE_ERROR.match(message):
        name, kind, value = match.groups()
        return f"{option(name)}: {value!r} is not of type {kind}; see --help"
    if match := _UNION_ERROR.match(message):
        name, kinds, value = match.groups()
        words = re.findall(r"Literal\['(\w+)'\]|<class '(\w+)'>", kinds)
        return f"{option(name)}: {value!r} is neither {' nor '.join(map(''.join, words))}; see --help"
    if match := _UNKNOWN_KEY.match(message):
        return f"unknown option {match[1]!r} in {' '.join(config_files)}; see --help"
    if "not iterable" in message or 'key "hidden"' in message:
        return f"{' '.join(config_files)}: hidden must be a list, such as [512, 512]"
    if "config" in message.partition(":")[0]:
        return f"{' '.join(config_files)} is not valid TOML: {' '.join(message.partition(':')[2].split())}"
    return " ".join(message.split()).replace("_boolean_type", "bool") + "; see --help"
