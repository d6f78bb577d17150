"""The pages: short lines, and no name of a file or of a test that does not exist; docstrings name no such file."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGES.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "jobs" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
FILES = {
    path.as_posix()
    for folder in ("docs", "isgd_mpi", "jobs", "kernels", "tests")
    for path in (ROOT / folder).rglob("*.*")
}
TESTS = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
NAME = r"[\w/-]+\.(?:bash|md|py|sbatch|sh)\b"
GONE = {"jobs/mnist-schedules.sh"}  # CHANGES.md says so

SOURCES = sorted(path for folder in ("isgd_mpi", "kernels") for path in (ROOT / folder).rglob("*.py"))

MOST_COLUMNS = 100

for_each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


@for_each_page
def test_lines_are_short_outside_of_tables_and_code(page):
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert not [line for line in prose.splitlines() if len(line) > MOST_COLUMNS and not line.startswith("|")]


@for_each_page
def test_files_that_are_named_exist(page):
    assert not missing(re.findall(rf"`({NAME})", page.read_text()))


def missing(names):
    """Return the names of files that do not exist."""
    return [name for name in set(names) - GONE if not any(file.endswith(f"/{name}") for file in FILES)]


def test_files_that_docstrings_name_exist():
    trees = {path: ast.walk(ast.parse(path.read_text())) for path in SOURCES}
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    texts = {
        path: " ".join(ast.get_docstring(node) or "" for node in nodes if isinstance(node, documented))
        for path, nodes in trees.items()
    }
    assert not [(path, names) for path, text in texts.items() if (names := missing(re.findall(NAME, text)))]


@for_each_page
def test_tests_that_are_named_exist(page):
    assert not [name for name in re.findall(r"`(test_\w+)`", page.read_text()) if f"def {name}(" not in TESTS]
