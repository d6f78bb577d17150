"""Ranks of a node map the same converted files: a data set lies in memory once."""

import re
from pathlib import Path

import numpy as np

from isgd_mpi.data.datasets import load


def files_mapped(pattern):
    """Return (device and number, permissions, kilobytes of the process alone) of each mapped file of such a path."""
    text = Path("/proc/self/smaps").read_text()
    entries = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", text, flags=re.MULTILINE)
    found = []
    for entry in filter(re.compile(pattern).search, entries):
        _, permissions, _, *file = entry.split()[:5]
        found.append((tuple(file), permissions, int(re.search(r"Anonymous: *(\d+)", entry)[1])))
    return found


def test_all_ranks_map_one_copy_of_arrays_in_npy_files(comm, everywhere, shared_tmp_path):
    path = shared_tmp_path / "x.npy"
    if comm.rank == 0:
        rng = np.random.default_rng(0)
        np.save(path, rng.random((3000, 50), np.float32))
        np.save(shared_tmp_path / "y.npy", np.arange(3000) % 3)
    comm.barrier()
    dataset = load(str(path), cache_dir=shared_tmp_path / "cache")  # by all at once, of which one converts
    total = sum(float(split.images.sum(dtype=float)) for split in dataset.splits.values())
    mapped = files_mapped(rf"{re.escape(str(shared_tmp_path))}.*/x_(train|valid|test)\.npy")
    everywhere(len(mapped) == 3 and all((way, own) == ("r--s", 0) for _, way, own in mapped), mapped)
    same = {tuple(file for file, _, _ in ours) for ours in comm.allgather(sorted(mapped))}
    everywhere(len(same) == 1 and len(set(comm.allgather(total))) == 1, same)
    everywhere(len([entry for entry in (shared_tmp_path / "cache").iterdir() if entry.is_dir()]) == 1)
