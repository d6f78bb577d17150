"""Shards: each scorer owns whole score batches of a fixed grid over the data set.

The grid does not depend on the number of ranks, so the same examples meet in the same BLAS call
whatever that number is, and their scores are bitwise the same.
"""

from dataclasses import dataclass

_LEAST_BATCH, _LARGEST_BATCH = 256, 2048  # scoring is as fast within these, and slower below
_WANTED_BATCHES = 48  # about three for each of 15 scorers: all work, and new parameters are soon noticed


def score_batch_size(wanted, n_examples):
    """Return the number of examples in a score batch.

    Parameters
    ----------
    wanted : int or "auto"
        "auto": the largest power of two that leaves enough batches for all scorers of a node to have work. It follows
        from the training set alone, so the grid does not depend on the number of ranks.
    n_examples : int
        Training examples N.
    """
    if wanted != "auto":
        return wanted
    size = 2 ** (max(1, n_examples // _WANTED_BATCHES).bit_length() - 1)
    return min(_LARGEST_BATCH, max(_LEAST_BATCH, size))


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
        start = (self.batches.start + index) * self.batch_size
        return start, min(start + self.batch_size, self.n_examples)


@dataclass(frozen=True)
class Grid:
    """A grid of score batches, which cuts splits into shards.

    Attributes
    ----------
    batch_size : int
        Examples in a score batch.
    n_parts : int
        Shards that a split is cut into.
    whole_batches : bool
        Whether to leave out the last batch of a split if it is smaller than the others.
    """

    batch_size: int
    n_parts: int
    whole_batches: bool = False

    def shards(self, n_examples):
        """Cut a split into shards.

        Parameters
        ----------
        n_examples : int
            In the whole split.

        Returns
        -------
        list of Shard
            In the order of the examples, which they tile.
        """
        blocks = [block(self.n_batches(n_examples), self.n_parts, part) for part in range(self.n_parts)]
        return [Shard(n_examples, self.batch_size, batches) for batches in blocks]

    def n_batches(self, n_examples):
        """Return the number of batches of a split."""
        if self.whole_batches:
            return n_examples // self.batch_size
        return -(-n_examples // self.batch_size)
