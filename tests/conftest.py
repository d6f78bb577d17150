import subprocess

import numpy as np
import pytest
from reference import python_of


@pytest.fixture
def rng():
    return np.random.default_rng(20151119)


@pytest.fixture(autouse=True)
def floating_point_faults_are_errors():
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        yield


@pytest.fixture(params=["jit", "python"])
def variant(request):
    """What to call a kernel by: as it is compiled, and as it is written."""
    return python_of if request.param == "python" else lambda kernel: kernel


@pytest.fixture(params=["compiled", "mkl"])
def make_products(request):
    """Return a class that multiplies bfloat16 numbers: each is right on any processor, and fast on some."""
    from isgd_mpi.model.bfloat16 import arithmetic, mkl

    if request.param == "mkl" and mkl.load() is None:
        pytest.skip("there is no MKL")
    return arithmetic.CompiledProducts if request.param == "compiled" else mkl.MKLProducts


@pytest.fixture
def spurious_flags_of_blas():
    """Ignore the invalid flag: OpenBLAS's product with a vector raises it when its buffer held a NaN before."""
    with np.errstate(invalid="ignore"):
        yield


@pytest.fixture
def small_disk(tmp_path):
    """What mounts a file system of a given size, such as 64k, and returns its folder; skips where it may not."""
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
