"""Write what comes out of an experiment into its folder: outcome, tables, page and figures."""

from pathlib import Path

from isgd_mpi.data.files import write_json, write_text
from isgd_mpi.report.pays import tables
from isgd_mpi.report.pays.answer import answer
from isgd_mpi.report.pays.content import as_content
from isgd_mpi.report.pays.page import FIGURE_FILES, render
from isgd_mpi.report.pays.record import FILE, read_record
from isgd_mpi.report.write import PAGE, check_replaceable, write_whole
from isgd_mpi.settings.errors import InputError

OUTCOME = "outcome.json"
_NO_FIGURES = 'There are no figures: they need Matplotlib, pip install "isgd_mpi[report]".'


def is_pays(folder):
    """Return whether a folder is that of such an experiment."""
    return (Path(folder) / FILE).is_file()


def write_pays_report(folder, out=None):
    """Write the outcome of an experiment, at its end or on its way.

    Writes outcome.json and the table as CSV, Markdown and LaTeX into the folder, and the page with its figures into
    `out`. Without Matplotlib the page has no figures, and says so.

    Parameters
    ----------
    folder : str or pathlib.Path
        Holds pays.json.
    out : str or pathlib.Path, optional
        The folder of the page, FOLDER/report if not given; an earlier report in it is replaced.

    Returns
    -------
    pathlib.Path
        The page.

    Raises
    ------
    InputError
        pays.json is missing or damaged, `out` holds anything but an earlier report, or a file cannot be written.
    """
    folder = Path(folder)
    out = Path(out) if out else folder / "report"
    found = answer(read_record(folder))
    draw_all = _drawing()
    check_replaceable(out, FIGURE_FILES)
    try:
        _write_tables(found, folder)
        write_whole(out, lambda new: _write_page(found, new, draw_all))
    except OSError as error:
        raise InputError(f"{folder} cannot be written to ({error.strerror}): make room, or copy the folder") from None
    return out / PAGE


def print_outcome(folder):
    """Print the sentence, a row for each method, what to know beside it, and the place of the page."""
    folder = Path(folder)
    found = answer(read_record(folder))
    page = folder / "report" / PAGE
    parts = [found.sentence, "", *_aligned(*tables.terminal_table(found)), "", *found.notes]
    print("\n".join([*parts, str(page) if page.exists() else f"{page} is not written yet"]))


def _drawing():
    """Return the function that draws all figures, or None without Matplotlib."""
    try:
        from isgd_mpi.report.pays.figures import draw_all
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("matplotlib"):
            raise
        return None
    return draw_all


def _write_tables(found, folder):
    head, rows = tables.summary_table(found)
    write_json(folder / OUTCOME, as_content(found))
    write_text(folder / "table.csv", tables.as_csv(found))
    write_text(folder / "table.md", tables.as_markdown(head, rows))
    write_text(folder / "table.tex", tables.as_latex(head, rows))


def _write_page(found, folder, draw_all):
    figures = draw_all(found, folder) if draw_all else []
    text = render(found, figures, "" if draw_all else _NO_FIGURES)
    (folder / PAGE).write_text(text, encoding="utf-8", errors="replace")


def _aligned(head, rows):
    """Return the lines of a table whose columns are aligned."""
    widths = [max(map(len, column)) for column in zip(head, *rows)]
    return ["  ".join(text.ljust(size) for text, size in zip(line, widths)).rstrip() for line in (head, *rows)]
