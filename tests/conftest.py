import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from processes import MARK, kill_all, still_alive
from reference import python_of

DATA_VARIABLE = "ISGD_MPI_TEST_DATA"
BESIDE_THE_CHECKOUT = Path(__file__).parents[2] / "shared" / "data"
LEFT = pytest.StashKey()


def pytest_configure(config):
    """Mark all processes that this session will start."""
    os.environ[MARK] = f"{os.getpid()}-{time.time_ns()}"
    if "mpi4py.MPI" not in sys.modules:  # of several ranks the launcher is to end all at once
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends what the tests have started, as Ctrl-C does


def pytest_sessionfinish(session):
    """Kill the processes that tests have left behind; this is a failure."""
    session.config.stash[LEFT] = left = still_alive(os.environ[MARK], seconds=5)
    kill_all(os.environ[MARK])
    session.exitstatus = session.exitstatus or int(bool(left))


def pytest_terminal_summary(terminalreporter, config):
    """Name the processes that tests have left behind."""
    for pid, command in config.stash[LEFT].items():
        terminalreporter.write_line(f"FAILED: process {pid} was left behind, and is killed now: {command}", red=True)


@pytest.fixture
def real_data():
    """Return the folder of the real data sets; skip where there is none."""
    folder = Path(os.environ.get(DATA_VARIABLE) or BESIDE_THE_CHECKOUT)
    if not folder.is_dir():
        pytest.skip(f"needs the real data sets: {DATA_VARIABLE}=FOLDER with mnist/*.gz and tables/*.csv.gz")
    return folder


@pytest.fixture
def rng():
    return np.random.default_rng(20151119)


@pytest.fixture(autouse=True)
def floating_point_faults_are_errors():
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        yield


@pytest.fixture(params=["jit", "python"])
def variant(request):
    """Return a function that selects the compiled form of a kernel, or its plain Python form."""
    return python_of if request.param == "python" else lambda kernel: kernel


@pytest.fixture(params=["compiled", "mkl"])
def make_products(request):
    """Return a class that multiplies bfloat16 numbers, by compiled loops or by MKL; skip without MKL."""
    from isgd_mpi.model.bfloat16 import arithmetic, mkl

    if request.param == "mkl" and mkl.load() is None:
        pytest.skip("there is no MKL")
    return arithmetic.CompiledProducts if request.param == "compiled" else mkl.MKLProducts


@pytest.fixture(params=["compiled", "mkl", "mkl_in_numpy"])
def rounded_mlp(request):
    """Return a class of MLPs that train in bfloat16, by compiled products, by MKL, or as if by MKL."""
    from isgd_mpi.model.bfloat16 import mkl
    from isgd_mpi.model.bfloat16.training_mlp import MKLMLP, RoundedMLP

    if request.param == "mkl" and mkl.load() is None:
        pytest.skip("there is no MKL")
    if request.param == "mkl_in_numpy":
        request.getfixturevalue("mkl_in_numpy")
    return RoundedMLP if request.param == "compiled" else MKLMLP


@pytest.fixture
def mkl_in_numpy(monkeypatch):
    """Let NumPy compute the products of trainers that MKL would: what is around them is tested without MKL, too."""

    class Product:
        def __init__(self, left, right, out):
            self._arrays = left, right, out

        def __call__(self):
            *factors, out = self._arrays
            np.matmul(*((each.astype(np.uint32) << 16).view(np.float32) for each in factors), out=out)

    monkeypatch.setattr("isgd_mpi.model.bfloat16.mkl.Product", Product)


@pytest.fixture
def spurious_flags_of_blas():
    """Ignore the invalid flag: OpenBLAS's product with a vector raises it when its buffer held a NaN before."""
    with np.errstate(invalid="ignore"):
        yield


@pytest.fixture
def small_disk(tmp_path):
    """Return a function that mounts a file system of a given size, such as 64k; skip where it may not."""
    place = tmp_path / "disk"
    mounts = []

    def mount(size):
        place.mkdir()
        options = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place]
        done = subprocess.run(options, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"mounting a tmpfs is not permitted here ({done.stderr.strip()}): run as root")
        mounts.append(place)
        return place

    yield mount
    for mounted in mounts:
        subprocess.run(["umount", "-l", mounted], check=True)
