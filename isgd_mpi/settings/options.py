"""The command line of ``python -m isgd_mpi``: an option for each field of Config, and TOML files of these options.

The command line wins over files, and a file that is named later over one that is named earlier. With ``--resume`` the
file that the run has left behind comes first.
"""

import argparse
import os
import re
import stat
import sys
from dataclasses import fields, replace
from pathlib import Path
from types import NoneType
from typing import Literal, get_args, get_origin

from jsonargparse import ActionConfigFile, ActionYesNo, ArgumentParser, Namespace

from isgd_mpi.settings.config import LIMITS, Config, option
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.given import repeating_options
from isgd_mpi.settings.help import USAGE, Formatter, Print, add_version, full_meaning, placeholder, short_help
from isgd_mpi.settings.nearest import suggestion
from isgd_mpi.settings.ranges import default_of
from isgd_mpi.settings.subjects import SUBJECTS

_TYPE_ERROR = re.compile(
    r"Parser key \"(\w+)\"(?: element \d+)?:\s*Expected an? <class '(\w+)'>\. Got value: (.*)", re.S
)
_UNION_ERROR = re.compile(r"Parser key \"(\w+)\":\s*Does not validate.*Subtypes: (.*?)\n.*Given value: (.*)", re.S)
_UNRECOGNISED = re.compile(r"unrecognized arguments: (--[\w-]+)")
_UNKNOWN_KEY = re.compile(r"Option '([^']+)' is not accepted")


def make_parser():
    """Return the parser of ``python -m isgd_mpi``, with its options by subject."""
    parser = ArgumentParser(
        prog="python -m isgd_mpi",
        usage=USAGE,
        description="Every option, by subject; --help has those that one needs first.",
        parser_mode="toml",
        exit_on_error=False,
        allow_abbrev=False,
        add_help=False,
        formatter_class=Formatter,
    )
    _add_commands(parser)
    groups = {name: group for subject, names in SUBJECTS.items() for group in [parser.add_argument_group(subject)]
              for name in names}  # fmt: skip
    for item in fields(Config):
        groups.get(item.name, parser).add_argument(
            option(item.name), default=default_of(item), help=full_meaning(item), **_parsing(item)
        )
    return parser


def _add_commands(parser):
    """Add the options that are no settings of a run."""
    for names, text, meaning in (
        (("-h", "--help"), lambda _: short_help(), "print the options that one needs first"),
        (("--help-all",), ArgumentParser.format_help, "print every option"),
    ):
        parser.add_argument(*names, action=Print, text=text, help=meaning)
    add_version(parser)
    meaning = "TOML file of these options; the command line wins"
    parser.add_argument("--config", metavar="FILE", action=ActionConfigFile, help=meaning)


def _parsing(item):
    """Return the arguments of `add_argument` that let it parse values of a field."""
    annotation, shown = item.type, {"metavar": placeholder(item.name, item.type)}
    if get_origin(annotation) is Literal:
        return {"choices": get_args(annotation)}
    if annotation is bool:
        return {"action": ActionYesNo(no_prefix="no-"), "nargs": "?"}
    if get_origin(annotation) is list:
        return {"type": get_args(annotation)[0], "nargs": "*"} | shown
    if get_args(annotation)[1:] == (NoneType,):
        return {"type": get_args(annotation)[0]} | shown
    return {"type": annotation} | shown


def parse(argv=None, others=()):
    """Parse the command line, and the files that it names.

    Parameters
    ----------
    argv : list of str, optional
        Arguments; ``sys.argv[1:]`` if not given.
    others : sequence of str
        Further options of the command, which may have been meant by one that is not known.

    Returns
    -------
    Config

    Raises
    ------
    InputError
        An option, a value or a file is wrong.
    SystemExit
        After ``--help``, ``--version`` or ``--print_config``, which print and end.
    """
    config_files, argv = _split_files(_split_widths(sys.argv[1:] if argv is None else argv))
    for path in config_files:
        _check_readable(path)
    try:
        # files first, wherever they were named: the command line wins
        settings = make_parser().parse_args([f"--config={path}" for path in config_files] + argv)
    except (argparse.ArgumentError, OSError) as error:
        raise InputError(_located(_one_line(str(error), config_files, others), config_files, argv)) from None
    del settings.config
    return _with_whole_paths(Config(**vars(settings) | _overruled_limits(argv)))


