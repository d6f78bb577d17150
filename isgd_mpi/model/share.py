"""The share of a model that one of several trainers computes: some columns of every layer, in memory that all see.

The trainers of a node have a model of the same widths each, whose arrays are the same memory. All call the same
methods with the same arguments. Each computes its own part, and they meet before any of them needs the parts of the
others. So nothing is summed and nothing is copied, and a trainer's weights stay in its own cache.

Where several nodes have a model each, and a part of each minibatch, gradients are summed between the trainers that have
the same share.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from isgd_mpi.kernels.few_rows import DEPTH
from isgd_mpi.kernels.memory import aligned_zeros

_LINE = 16  # numbers of float32 in a cache line: a line that two write to travels between their caches


def _private(*specifications):
    return [aligned_zeros(shape, dtype) for shape, dtype in specifications]


def _alone():
    pass


@dataclass(frozen=True)
class Share:
    """The place of one trainer among those that compute a model together, and their means to do so.

    Attributes
    ----------
    rank, n : int
        Number of this trainer, and the number of all.
    allocate : callable
        Takes pairs of a shape and a dtype; returns a list of arrays of zeros, which all trainers see. Collective.
    meet : callable
        Returns when all trainers have called it, and then sees what they wrote before. Collective.
    sum_over_nodes : callable or None
        Takes arrays of one dtype, and sums each, in place, with those of the same share on other nodes; None if there
        are no other nodes. Collective.
    """

    rank: int = 0
    n: int = 1
    allocate: Callable = _private
    meet: Callable = _alone
    sum_over_nodes: Callable | None = None

    def rows(self, n_rows):
        """Return this trainer's rows of a matrix, as a slice."""
        return _block(n_rows, 1, self.n, self.rank)

    def columns(self, width, line=_LINE):
        """Return this trainer's columns of a matrix, whole cache lines of some numbers each, as a slice."""
        return _block(width, line, self.n, self.rank)

    def cut(self, width, n_rows):
        """Choose the part of a layer that each trainer computes, so that the largest part is small.

        Parameters
        ----------
        width : int
            Columns of the layer's weights.
        n_rows : int
            Rows of a minibatch.

        Returns
        -------
        Cut
        """
        n_blocks = 1 if width % DEPTH else width // DEPTH
        divisors = [n for n in range(self.n, 0, -1) if self.n % n == 0]
        n_column_parts = min(divisors, key=lambda n: -(-n_blocks // n) * -(-n_rows * n // self.n))
        return Cut(width, n_column_parts, self.n // n_column_parts, self.rank)

    def cut_by_rows(self, width):
        """Return the cut of the last layer: the softmax needs whole rows."""
        return Cut(width, 1, self.n, self.rank)

    def rows_to_step(self, n_rows, unit=1):
        """Return the rows of the last layer's weights that this trainer updates, if these are few.

        Trainer 0 has none where there are others: these wait for what it does between steps.

        Parameters
        ----------
        n_rows : int
        unit : int
            Parts begin at multiples of it.
        """
        if self.n == 1:
            return slice(0, n_rows)
        return slice(0, 0) if self.rank == 0 else _block(n_rows, unit, self.n - 1, self.rank - 1)

    @property
    def steps_biases(self):
        """True for the trainer that updates the biases of such a layer."""
        return self.rank == min(1, self.n - 1)


@dataclass(frozen=True)
class Cut:
    """A grid of trainers over a layer: each has some columns, and with them some rows of inputs and of weights.

    Layers whose width is no multiple of DEPTH are cut by rows alone, and so is the last one.

    Attributes
    ----------
    width : int
        Columns of the layer's weights.
    n_column_parts, n_row_parts : int
        Size of the grid.
    rank : int
        Number of this trainer.
    """

    width: int
    n_column_parts: int
    n_row_parts: int
    rank: int

    @property
    def column_part(self):
        """Number of this trainer's part of the columns."""
        return self.rank % self.n_column_parts

    @property
    def columns(self):
        """The columns of this trainer, as a slice: whole blocks of active lists."""
        return _block(self.width, DEPTH, self.n_column_parts, self.column_part)

    @property
    def leads(self):
        """True for the first of the trainers that have the same columns: it has the biases."""
        return self.rank < self.n_column_parts

    def rows(self, n_rows, unit=1):
        """Return this trainer's rows of a matrix, as a slice; parts begin at multiples of a unit."""
        return _block(n_rows, unit, self.n_row_parts, self.rank // self.n_column_parts)


WHOLE = Share()
"""The share of a trainer that computes alone, and of a scorer: everything, in memory of its own."""


@cache
def _block(n_items, size, n_parts, part):
    """Return one of several blocks of items, which begins and ends at multiples of a size or at the end."""
    n_units = -(-n_items // size)
    first, last = (min(n_units * k // n_parts * size, n_items) for k in (part, part + 1))
    return slice(first, last)
