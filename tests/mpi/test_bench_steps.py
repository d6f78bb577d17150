"""The bench of training steps runs the trainers again and again on the same ranks."""

from isgd_mpi.bench.pytorch.step_ranks import options_of, steps_per_second
from isgd_mpi.data.datasets import load


def test_all_ranks_train_until_time_is_up_again_and_again(comm, everywhere):
    case = {"widths": [784, 16, 10], "minibatch_size": 32, "precision": "f32"}
    options, dataset = options_of(case, 0.0, comm.Get_size()), load("mnist10k")
    rates = [steps_per_second(comm, dataset, options, 0.05) for _ in range(2)]
    everywhere(all(rate > 1 for rate in rates) if comm.Get_rank() == 0 else rates == [None, None], f"{rates}")
