"""Numbers and lines for people: counts, figures with their uncertainty, aligned lines."""

import math
import textwrap

COLUMNS = 100
_LABEL = 10
INDENT = " " * (_LABEL + 1)


def count(n, noun):
    """Return a number with its noun, in the plural where it is not one."""
    return f"{n:,} {noun}{'s' * (n != 1)}"


def with_error(value, error):
    """Return a figure and its standard error, with as many digits as the error leaves it, at most two."""
    error = max(error, 0.01)  # of the digits that are shown
    digits = max(0, min(2, 1 - math.floor(math.log10(error))))
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def aligned(label, text):
    """Return a text with a label before it, in lines of at most `COLUMNS`, of which the later ones are indented."""
    lines = textwrap.wrap(text, COLUMNS - len(INDENT), break_long_words=False, break_on_hyphens=False)
    return f"{label:<{_LABEL}} " + f"\n{INDENT}".join(lines)
