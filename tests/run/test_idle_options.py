from types import SimpleNamespace

import pytest

from isgd_mpi.ranks.shards import Grid, score_batch_size
from isgd_mpi.run.record.idle_options import without_effect
from isgd_mpi.settings.config import Config

N = 1000


def notes(n_scorers=0, descends=False, has_validation=True, **options):
    config = Config(**{"steps": 100, "minibatch_size": 10, "trainers": 1} | options)
    size = min(N, score_batch_size(config.score_batch_size, N))
    dataset = SimpleNamespace(n_train=N)
    models, grid = SimpleNamespace(descends=descends), Grid(size, n_scorers or 1)
    facts = {"n_scorers": n_scorers, "has_validation": has_validation}
    return without_effect(SimpleNamespace(config=config, dataset=dataset, models=models, grid=grid, **facts))


@pytest.mark.parametrize(
    "options, words",
    [
        ({"descends": True, "trainers": 2}, "--trainers 2 sum gradients: the model's own descend is not called"),
        (
            {"descends": True, "momentum": 0.5, "clip_norm": 1.0},
            "--momentum, --clip-norm: have the effect that the model",
        ),
        ({"best_by": "error", "has_validation": False}, "--best-by error: without effect"),
        ({"optimizer": "adamw"}, "--optimizer adamw without --weight-decay is adam"),
        ({"refresh_every": 101}, "--refresh-every 101 is above the 100 steps"),
        ({"eval_every": 101}, "--eval-every 101 is above the 100 steps of this run: evaluated at the end only"),
        ({"score": "uniform", "mixture": 0.5, "feedback": False}, "--mixture, --feedback: without effect"),
        ({"score": "uniform", "lr_scaling": "gain"}, "--lr-scaling: without effect"),
        ({"score": "uniform", "sampling": "rank"}, "--sampling rank: without effect"),
        ({"reference_model": "a.npz"}, "--reference-model: without effect, since --sampling proportional compares"),
        ({"sampling": "infobatch", "steps": None, "seconds": 1.0, "schedule": "exact"}, "relaxes towards the end"),
        ({"predictor": "last"}, "--predictor last: without effect"),
        ({"n_scorers": 2, "max_staleness": 31}, "--max-staleness 31 is below --refresh-every 32"),
        ({"steps": 33, "usable_fraction": 0.4}, "33 steps give at most 0.33 of the training set a usable score"),
        ({"max_staleness": 5, "usable_fraction": 0.1}, "5 steps give at most 0.05 of the training set"),
        ({"score_batch_size": 1001}, "--score-batch-size 1001 is above the 1000 training examples"),
        ({"n_scorers": 5, "score_batch_size": 256}, "1 of 5 scorers has nothing to score: there are 4 score batches"),
        ({"n_scorers": 6, "score_batch_size": 256}, "2 of 6 scorers have nothing to score"),
    ],
)
def test_what_can_never_take_effect_is_one_line(options, words):
    (line,) = notes(**options)
    assert words in line and "\n" not in line


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"n_scorers": 3},
        {"best_by": "error"},
        {"descends": True},
        {"refresh_every": 100, "eval_every": 100},
        {"score": "uniform", "refresh_every": 500},
        {"score": "predicted-loss", "predictor": "last"},
        {"n_scorers": 2, "max_staleness": 32},
        {"n_scorers": 2, "max_staleness": 0, "schedule": "exact"},
        {"steps": 40, "usable_fraction": 0.4},
        {"steps": None, "seconds": 1.0, "usable_fraction": 1.0, "refresh_every": 10_000, "eval_every": 10_000},
        {"n_scorers": 4, "score_batch_size": 256},
        {"score_batch_size": 1000},
    ],
)
def test_of_what_can_take_effect_nothing_is_said(options):
    assert notes(**options) == []
