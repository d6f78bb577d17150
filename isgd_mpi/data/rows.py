"""Read arrays that lie in files some rows at a time: they may be larger than the memory."""

import math
import os
import weakref

import numpy as np

from isgd_mpi.data.examples import FormatError, refusing_damage

_BLOCK_BYTES = 2**23


class Rows:
    """An array in a file, of which no more than a block of rows is in memory.

    Parameters
    ----------
    where : str or Path
        The file, for messages.
    shape : tuple of int
        With at least one axis.
    dtype : numpy dtype
    read : callable
        Takes the numbers of the first row and of the one after the last, and returns these rows.

    Attributes
    ----------
    shape, dtype, ndim, size
        As of an array.
    """

    def __init__(self, where, shape, dtype, read):
        self.where, self.shape, self.dtype = where, tuple(shape), np.dtype(dtype)
        self.ndim, self.size = len(self.shape), math.prod(self.shape)
        row_bytes = self.dtype.itemsize * math.prod(self.shape[1:])
        self._block_rows = max(1, _BLOCK_BYTES // max(row_bytes, 1))
        self._read = read
        self._last = None, None  # the number of a block, and its rows

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, rows):
        """Return rows, ndarray: of a number, a slice, or (n,) numbers in any order."""
        if isinstance(rows, (int, np.integer)):
            return self[np.array([rows])][0]
        rows = np.arange(len(self))[rows]
        out = np.empty((len(rows), *self.shape[1:]), self.dtype)
        blocks = rows // self._block_rows
        for block in np.unique(blocks):
            chosen = blocks == block
            out[chosen] = self._block(int(block))[rows[chosen] - block * self._block_rows]
        return out

    def _block(self, block):
        if self._last[0] != block:
            start = block * self._block_rows
            stop = min(start + self._block_rows, len(self))
            self._last = None, None  # before the next one is there: one block is enough
            with refusing_damage(self.where):
                self._last = block, self._read(start, stop)
        return self._last[1]


def rows_of_file(file, where, shape, dtype, offset=0, fortran_order=False):
    """Return the rows of an array that lies in an open file.

    Parameters
    ----------
    file : binary file
        May be closed: the rows have a descriptor of their own.
    where : str or Path
        For messages.
    shape, dtype, offset, fortran_order
        Of the array; its bytes are all there.

    Returns
    -------
    Rows
    """
    dtype, n_columns = np.dtype(dtype), math.prod(shape[1:])
    descriptor = os.dup(file.fileno())

    def numbers(first, count):
        content = os.pread(descriptor, count * dtype.itemsize, offset + first * dtype.itemsize)
        if len(content) != count * dtype.itemsize:
            raise FormatError(where, "was cut off while it was read")
        return np.frombuffer(content, dtype)

    def read(start, stop):
        return numbers(start * n_columns, (stop - start) * n_columns).reshape(-1, *shape[1:])

    def read_columns(start, stop):
        block = np.empty((stop - start, n_columns), dtype, order="F")
        for column in range(n_columns):  # each lies in one piece
            block[:, column] = numbers(column * shape[0] + start, stop - start)
        return block.reshape(-1, *shape[1:], order="F")

    rows = Rows(where, shape, dtype, read_columns if fortran_order else read)
    weakref.finalize(rows, os.close, descriptor)
    return rows
