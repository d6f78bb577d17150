"""Files that are written whole or not at all."""

import json
import math
import os


def write_atomically(path, write):
    """Write a file beside its place, then rename it there: it is whole or not there.

    Parameters
    ----------
    path : pathlib.Path
    write : callable
        Takes the binary file to write to.
    """
    beside = path.with_name(path.name + ".part")
    try:
        with open(beside, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write_json(path, content):
    """Write an object as readable JSON, atomically; what is not finite becomes null."""
    text = json.dumps(finite_or_none(content), indent=2, allow_nan=False) + "\n"
    write_atomically(path, lambda file: file.write(text.encode()))


def finite_or_none(content):
    """Return dicts and numbers as JSON can hold them."""
    if isinstance(content, dict):
        return {name: finite_or_none(value) for name, value in content.items()}
    return None if isinstance(content, float) and not math.isfinite(content) else content