def _located(message, config_files, argv):
    """Return a message that names the files of options, if the fault is not on the command line."""
    if not config_files or any(path in message for path in config_files):
        return message
    try:
        make_parser().parse_args(argv)
    except (argparse.ArgumentError, OSError):
        return message
    return f"{' '.join(config_files)}: {message}"


def _with_whole_paths(config):
    """Return the settings with the absolute paths of data, so that the run can be resumed from another folder."""
    whole = {name: getattr(config, name) for name in ("data_dir", "test", "valid")}
    whole = {name: path for name, path in whole.items() if isinstance(path, str)}
    whole |= {"data": config.data} if "." in config.data else {}
    whole |= {"reference_model": config.reference_model} if config.reference_model else {}
    named = {"init": (config.init, "he"), "class_weight": (config.class_weight, "balanced")}
    whole |= {name: path for name, (path, word) in named.items() if isinstance(path, str) and path != word}
    return replace(config, **{name: os.path.abspath(os.path.expanduser(path)) for name, path in whole.items()})


def _split_widths(argv):
    """Return the arguments with ``128,64`` in ``--hidden 128,64`` cut into two."""
    words, of_hidden = [], False
    for word in argv:
        if word.startswith("-"):
            of_hidden = word == "--hidden" or word.startswith("--hidden=")
            word = word.replace("=", " ", 1) if of_hidden else word
        words += [part for part in re.split("[, ]", word) if part] if of_hidden else [word]
    return words


def _overruled_limits(argv):
    """Return None for each limit that a file may give, if the command line gives another limit."""
    given = {name for name in LIMITS if any(re.match(f"--{name}(=|$)", word) for word in argv)}
    return dict.fromkeys(set(LIMITS) - given) if given else {}


def _split_files(argv):
    """Return the files to read options from, and the arguments without ``--config``."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--config", action="append", default=[])
    parser.add_argument("--resume")
    try:
        known, others = parser.parse_known_args(argv)
    except argparse.ArgumentError as error:
        raise InputError(f"{error}; see --help") from None
    if known.resume is None:
        return known.config, others
    path = Path(known.resume) / "config.toml"
    if not os.path.lexists(path) and (os.access(path.parent, os.X_OK) or not os.path.lexists(path.parent)):
        raise InputError(f"--resume {known.resume}: there is no run with a config.toml: name the folder of one")
    return [str(path), *known.config], [*others, f"--resume={known.resume}"]


def _check_readable(path):
    """Refuse a file that is not readable text, which the parser reads once more: it would take its name for TOML."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise InputError(f"--config {path} is not a regular file: name one")
        Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"--config {path} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"--config {path} is not a text file") from None


def to_toml(config, unused=()):
    """Return the options as the text of a TOML file that repeats the run, in another folder.

    Parameters
    ----------
    config : Config
    unused : sequence of str
        Options to leave out, since this run does not use them.
    """
    # TOML has no None; an option that is None by default is left out
    settings = repeating_options(replace(config.with_limit(), run_dir=None, resume=None))
    used = {name: value for name, value in settings.items() if name not in unused}
    return make_parser().dump(Namespace(config=None, **used))


def _one_line(message, config_files, others):
    """Return the parser's message in one line, in the words of the command line."""
    if match := _TYPE_ERROR.match(message):
        name, kind, value = match.groups()
        return f"{option(name)}: {value!r} is not of type {kind}; see --help"
    if match := _UNION_ERROR.match(message):
        name, kinds, value = match.groups()
        words = re.findall(r"Literal\['(\w+)'\]|<class '(\w+)'>", kinds)
        return f"{option(name)}: {value!r} is neither {' nor '.join(map(''.join, words))}; see --help"
    if match := _UNRECOGNISED.match(message):
        meant = suggestion(match[1], [*others, *(option(item.name) for item in fields(Config))])
        return f"unknown option {match[1]}{meant or '; see --help'}"
    if match := _UNKNOWN_KEY.match(message):
        meant = suggestion(match[1], [item.name for item in fields(Config)])
        return (
            f"unknown option {match[1]!r} in {' '.join(config_files)}"
            f"{meant or ': misspelt, or of another version; see --help'}"
        )
    if "not iterable" in message or 'key "hidden"' in message:
        return f"{' '.join(config_files)}: hidden must be a list, such as [512, 512]"
    if "config" in message.partition(":")[0]:
        return f"{' '.join(config_files)} is not valid TOML: {' '.join(message.partition(':')[2].split())}"
    return " ".join(message.split()).replace("_boolean_type", "bool") + "; see --help"
