"""Sphinx configuration: ``python -m sphinx -W -b html docs docs/_build/html``."""

import os
import re

import mpi4py

os.environ["NUMBA_DISABLE_JIT"] = "1"  # kernels are then functions with signatures and docstrings
mpi4py.rc.initialize = False

import isgd_mpi  # noqa: E402

project = "isgd_mpi"
author = "the isgd_mpi authors"
version = release = isgd_mpi.__version__
html_title = f"isgd_mpi {version}"
html_theme = "alabaster"

extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc", "myst_parser"]
templates_path = ["_templates"]
exclude_patterns = ["_build"]

myst_heading_anchors = 2  # so that pages can link to sections

autodoc_mock_imports = ["torch", "matplotlib"]  # one benchmark compares with it; the report draws with it
autodoc_member_order = "bysource"
numpydoc_show_class_members = False  # automodule lists them

_LITERAL_OR_BAR = re.compile(r"(``.*?``|\\\|)|\|")


def escape_bars(app, what, name, obj, options, lines):
    """Let ``|g|`` be a norm, as everywhere in this project, and not a substitution."""
    lines[:] = [_LITERAL_OR_BAR.sub(lambda match: match[1] or r"\|", line) for line in lines]


def setup(app):
    """Connect what is ours to Sphinx."""
    app.connect("autodoc-process-docstring", escape_bars, priority=900)  # behind numpydoc
