"""The examples of the documentation, started as a reader does."""

import importlib.util
import re
from pathlib import Path

import pytest
from launch import launch

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
WITHOUT_TORCH = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")


@pytest.mark.parametrize("name", ["softmax.py", pytest.param("pytorch.py", marks=WITHOUT_TORCH)])
def test_example_trains_with_less_variance(name, tmp_path):
    done = launch(3, program=(EXAMPLES / name,), cwd=tmp_path)
    assert done.returncode == 0 and "Warning" not in done.stderr, done.stderr
    assert float(re.search(r"variance gain ([\d.]+)", done.stdout)[1]) > 1.5
    assert float(re.search(r"test error ([\d.]+)%", done.stdout)[1]) < 12


@pytest.mark.parametrize("name", ["softmax.py", "pytorch.py"])
def test_example_is_in_the_documentation(name):
    assert f"examples/{name}" in (EXAMPLES.parent / "python.md").read_text()
