from itertools import chain

import pytest

from isgd_mpi.ranks.shards import Grid, block, score_batch_size

N_ITEMS, N_PARTS = range(12), range(1, 9)


@pytest.mark.parametrize("n_items", N_ITEMS)
@pytest.mark.parametrize("n_parts", N_PARTS)
def test_blocks_tile_the_range_and_differ_by_at_most_one(n_items, n_parts):
    blocks = [block(n_items, n_parts, part) for part in range(n_parts)]
    assert list(chain(*blocks)) == list(range(n_items))
    lengths = [len(each) for each in blocks]
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("n_examples", [0, 1, 3, 10, 17, 18])
@pytest.mark.parametrize("batch_size", [1, 3, 6, 20])
@pytest.mark.parametrize("n_parts", N_PARTS)
def test_shards_tile_the_examples_by_whole_batches(n_examples, batch_size, n_parts):
    parts = Grid(batch_size, n_parts).shards(n_examples)
    assert len(parts) == n_parts
    assert list(chain(*(range(shard.start, shard.stop) for shard in parts))) == list(range(n_examples))
    assert sum(map(len, parts)) == n_examples
    n_batches = [len(shard.batches) for shard in parts]
    assert max(n_batches) - min(n_batches) <= 1


@pytest.mark.parametrize("n_examples", [0, 1, 3, 10, 17, 18])
@pytest.mark.parametrize("batch_size", [1, 3, 6, 20])
@pytest.mark.parametrize("n_parts", N_PARTS)
def test_the_grid_is_the_same_for_every_number_of_parts(n_examples, batch_size, n_parts):
    grid = [shard.rows(i) for shard in Grid(batch_size, n_parts).shards(n_examples) for i in range(len(shard.batches))]
    assert grid == [(i, min(i + batch_size, n_examples)) for i in range(0, n_examples, batch_size)]


@pytest.mark.parametrize(("n_examples", "size"), [(1, 256), (8000, 256), (60_000, 1024), (98_303, 1024), (10**7, 2048)])
def test_the_automatic_size_follows_from_the_training_set(n_examples, size):
    assert score_batch_size("auto", n_examples) == size


def test_fifteen_scorers_share_mnist_evenly():
    lengths = [len(shard) for shard in Grid(score_batch_size("auto", 60_000), 15).shards(60_000)]
    assert max(lengths) < 1.03 * 60_000 / 15


def test_a_given_size_is_used():
    assert score_batch_size(77, 60_000) == 77


def test_more_parts_than_batches_leave_empty_shards():
    assert [len(shard) for shard in Grid(2, 5).shards(3)] == [2, 1, 0, 0, 0]
