"""The documentation's figures: each script draws its own from the numbers that are kept beside it."""

import importlib.util
import re
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

DOCS = Path(__file__).parents[2] / "docs"
SCRIPTS = sorted(path for path in (DOCS / "figures").glob("*.py") if "KEPT = " in path.read_text())
FIGURES = sorted(path.name for suffix in ("png", "svg") for path in (DOCS / "figures").glob(f"*.{suffix}"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_draws_figures_that_are_there(script, tmp_path):
    spec = importlib.util.spec_from_file_location(script.stem, script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main([], tmp_path)
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn and drawn <= set(FIGURES)


def test_every_figure_is_in_the_gallery():
    assert sorted(re.findall(r"\(figures/([\w.-]+)\)", (DOCS / "gallery.md").read_text())) == FIGURES
