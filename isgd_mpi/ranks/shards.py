"""Who owns which examples: whole score batches of a fixed grid over the data set.

The grid does not depend on the number of ranks, so the same examples meet in the same BLAS call
whatever that number is, and their scores are bitwise the same.
"""

from dataclasses import dataclass


def block(n_items, n_parts, part):
    """Return the range of items in one of `n_parts` contiguous blocks.

    Parameters
    ----------
    n_items, n_parts, part : int
        Block lengths differ by at most one; with more parts than items some are empty.

    Returns
    -------
    range
    """
    length, rest = divmod(n_items, n_parts)
    start = part * length + min(part, rest)
    return range(start, start + length + (part < rest))


@dataclass(frozen=True)
class Shard:
    """A contiguous run of batches of the grid over a split.

    Attributes
    ----------
    n_examples : int
        Examples in the whole split.
    batch_size : int
        Examples in each batch of the grid; the last one may be smaller.
    batches : range
        Positions in the grid.
    """

    n_examples: int
    batch_size: int
    batches: range

    @property
    def start(self):
        """First example."""
        return min(self.batches.start * self.batch_size, self.n_examples)

    @property
    def stop(self):
        """One behind the last example."""
        return min(self.batches.stop * self.batch_size, self.n_examples)

    def __len__(self):
        return self.stop - self.start

    def rows(self, index):
        """Return the examples (start, stop) of the shard's batch `index`, counted from 0."""
        start = self.start + index * self.batch_size
        return start, min(start + self.batch_size, self.stop)


def shards(n_examples, batch_size, n_parts, whole_batches=False):
    """Cut a split into one shard for each of `n_parts` ranks.

    Parameters
    ----------
    n_examples, batch_size, n_parts : int
    whole_batches : bool
        Whether to leave out the last batch if it is smaller than the others.

    Returns
    -------
    list of Shard
        In the order of the examples, which they tile.
    """
    n_batches = n_examples // batch_size if whole_batches else -(-n_examples // batch_size)
    return [Shard(n_examples, batch_size, block(n_batches, n_parts, part)) for part in range(n_parts)]
