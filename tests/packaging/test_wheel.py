"""The wheel, built as a release is and installed as a user does, beside a package that is named kernels."""

import os
import re
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
from launch import ENVIRONMENT, Run
from processes import run_to_end

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "docs", "env", "runs", "tests")
OUTSIDE = {name: value for name, value in ENVIRONMENT.items() if name != "PYTHONPATH"}
MPI = os.environ.get("MPI", "mpich")


def run(folder, *words):
    """Run a command that must succeed, and does not see the checkout; return its output."""
    done = run_to_end(words, env=OUTSIDE, cwd=folder, seconds=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Return a copy of the checkout: a build leaves files behind."""
    return shutil.copytree(ROOT, tmp_path_factory.mktemp("source") / "copy", symlinks=True, ignore=LEFT_OUT)


@pytest.fixture(scope="module")
def wheel(source):
    """Build a wheel from a source distribution, not from the checkout itself; return its path."""
    run(source, sys.executable, "-m", "build", "--outdir", "dist")
    assert len(list(source.glob("dist/*.tar.gz"))) == 1
    (path,) = source.glob("dist/*.whl")
    return path


@pytest.fixture(scope="module")
def folder(wheel, tmp_path_factory):
    """Run the README's lines, with the wheel in place of the checkout; return the folder."""
    folder = tmp_path_factory.mktemp("outside")
    (lines,) = re.findall("<!-- ci: begin -->\n```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    extra = "" if MPI == "site" else f"[{MPI}]"
    run(folder, "bash", "-euxo", "pipefail", "-c", lines.replace(".[mpich]", f"{wheel}{extra}"))
    return folder


def their_kernels(folder):
    """Write a wheel of another project, whose import name is kernels; return its path."""
    path = folder / "kernels-9.9-py3-none-any.whl"
    facts = {"METADATA": "Metadata-Version: 2.1\nName: kernels\nVersion: 9.9\n", "RECORD": ""}
    facts["WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("kernels/__init__.py", "")
        file.writestr("kernels/activations.py", "owner = 'them'\n")
        for name, content in facts.items():
            file.writestr(f"kernels-9.9.dist-info/{name}", content)
    return path


def check_both(folder, name):
    """Assert that both packages work, each under its own name; return where ours was imported from."""
    assert run(folder, "env/bin/python", "-c", "from kernels import activations; print(activations.owner)") == "them\n"
    mpirun = "mpirun" if MPI == "site" else "env/bin/mpirun"
    options = ("--steps", 20, "--hidden", 8, "--quiet", "--run-dir", name)
    run(folder, mpirun, "-n", 2, "env/bin/python", "-m", "isgd_mpi", *options)
    assert Run(folder / name).summary["steps"] == 20
    program = "import isgd_mpi.kernels.activations as ours; print(ours.__file__, hasattr(ours, 'owner'))"
    path, is_theirs = run(folder, "env/bin/python", "-c", program).split()
    assert is_theirs == "False"
    return Path(path)


def test_the_wheel_has_all_modules_and_one_import_name(wheel):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name and ".data/" not in name}
    assert {name.partition("/")[0] for name in names} == {"isgd_mpi"}
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "isgd_mpi").rglob("*.py")}
    modules |= {f"isgd_mpi/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "kernels").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == modules
    assert {
        "isgd_mpi/report/page.html",
        "isgd_mpi/report/runs.html",
        "isgd_mpi/data/mnist10k/t10k-images-idx3-ubyte.gz",
    } <= names


def test_the_readmes_lines_train(folder):
    run_of_readme = Run(folder / "runs/first")
    assert run_of_readme.summary["ranks"] == 4 and run_of_readme.summary["test"]["error"] < 0.1
    assert (folder / "env/share/isgd_mpi/jobs/train.sbatch").exists()


def test_it_lives_beside_a_package_that_is_named_kernels(folder):
    run(folder, "env/bin/python", "-m", "pip", "install", "--no-deps", their_kernels(folder))
    assert folder / "env" in check_both(folder, "beside").parents


def test_an_editable_install_does_so_too(folder, source):
    pip = ("env/bin/python", "-m", "pip")
    run(folder, *pip, "uninstall", "--yes", "isgd_mpi")
    assert not list(folder.glob("env/lib/python*/site-packages/isgd_mpi"))  # such as compiled kernels
    run(folder, *pip, "install", "--no-deps", "--editable", source)
    run(folder, *pip, "install", "--no-deps", "--force-reinstall", their_kernels(folder))
    assert source / "kernels" in check_both(folder, "editable").resolve().parents
