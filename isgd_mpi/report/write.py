"""Write figures and one HTML page from the folders of runs."""

import os
import shutil
import tempfile
from pathlib import Path

from isgd_mpi.report.examples import sections
from isgd_mpi.report.page import GENERATOR, render
from isgd_mpi.report.study import read_study
from isgd_mpi.settings.errors import InputError

PAGE = "index.html"
"""The name of a report's page."""


def write_report(paths, out=None):
    """Write a report on some runs.

    Parameters
    ----------
    paths : list of str or pathlib.Path
        Folders of runs, or of such folders; or one folder of an experiment.
    out : str or pathlib.Path, optional
        The folder to write, which may hold an earlier report. If not given: ``report`` in the one folder given, or
        in the working directory if there are several.

    Returns
    -------
    pathlib.Path
        The page.

    Raises
    ------
    InputError
        A file of a run is damaged, Matplotlib is missing, or `out` holds anything but an earlier report.
    """
    paths = [Path(path) for path in paths]
    out = Path(out) if out else (paths[0] if len(paths) == 1 else Path()) / "report"
    draw_all, files = _drawing()
    check_replaceable(out, files)
    study = read_study(paths)
    try:
        write_whole(out, lambda folder: _write_files(study, folder, draw_all))
    except OSError as error:
        raise InputError(f"{out} cannot be written ({error.strerror}): name another folder with --out") from None
    return out / PAGE


def _drawing():
    """Return the function that draws all figures, and their file names. Matplotlib is imported here only."""
    try:
        from isgd_mpi.report.drawing import FILES, draw_all
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("matplotlib"):
            raise
        raise InputError('figures need Matplotlib, which is not installed: pip install "isgd_mpi[report]"') from None
    return draw_all, FILES


def check_replaceable(out, files):
    """Raise InputError if `out` is anything but missing, an empty folder or an earlier report."""
    if not os.path.lexists(out):
        return
    refusal = f"{out} exists and is not a report, so it is not replaced: name another folder with --out"
    if out.is_symlink() or not out.is_dir():
        raise InputError(refusal)
    found = {path.name for path in out.iterdir()}
    if found - files - {PAGE}:
        raise InputError(f"{refusal} (it holds {min(found - files - {PAGE})})")
    if found and not (PAGE in found and GENERATOR.encode() in (out / PAGE).read_bytes()):
        raise InputError(refusal)


def _write_files(study, folder, draw_all):
    figures, notes = draw_all(study, folder)
    tables, notes_on_examples = sections(study)
    notes = [note for run in study.runs for note in run.notes] + notes + notes_on_examples
    (folder / PAGE).write_text(render(study, figures, notes, tables), encoding="utf-8", errors="replace")


def write_whole(out, write):
    """Fill a folder beside its place with `write`, then rename it: the old one stays until the new one is whole."""
    out = out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        new, old = beside / "new", beside / "old"
        new.mkdir()
        write(new)
        if out.exists():
            out.rename(old)
        new.rename(out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
