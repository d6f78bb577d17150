"""Declare the options of a run with their ranges, and check values against these."""

import math
import operator
from dataclasses import MISSING, field
from typing import get_args

_HOLDS = {"above": operator.gt, "at_least": operator.ge, "at_most": operator.le, "below": operator.lt}


def declare(default, meaning, may_change=False, **bounds):
    """Declare an option as a field of a dataclass.

    Parameters
    ----------
    default
        Always valid; where it is a word, as "auto", the option is a number or this word.
    meaning : str
        Its text in ``--help``.
    may_change : bool
        Whether a run may be resumed with another value.
    **bounds
        The range of a number, or of each number in a list: `above`, `at_least`, `at_most`, `below`.
    """
    metadata = {"help": meaning, "may_change": may_change, "bounds": bounds}
    if isinstance(default, list):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


def default_of(item):
    """Return the default of a field as it is declared, such as the word auto."""
    return item.default if item.default is not MISSING else item.default_factory()


def problem_of(item, value):
    """Return what is wrong with the value of a field, such as "must be above 0, not -1"; None if nothing is."""
    bounds = item.metadata["bounds"]
    if not bounds or value == item.default:
        return None
    if isinstance(value, str) and str in get_args(item.type):  # a file instead of a number
        return None
    for number in value if isinstance(value, list) else [value]:
        if not -math.inf < number < math.inf:
            return f"must be a finite number, not {number}"
        if not all(_HOLDS[bound](number, limit) for bound, limit in bounds.items()):
            limits = " and ".join(f"{bound.replace('_', ' ')} {limit}" for bound, limit in bounds.items())
            word = f", or {item.default}" if isinstance(item.default, str) else ""
            return f"must be {limits}{word}, not {number}"
    return None
