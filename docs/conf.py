"""Sphinx configuration: ``python -m sphinx -W -b html docs docs/_build/html``."""

import os
import re
import shutil
from itertools import groupby
from pathlib import Path
from pkgutil import walk_packages

import mpi4py

os.environ["NUMBA_DISABLE_JIT"] = "1"  # kernels are then functions with signatures and docstrings
mpi4py.rc.initialize = False

import scipy.stats  # noqa: E402, F401 - it asks as it is imported for torch, which autodoc stands in for below

import isgd_mpi  # noqa: E402

project = "isgd_mpi"
author = "the isgd_mpi authors"
version = release = isgd_mpi.__version__
html_title = f"isgd_mpi {version}"
html_theme = "alabaster"
html_theme_options = {"page_width": "1200px", "body_max_width": "auto"}  # for tables
highlight_language = "none"  # blocks without a language are formulas, commands and drawings

extensions = ["sphinx.ext.autodoc", "numpydoc", "myst_parser"]
exclude_patterns = ["_build"]

myst_heading_anchors = 3  # so that pages can link to sections

autodoc_mock_imports = ["torch", "matplotlib", "sklearn"]  # of a benchmark, of the report, of the estimators
autodoc_member_order = "bysource"
numpydoc_show_class_members = False  # automodule lists them

_LITERAL_OR_BAR = re.compile(r"(``.*?``|\\\|)|\|")


def escape_bars(app, what, name, obj, options, lines):
    """Let ``|g|`` be a norm, as everywhere in this project, and not a substitution."""
    lines[:] = [_LITERAL_OR_BAR.sub(lambda match: match[1] or r"\|", line) for line in lines]


def write_api_pages(app, config):
    """Write a page for each folder of the package, with all modules that lie in it."""
    pages = Path(app.srcdir, "generated")
    shutil.rmtree(pages, ignore_errors=True)
    pages.mkdir()
    names = sorted(module.name for module in walk_packages(isgd_mpi.__path__, "isgd_mpi."))
    for folder, modules in groupby(names, key=lambda name: name.split(".")[1]):
        title, *sections = [_heading(name, "=-"[k > 0]) for k, name in enumerate(modules)]
        if folder != "__main__":  # the command itself, which starts MPI as it is imported
            (pages / f"{folder}.rst").write_text("\n".join([title, *sections]))


def _heading(module, underline):
    return f"{module}\n{underline * len(module)}\n\n.. automodule:: {module}\n   :members:\n"


def setup(app):
    """Connect what is ours to Sphinx."""
    app.connect("config-inited", write_api_pages)  # before any other extension reads pages of an earlier build
    app.connect("autodoc-process-docstring", escape_bars, priority=900)  # behind numpydoc
