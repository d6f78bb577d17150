"""Write files whole or not at all, and read JSON; errors are one line that names the file."""

import json
import math
import os

from isgd_mpi.data.safe_files import create, open_regular
from isgd_mpi.settings.errors import InputError


def write_atomically(path, write):
    """Write a file under another name, sync it and rename it: readers see all of it, or what was there before.

    Parameters
    ----------
    path : pathlib.Path
    write : callable
        Takes the binary file to write to.
    """
    beside = path.with_name(path.name + ".part")
    try:
        with create(beside) as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write_text(path, text):
    """Write a text in UTF-8, atomically."""
    write_atomically(path, lambda file: file.write(text.encode()))


def write_json(path, content):
    """Write an object as readable JSON, atomically; what is not finite becomes null."""
    write_text(path, json.dumps(finite_or_none(content), indent=2, allow_nan=False) + "\n")


def finite_or_none(content):
    """Return nested dicts and lists with None in place of each number that JSON cannot hold."""
    if isinstance(content, dict):
        return {
            name: (value if math.isfinite(value) else None) if type(value) is float else finite_or_none(value)
            for name, value in content.items()
        }
    if isinstance(content, (list, tuple)):
        return [finite_or_none(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def read_json(path):
    """Return the object in a JSON file as a dict, or None if there is no such file.

    Raises
    ------
    InputError
        The file cannot be read, or holds anything but an object.
    """
    text = read_text(path)
    return None if text is None else _object(text, path)


def read_intact_json(path):
    """Return the object in a JSON file, or None if the file is missing or damaged."""
    try:
        return read_json(path)
    except InputError:
        return None


def read_json_lines(path):
    """Read a file that holds a JSON object in each line.

    Returns
    -------
    lines : list of dict
        Without the last line if that is cut off.
    truncated : bool
        Whether the last line is cut off, as in a file that is being written.

    Raises
    ------
    InputError
        The file is missing or cannot be read, or another line is not an object.
    """
    text = read_text(path)
    if text is None:
        raise InputError(f"{path} is missing: name the folder of a run, or a folder of such folders")
    *whole, last = text.split("\n")
    lines = [_object(line, f"{path}, line {n}") for n, line in enumerate(whole, start=1) if line.strip()]
    try:
        return lines + ([_object(last, path)] if last.strip() else []), False
    except InputError:
        return lines, True


def read_text(path):
    """Return the text of a file, or None if there is no such file.

    Raises
    ------
    InputError
        The file cannot be read, or is not text in UTF-8.
    """
    try:
        with open_regular(path) as file:
            return file.read().decode()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({getattr(error, 'strerror', None) or 'it is not text'})") from None


def _object(text, place):
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place} is not valid JSON ({excerpt(error)}): mend it or leave it out") from None
    if not isinstance(content, dict):
        raise InputError(f"{place} must be a JSON object, not {excerpt(content)!r}")
    return content


def excerpt(value):
    """Return at most 60 characters of a value, for a message of one line."""
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else text[:57] + "..."
