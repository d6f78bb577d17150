"""Files that inflate: what they hold is compared with the memory that the process may use, before it is read."""

import gzip
import struct

import numpy as np
import pytest
import scipy.io

from isgd_mpi.data import examples
from isgd_mpi.data.array_files import read_array_files as read_npz
from isgd_mpi.data.formats import read_idx, read_svhn
from isgd_mpi.settings.errors import InputError

WORDS = "GB, and this process may use 0.001 GB of memory"


@pytest.fixture(autouse=True)
def little_memory(monkeypatch):
    monkeypatch.setattr(examples, "usable_memory", lambda: 10**6)


def refusal(read, *paths):
    with pytest.raises(InputError) as caught:
        read(*paths)
    return str(caught.value)


def test_an_npz_file(tmp_path):
    x = np.zeros((3000, 200), np.uint8)  # either half fits, both do not
    np.savez_compressed(tmp_path / "a.npz", x_train=x, y_train=x[:, 0], x_test=x, y_test=x[:, 0])
    assert f"a.npz: holds 0.0012 {WORDS}" in refusal(read_npz, tmp_path / "a.npz")


def test_an_idx_file(tmp_path):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(struct.pack(">4I", 0x803, 2000, 28, 28) + bytes(2000 * 784)))
    assert f"images.gz: holds 0.00157 {WORDS}" in refusal(read_idx, path, path)


def test_a_matlab_file(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"X": np.zeros((32, 32, 3, 500), np.uint8)}, do_compression=True)
    assert WORDS in refusal(read_svhn, tmp_path / "a.mat")


def test_a_matlab_file_of_cells_is_refused_unread(tmp_path):
    cells = np.empty((1, 20), object)
    cells[:] = [[np.zeros((10, 100))] * 20]
    scipy.io.savemat(tmp_path / "a.mat", {"X": cells}, do_compression=True)
    assert "a variable is no array of numbers" in refusal(read_svhn, tmp_path / "a.mat")
