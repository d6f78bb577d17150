"""Write a table to try things on, without a network: ``python docs/examples/digits_table.py``.

Each row is one of the 10 000 handwritten digits that come with the package: how much ink there is in each of 7 × 7
fields, in per cent, the height and the width of the digit in pixels, and last the digit as a word. The last 200 rows
go to a file of their own, without the words.
"""

import csv
import gzip
from importlib.resources import files

import numpy as np

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
FIELDS = [f"row {row} column {column}" for row in range(1, 8) for column in range(1, 8)]


def bundled(name, header_bytes):
    """Return the bytes of a bundled file, behind its header."""
    packed = files("isgd_mpi").joinpath("data", "mnist10k", f"t10k-{name}-ubyte.gz").read_bytes()
    return np.frombuffer(gzip.decompress(packed), np.uint8, offset=header_bytes)


def measured(images):
    """Return ink, height and width of each image, as whole numbers."""
    ink = images.reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4)) / 2.55
    extents = [np.count_nonzero((images > 127).any(axis=axis), axis=1) for axis in (2, 1)]
    return np.column_stack([ink.round().reshape(-1, 49), *extents]).astype(int)


def write(name, columns, rows):
    """Write a table as CSV."""
    with open(name, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])


rows = measured(bundled("images-idx3", 16).reshape(-1, 28, 28)).tolist()
named = [[*row, WORDS[digit]] for row, digit in zip(rows, bundled("labels-idx1", 8))]
write("digits.csv", [*FIELDS, "height", "width", "digit"], named[:-200])
write("new.csv", [*FIELDS, "height", "width"], rows[-200:])
