"""The pages: short, and no name of a file, function or test that does not exist; docstrings name no such file."""

import ast
import re
import runpy
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
GONE = {"docs/usage.md", "jobs/mnist-schedules.sh"}  # CHANGES.md says so

SOURCES = sorted(path for folder in ("isgd_mpi", "kernels") for path in (ROOT / folder).rglob("*.py"))

MOST_COLUMNS, MOST_LINES = 100, 200

for_each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


@for_each_page
def test_lines_are_short_outside_of_tables_and_code(page):
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert not [line for line in prose.splitlines() if len(line) > MOST_COLUMNS and not line.startswith("|")]


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.stem)
def test_a_page_of_the_documentation_is_read_at_a_sitting(page):
    assert len(page.read_text().splitlines()) <= MOST_LINES


def test_functions_that_belong_to_the_papers_equations_exist():
    named = re.findall(r"`([\w/]+\.py)`: `([\w.]+)`", (ROOT / "docs" / "papers.md").read_text())
    assert len(named) > 20
    assert not [(file, name) for file, name in named if not is_defined(file, name)]


def is_defined(file, name):
    """Return whether a file below isgd_mpi/, or of kernels/, defines a function, class or method."""
    path = next(folder / file for folder in (ROOT, ROOT / "isgd_mpi") if (folder / file).is_file())
    scope = ast.parse(path.read_text())
    for part in name.split("."):
        scope = next((node for node in scope.body if getattr(node, "name", None) == part), None)
        if scope is None:
            return False
    return True


def test_the_figure_of_the_protocol_is_the_one_that_its_script_draws():
    script = ROOT / "docs" / "figures" / "protocol.py"
    assert script.with_suffix(".svg").read_text(encoding="utf-8") == runpy.run_path(str(script))["draw"]()


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


def test_links_of_the_readme_lead_somewhere():
    for name, _, section in re.findall(r"\]\(((?!https)[^)#]+)(#([^)]+))?\)", (ROOT / "README.md").read_text()):
        assert (ROOT / name).exists(), name
        assert not section or section in anchors((ROOT / name).read_text()), (name, section)


def anchors(text):
    """Return the anchors of a page's headings."""
    return {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    }
