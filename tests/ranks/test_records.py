"""Records of a refresh: the fresh batches in reports, and reports as states."""

import numpy as np
import pytest

from isgd_mpi.ranks.records import fresh_batches, report_dtype, report_state, restored_report
from isgd_mpi.ranks.shards import Grid
from isgd_mpi.sampling.score_table import NEVER

N, BATCH = 11, 3


def reports_of(shards, rng):
    reports = [np.zeros((), report_dtype(shard, 300, 2)) for shard in shards]
    for shard, report in zip(shards, reports):
        report["scores"], report["predictions"] = rng.random(len(shard)), rng.integers(0, 300, len(shard))
        report["batch_steps"] = NEVER
    return reports


@pytest.mark.parametrize("n_parts", [1, 2, 3, 5])
def test_each_batch_is_fresh_once_for_each_step_of_its_parameters(rng, n_parts):
    shards = Grid(BATCH, n_parts).shards(N)
    reports, known = reports_of(shards, rng), np.full(4, NEVER, np.int64)
    assert list(fresh_batches(reports, known, shards)) == []
    scores = np.concatenate([report["scores"] for report in reports])
    predictions = np.concatenate([report["predictions"] for report in reports])
    for step in (5, 9):
        for report in reports:
            report["batch_steps"] = step
        batches = list(fresh_batches(reports, known, shards))
        assert [(rows.start, rows.stop) for rows, *_ in batches] == [(each.start, each.stop) for each in shards if each]
        for rows, own_scores, own_predictions, own_step in batches:
            np.testing.assert_array_equal(own_scores, scores[rows])
            np.testing.assert_array_equal(own_predictions, predictions[rows])
            assert own_step == step
        assert list(fresh_batches(reports, known, shards)) == []


def test_batches_are_taken_together_where_they_follow_each_other_and_have_the_same_step(rng):
    shards = Grid(BATCH, 1).shards(7 * BATCH - 1)
    (report,), known = reports_of(shards, rng), np.array([4, 4, 4, 4, 6, 5, 6])
    report["batch_steps"] = [5, 5, 4, 6, 6, 6, 7]
    found = [(rows.start, rows.stop, step) for rows, _, _, step in fresh_batches([report], known, shards)]
    assert found == [(0, 6, 5), (9, 12, 6), (15, 18, 6), (18, 20, 7)]


@pytest.mark.parametrize(
    ("n_classes", "dtype"), [(2, np.uint8), (256, np.uint8), (257, np.uint16), (70_000, np.uint32)]
)
def test_predicted_classes_take_the_smallest_type_that_holds_them_and_words_stay_aligned(n_classes, dtype):
    found = report_dtype(Grid(BATCH, 1).shards(N)[0], n_classes, n_classes)
    assert found["predictions"].base == dtype and found.itemsize % 8 == 0


def test_a_report_is_restored_but_for_the_signal_that_ended_the_last_life(rng):
    (report,) = reports_of(Grid(BATCH, 1).shards(N), rng)
    report["signal"], report["n_scored"] = 15, 7
    again = restored_report(report_state(report), report.dtype)
    assert again["signal"] == 0
    report["signal"] = 0
    assert again == report
    with pytest.raises(ValueError, match="scores is float64"):
        restored_report(report_state(report) | {"scores": np.zeros(N)}, report.dtype)
