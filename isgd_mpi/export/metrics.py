"""Turn the metrics of a run into tables: a CSV file for each kind of line."""

import csv
import io
import json

from isgd_mpi.data.files import read_json_lines


def csv_texts(path):
    """Return the metrics in a file as CSV.

    Parameters
    ----------
    path : pathlib.Path
        ``metrics.jsonl`` of a run, also of one that goes on.

    Returns
    -------
    dict of str to str
        By the kind of line, "refresh", "eval" or "event": a column for each field, empty where it is not known.

    Raises
    ------
    InputError
        The file is missing or damaged.
    """
    lines, _ = read_json_lines(path)
    kinds = [str(line.get("kind", "")) for line in lines]
    return {kind: _csv([line for line, own in zip(lines, kinds) if own == kind]) for kind in dict.fromkeys(kinds)}


def _csv(lines):
    """Return lines of one kind as CSV, whose columns are all their fields but the kind."""
    names = dict.fromkeys(name for line in lines for name in line if name != "kind")
    text = io.StringIO()
    writer = csv.DictWriter(text, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _field(value) for name, value in line.items()} for line in lines)
    return text.getvalue()


def _field(value):
    """Return a value as CSV has it: numbers and texts as they are, and all else as JSON; None stays empty."""
    return json.dumps(value) if isinstance(value, (bool, list, dict)) else value
