"""Tests that start jobs are slow, but for one of each kind."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before those that are not asked for are left out
def pytest_collection_modifyitems(items):
    for item in items:
        if FOLDER in item.path.parents and not item.get_closest_marker("each_kind"):
            item.add_marker(pytest.mark.slow)
