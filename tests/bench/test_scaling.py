from isgd_mpi.bench.scaling.costs import merge_seconds
from isgd_mpi.data.datasets import load
from isgd_mpi.settings.config import Config


def test_merging_is_timed_with_scores_of_all_examples():
    assert 0 < merge_seconds(Config(hidden=[8], minibatch_size=8), load("mnist10k")) < 1
