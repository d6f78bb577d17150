"""Whole runs in this process, on as many ranks as there are."""

import numpy as np
import pytest
from run_files import read

from isgd_mpi.settings.exit_codes import BAD_INPUT, DONE


def of_kind(lines, kind):
    return [line for line in lines if line["kind"] == kind]


def check_evaluation_at_the_end(lines, step):
    last = {line["split"]: line for line in of_kind(lines, "eval")}
    assert {split: line["n"] for split, line in last.items()} == {"train": 8000, "valid": 1000, "test": 1000}
    assert all(line["staleness"] == 0 and line["step"] == step for line in last.values())


@pytest.mark.parametrize("schedule", ["exact", "pipelined", "relaxed"])
@pytest.mark.parametrize("score", ["grad-norm", "uniform"])
def test_every_example_of_every_split_is_evaluated(run, comm, shared_tmp_path, schedule, score):
    assert run("a", "--steps", 40, "--refresh-every", 8, "--schedule", schedule, "--score", score) == DONE
    lines, summary, _ = read(shared_tmp_path / "a", comm)
    check_evaluation_at_the_end(lines, step=40)
    assert summary["steps"] == 40 and summary["ranks"] == comm.size
    assert summary["train"]["loss"] < np.log(10)


@pytest.mark.parametrize("schedule", ["exact", "pipelined", "relaxed"])
@pytest.mark.parametrize("trainers", [2, 5])  # or as many as there are ranks: with and without scorers
def test_trainers_share_the_work_in_every_schedule(run, comm, shared_tmp_path, schedule, trainers):
    trainers = min(trainers, comm.size)
    options = ("--steps", 40, "--refresh-every", 8, "--schedule", schedule, "--usable-fraction", 0.05)
    assert run("a", *options, "--trainers", trainers, "--eval-every", 16) == DONE
    lines, summary, _ = read(shared_tmp_path / "a", comm)
    check_evaluation_at_the_end(lines, step=40)
    assert (summary["steps"], summary["ranks"], summary["trainers"]) == (40, comm.size, trainers)
    assert 0 <= summary["wait_fraction"] <= 1 and summary["train"]["loss"] < np.log(10)
    if schedule == "exact":
        assert [line["examples_scored"] for line in of_kind(lines, "refresh")] == [8000 * n for n in range(1, 6)]
    elif comm.size == trainers:
        assert of_kind(lines, "refresh")[-1]["importance_sampling"]


@pytest.mark.parametrize("score", ["grad-norm", "uniform"])
def test_all_ranks_train_as_one_does_but_for_rounding(run, comm, shared_tmp_path, score):
    options = ("--steps", 20, "--minibatch-size", 4, "--lr", 0.02, "--momentum", 0.5, "--score", score)
    for name, trainers in (("one", 1), ("all", comm.size)):
        assert run(name, *options, "--schedule", "exact", "--refresh-every", 8, "--trainers", trainers) == DONE
    one, several = (read(shared_tmp_path / name, comm)[2] for name in ("one", "all"))
    np.testing.assert_allclose(several, one, atol=1e-5)


def test_pipelined_repeated_is_bitwise_the_same(run, comm, shared_tmp_path):
    for name in ("a", "b"):
        assert run(name, "--steps", 60, "--refresh-every", 5, "--schedule", "pipelined", "--eval-every", 20) == DONE
    runs = [read(shared_tmp_path / name, comm) for name in ("a", "b")]
    np.testing.assert_array_equal(runs[0][2], runs[1][2])
    timings = {"seconds", "steps_per_second", "scored_per_second", "wait_fraction"}
    stripped = [[{k: v for k, v in line.items() if k not in timings} for line in lines] for lines, _, _ in runs]
    assert stripped[0] == stripped[1]


def test_exact_scores_everything_at_each_refresh(run, comm, shared_tmp_path):
    assert run("a", "--steps", 20, "--refresh-every", 10, "--schedule", "exact") == DONE
    refreshes = of_kind(read(shared_tmp_path / "a", comm)[0], "refresh")
    assert [line["step"] for line in refreshes] == [0, 10]
    assert [line["examples_scored"] for line in refreshes] == [8000, 16000]
    assert all(line["usable_fraction"] == 1 and line["staleness_max"] == 0 for line in refreshes)


def test_pipelined_staleness_is_bounded_by_sweep_and_lag(run, comm, shared_tmp_path):
    assert run("a", "--steps", 200, "--refresh-every", 5, "--schedule", "pipelined") == DONE
    refreshes = of_kind(read(shared_tmp_path / "a", comm)[0], "refresh")
    assert [line["step"] for line in refreshes] == list(range(5, 201, 5))
    if comm.size > 1:
        batches_of_the_largest_shard = -(-16 // (comm.size - 1))
        assert refreshes[-1]["staleness_max"] <= 5 * (batches_of_the_largest_shard + 1)


def test_bad_input_is_code_2_on_every_rank_and_writes_nothing(run, comm, shared_tmp_path, capfd):
    assert run("a", "--data-dir", shared_tmp_path / "nowhere", "--data", "mnist") == BAD_INPUT
    comm.Barrier()
    assert not (shared_tmp_path / "a").exists()
    message = capfd.readouterr().err
    assert message.count("\n") == (comm.rank == 0), message


def test_an_existing_run_is_not_overwritten(run, comm, shared_tmp_path):
    assert run("a", "--steps", 3) == DONE
    before = read(shared_tmp_path / "a", comm)
    comm.Barrier()
    assert run("a", "--steps", 4) == BAD_INPUT
    after = read(shared_tmp_path / "a", comm)
    assert before[:2] == after[:2]


def test_more_trainers_than_ranks_are_refused(run, comm):
    assert run("a", "--trainers", comm.size + 1) == BAD_INPUT
