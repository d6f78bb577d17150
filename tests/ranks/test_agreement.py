"""Ranks that differ are refused: unit tests on made-up ranks, and real jobs with a stale file on one rank."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from data_files import random_examples, write_mnist
from launch import ENVIRONMENT, MPIRUN, complaint
from processes import run_to_end

import isgd_mpi
from isgd_mpi.ranks.agreement import check_agreement, common_value, program_facts, source_digest
from isgd_mpi.settings.errors import InputError


class Ranks:
    """A communicator whose other ranks say what they are made to."""

    def __init__(self, *places):
        self.places = places

    def allgather(self, own):
        return list(self.places)


def refusal(*places):
    with pytest.raises(InputError) as caught:
        check_agreement(Ranks(*places), {})
    return str(caught.value)


def test_ranks_that_agree_pass():
    check_agreement(Ranks(("a", {"x": 1, "y": 2}), ("b", {"x": 1, "y": 2})), {})


def test_the_odd_ranks_and_their_hosts_are_named():
    places = [("a", {"x": 1})] * 2 + [("b", {"x": 2})] * 1 + [("a", {"x": 1})]
    assert refusal(*places).startswith("x differs: 2 on rank 2 (b), but 1 on the 3 other ranks: give all ranks")


def test_all_that_differs_is_named():
    text = refusal(("a", {"x": 1, "y": 5, "z": 0}), ("b", {"x": 2, "y": 5, "z": 1}))
    assert text.startswith("x differs: 2 on rank 1 (b), but 1 on rank 0 (a); z differs: 1 on rank 1 (b), but 0")


def test_of_many_ranks_the_first_are_named():
    text = refusal(*[("a", {"x": 1})] * 50, *[("b", {"x": 2})] * 20)
    assert "2 on ranks 50, 51, 52, 53, 54, 55, 56, 57, ... (b), but 1 on the 50 other ranks" in text


def test_what_one_rank_lacks_differs():
    assert "x differs: missing on rank 1 (b), but 1 on rank 0 (a)" in refusal(("a", {"x": 1}), ("b", {}))


def test_any_change_of_any_source_file_changes_the_digest(tmp_path):
    root = tmp_path / "copy"
    shutil.copytree(Path(isgd_mpi.__file__).parent, root, ignore=shutil.ignore_patterns("__pycache__", "mnist10k"))
    original = source_digest()
    assert source_digest(root) == original
    with open(root / "kernels/norms.py", "a") as file:
        file.write("#")
    changed = source_digest(root)
    (root / "more.py").touch()
    assert len({original, changed, source_digest(root)}) == 3


@pytest.mark.parametrize(("values", "common"), [(["a", "a"], "a"), (["a", "b"], "c"), (["a"], "a")])
def test_a_value_is_common_only_where_all_ranks_have_it(values, common):
    assert common_value(Ranks(*values), "a", otherwise="c") == common


def test_the_program_is_described():
    facts = program_facts()
    assert facts["the version of NumPy"] == np.__version__ and facts["the byte order"] == sys.byteorder


def options_for(tmp_path):
    return "--run-dir", str(tmp_path / "run"), "--seconds", "30"


def test_a_stale_file_on_one_rank_is_refused(tmp_path, rng):
    train, test = random_examples(rng, 300, (28, 28)), random_examples(rng, 50, (28, 28))
    write_mnist(tmp_path / "fresh/mnist", train, test)
    train[0][-1, 14, 14] ^= 1
    write_mnist(tmp_path / "stale/mnist", train, test)
    env = {**ENVIRONMENT, "ISGD_MPI_CACHE": str(tmp_path / "cache"), "ISGD_MPI_DATA": str(tmp_path / "fresh")}
    python = [sys.executable, "-m", "isgd_mpi", "--data", "mnist", *options_for(tmp_path)]
    done = run_to_end(
        [MPIRUN, "-n", 2, *python, ":", "-n", 1, "env", f"ISGD_MPI_DATA={tmp_path / 'stale'}", *python], env=env
    )
    assert done.returncode == 2
    line = complaint(done.stderr)
    assert "the checksum of what it was converted from differs:" in line and "on rank 2 (" in line
    assert "on the 2 other ranks" in line and not (tmp_path / "run").exists()


def test_another_version_on_one_rank_is_refused(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import os, runpy\n"
        "from isgd_mpi.settings import version\n"
        "version.__version__ = os.environ.get('FAKE', version.__version__)\n"
        "runpy.run_module('isgd_mpi', run_name='__main__')\n"
    )
    python = [sys.executable, str(program), *options_for(tmp_path)]
    done = run_to_end([MPIRUN, "-n", 1, *python, ":", "-n", 1, "env", "FAKE=1.2.3", *python], env=ENVIRONMENT)
    assert done.returncode == 2
    line = complaint(done.stderr)
    assert "the version of isgd_mpi differs: 1.2.3 on rank 1 (" in line
    assert f"but {isgd_mpi.__version__} on rank 0 (" in line
