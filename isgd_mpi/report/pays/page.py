"""Render the HTML page of an experiment; every text that comes from a file is escaped."""

from html import escape

from isgd_mpi.report.page import figure_tag, frame, list_of, table
from isgd_mpi.report.pays.answer import DOES_NOT_PAY, UNDECIDED
from isgd_mpi.report.pays.methods_section import paragraphs
from isgd_mpi.report.pays.reasons import figures_of
from isgd_mpi.report.pays.tables import equal_time_table, settings_table, tests_table

FIGURES = ("pays-time", "pays-search", "pays-ratios")
"""The names of the figures, in the order of the page."""

FIGURE_FILES = {f"{name}.{suffix}" for name in FIGURES for suffix in ("png", "svg")}

_MEDIANS = "Medians and quartiles over the final runs that came to their end, all of the same training time."
_REACHED = "A run has reached the least value that was measured in it, as with early stopping."


def render(found, figures, missing_figures=""):
    """Return the page as text.

    Parameters
    ----------
    found : answer.Answer
    figures : list of (str, str, pathlib.Path)
        Heading, explanation, PNG file.
    missing_figures : str
        The reason why there are no figures.
    """
    record = found.record
    parts = [
        f"<h1>Does importance sampling pay on {escape(record.data)}?</h1>",
        _words(record.data_words),
        _answer(found),
        "<h2>Other methods</h2>" if len(found.results) > 1 else "",
        *(_result(result) for result in found.results.values() if result is not found.chosen),
        list_of("Notes", found.notes),
        "<h2>At equal time</h2>",
        _words(f"{_MEDIANS} {_REACHED}"),
        table(*_lined(equal_time_table(found))),
        "<h2>Against uniform sampling</h2>",
        _words("Below 1 importance sampling is faster, or reaches less loss. Pairs of runs have the same seed."),
        table(*tests_table(found)),
        "<h2>Figures</h2>",
        _words(missing_figures),
        *(figure_tag(*figure) for figure in figures),
        "<h2>Best settings</h2>",
        table(*settings_table(found)),
        "<h2>For a methods section</h2>",
        *(f"<p>{escape(text)}</p>" for text in paragraphs(record)),
        _repeat(record),
    ]
    return frame(f"Does importance sampling pay on {record.data}?", "\n".join(part for part in parts if part))


def _words(text):
    return f'<p class="small">{escape(text)}</p>' if text else ""


def _lined(content):
    """Return head and rows of a table with quartiles on a line of their own."""
    head, rows = content
    return head, [[row[0], *(text.replace(" (", "\n").removesuffix(")") for text in row[1:])] for row in rows]


def _answer(found):
    """Return the sentence, and below it the figures of the method that it is about."""
    chosen = found.chosen
    figures = f"{chosen.method.label}: {figures_of(chosen.method)}." if chosen and chosen.judged else ""
    sentence = f"<p><strong>{escape(found.sentence)}</strong></p>"
    return f'<div class="verdict {_class(found.kind)}">{sentence}{_words(figures)}</div>'


def _result(result):
    """Return the answer on a method that the sentence is not about."""
    why = f": {'; '.join(result.reasons)}" if result.reasons else ""
    text = f"<strong>{escape(result.method.label)}</strong>: {escape(result.kind + why)}."
    return f'<div class="verdict {_class(result.kind)}"><p>{text}</p></div>'


def _class(kind):
    return {UNDECIDED: "undecided", DOES_NOT_PAY: "does-not-pay"}.get(kind, "pays")


def _repeat(record):
    """Return the commands that repeat the experiment, and one of its runs of each method."""
    commands = [f"<p>The whole experiment:</p><pre>{escape(record.command)}</pre>" if record.command else ""]
    commands += [
        f"<p>A final run, {escape(method.label)}:</p><pre>{escape(method.command)}</pre>"
        for method in record.methods
        if method.command
    ]
    return "<h2>Repeat it</h2>\n" + "\n".join(filter(None, commands)) if any(commands) else ""
