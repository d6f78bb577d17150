import numpy as np
import pytest

from isgd_mpi.sampling.score_table import NEVER, ScoreTable


@pytest.fixture
def table():
    return ScoreTable(np.array([3, 1, 2, 0, 1]))


def test_a_new_table_has_no_score_and_predicts_the_labels(table):
    assert table.usable_fraction(9) == 0
    np.testing.assert_array_equal(table.steps, [NEVER] * 5)
    np.testing.assert_array_equal(table.predictions, [3, 1, 2, 0, 1])
    mean, largest = table.staleness(3)
    assert np.isnan(mean) and largest == -1
    with pytest.raises(ValueError, match="no example has a usable score"):
        table.filled_scores(9)


def test_predictions_are_not_the_labels_themselves():
    labels = np.zeros(3, np.int32)
    ScoreTable(labels).predictions[:] = 7
    assert not labels.any()


@pytest.mark.parametrize("rows", [slice(1, 4), np.array([1, 2, 3])])
def test_the_newest_score_wins_whatever_comes_first(table, rows):
    table.write(rows, np.full(3, 10.0), step=10)
    table.write(np.array([0, 1]), np.full(2, 5.0), step=5)
    table.write(np.array([3, 4]), np.full(2, 20.0), step=20)
    np.testing.assert_array_equal(table.scores, [5, 10, 10, 20, 20])
    np.testing.assert_array_equal(table.steps, [5, 10, 10, 20, 20])


def test_of_two_scores_of_one_step_the_later_written_wins(table):
    table.write(slice(0, 2), np.array([1.0, 2.0]), step=0)
    table.write(slice(0, 2), np.array([3.0, 4.0]), step=0)
    np.testing.assert_array_equal(table.scores[:2], [3, 4])


def test_an_example_drawn_twice_has_one_score(table):
    table.write(np.array([2, 2, 2]), np.array([4.0, 4.0, 4.0]), step=1)
    np.testing.assert_array_equal(table.scores, [0, 0, 4, 0, 0])
    assert table.usable_fraction(9) == 1 / 5


def test_examples_without_a_score_get_the_mean_of_the_others(table):
    table.write(np.array([0, 3]), np.array([1.0, 4.0]), step=2)
    np.testing.assert_array_equal(table.filled_scores(9), [1, 2.5, 2.5, 4, 2.5])
    assert table.usable_fraction(9) == 2 / 5


def test_filled_scores_are_a_copy_in_float64(table):
    table.write(slice(0, 5), np.arange(5), step=0)
    filled = table.filled_scores(9)
    filled += 1
    assert filled.dtype == np.float64 and table.usable_fraction(9) == 1  # also of step 0
    np.testing.assert_array_equal(table.scores, np.arange(5))


def test_staleness_is_steps_since_the_parameters_behind_the_scores(table):
    table.write(np.array([0, 3]), np.ones(2), step=4)
    table.write(np.array([4]), np.ones(1), step=10)
    assert table.staleness(12) == ((8 + 8 + 2) / 3, 8)


def test_a_score_older_than_the_largest_staleness_is_not_usable():
    table = ScoreTable(np.zeros(4, np.int32), max_staleness=10)
    for row, step in enumerate([0, 5, 6]):
        table.write(slice(row, row + 1), np.array([row + 1.0]), step)
    np.testing.assert_array_equal(table.usable(15), [False, True, True, False])
    assert table.usable_fraction(15) == 0.5
    np.testing.assert_array_equal(table.filled_scores(15), [2.5, 2, 3, 2.5])
    np.testing.assert_array_equal(table.filled_scores(16), [3, 3, 3, 3])
    with pytest.raises(ValueError, match="no example has a usable score"):
        table.filled_scores(17)
