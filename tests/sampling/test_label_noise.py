import numpy as np
import pytest

from isgd_mpi.sampling.label_noise import LabelNoise
from isgd_mpi.sampling.score_table import ScoreTable

N = 2000
LABELS = np.zeros(N, int)


def looked(rng, hard, jitter=0.01, predicted=1, last=60):
    """Look twice, an epoch apart, at scores of which the first 100 are those of hard examples."""
    table, noise = ScoreTable(LABELS), LabelNoise(LABELS, interval=10)
    for step in (last - 10, last - 5, last):
        scores = rng.exponential(size=N) / 10
        scores[:100] = hard * (1 + jitter * rng.standard_normal(100))
        table.write(slice(0, N), scores, step)
        table.predictions[:100] = predicted
        noise.update(table, step)
    return noise


# nearly the same order of 100 hard examples each time, as they keep it in training
PLATEAU, TAIL = 10 + np.linspace(0, 1, 100), 10 * np.linspace(0, 1, 100) ** 3


def test_many_equally_wrong_examples_are_suspected(rng):
    noise = looked(rng, PLATEAU, jitter=0.002)
    assert noise.kept > 0.75 and noise.disagreeing == 1 and noise.plateau > 0.8
    assert "label noise is suspected: of the 1% of the examples" in noise.suspicion()


@pytest.mark.parametrize(
    ("hard", "jitter", "predicted"),
    [(TAIL, 0.002, 1), (PLATEAU, 0.002, 0), (PLATEAU, 0.5, 1), (0 * PLATEAU, 0, 1)],
    ids=["few are as hard as the hardest", "they agree with their labels", "others each time", "all are easy"],
)
def test_other_hard_examples_are_not(rng, hard, jitter, predicted):
    assert looked(rng, hard, jitter, predicted).suspicion() == ""


def test_a_plateau_of_examples_that_are_not_learned_yet_is_not_suspected(rng):
    noise = looked(rng, PLATEAU, jitter=0.002, last=50)
    assert noise.kept > 0.75 and noise.disagreeing == 1 and noise.plateau > 0.8
    assert noise.suspicion() == ""
    assert "errs less on held-out data" in noise.suspicion(0.12, 0.06)


def test_a_model_that_errs_less_on_held_out_data_makes_hard_examples_suspicious(rng):
    noise = looked(rng, TAIL, jitter=0.002)
    assert "errs less on held-out data" in noise.suspicion(0.12, 0.06)
    assert noise.suspicion(0.06, 0.06) == ""


def test_nothing_is_said_before_all_have_a_score(rng):
    table, noise = ScoreTable(LABELS), LabelNoise(LABELS, interval=10)
    table.write(slice(0, N - 1), rng.random(N - 1), 10)
    noise.update(table, 10)
    assert np.isnan(noise.kept) and noise.suspicion(1.0, 0.0) == ""


def test_the_state_comes_back(rng):
    noise, other = looked(rng, PLATEAU, jitter=0.002), LabelNoise(LABELS, interval=10)
    other.restore(noise.state())
    assert other.suspicion() == noise.suspicion() != ""
