import zlib

import numpy as np

from isgd_mpi.data.checksums import checksum_of, checksum_of_files, sampled_checksum


def test_arrays_and_files_of_the_same_content_have_the_same_checksum(rng, tmp_path):
    arrays = [rng.integers(0, 255, size, dtype=np.uint8) for size in (1000, 0, 7)]
    for k, array in enumerate(arrays):
        (tmp_path / str(k)).write_bytes(array)
    expected = f"{zlib.crc32(np.concatenate(arrays)):08x}"
    assert checksum_of(*arrays) == checksum_of_files(sorted(tmp_path.iterdir())) == expected


def test_of_large_arrays_pieces_with_both_ends_are_read(rng):
    array = rng.integers(0, 255, (3000, 3072), dtype=np.uint8)
    before = sampled_checksum(array)
    seen = set()
    for place in (0, array.size - 1, array.size // 63 + 70_000):
        changed = array.copy()
        changed.flat[place] ^= 1
        seen.add(sampled_checksum(changed) != before)
    assert seen == {True, False}  # the last one lies between two pieces: the checksum of the conversion is for these
    assert sampled_checksum(np.roll(array, 1, axis=0)) != before
