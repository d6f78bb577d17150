"""What does not belong together in a checkpoint is refused, before a rank waits for it."""

import json
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest

from isgd_mpi.ranks.heartbeat import Silent
from isgd_mpi.ranks.records import report_dtype, report_state
from isgd_mpi.ranks.shards import Grid
from isgd_mpi.run import resume
from isgd_mpi.run.resume import Resumption, RunState
from isgd_mpi.settings.config import Config
from isgd_mpi.settings.errors import InputError

N, BATCH, N_SCORERS = 11, 3, 2


def run_state(resumption, best=None):
    grid = Grid(BATCH, N_SCORERS)
    setup = SimpleNamespace(
        grid=grid,
        resumption=resumption,
        shards_of=lambda n_parts: Grid(BATCH, n_parts).shards(N),
        report_dtypes=lambda shards: [report_dtype(shard, 4, 4) for shard in shards],
    )
    evaluations = SimpleNamespace(params=None, best=best, under_way=True)
    trainer = SimpleNamespace(restore=lambda state: None, params=np.zeros(5, np.float32), evaluations=evaluations)
    return RunState(setup, trainer, exchange=None)


def reports(n_parts, **fields):
    states = {}
    for part, shard in enumerate(Grid(BATCH, n_parts).shards(N)):
        report = np.zeros((), report_dtype(shard, 4, 4))
        for name, value in fields.items():
            report[name] = value
        states[str(part)] = report_state(report)
    return states


def restore(resumption, **state):
    """Restore the reports of a state; return them."""
    restored = run_state(resumption)
    restored._restore_reports({"pending": True, **state})
    return restored._reports


@pytest.mark.parametrize(
    ("state", "named"),
    [
        ({"reports": {}}, "reports/0 is missing"),
        ({"reports": reports(1)}, "reports/1 is missing"),
        ({"reports": reports(3)}, "'2' does not belong"),
        ({"reports": reports(2) | {"0": {}}}, "is missing or no array"),
        ({"reports": reports(2, evaluating_step=7)}, "evaluated_params is missing"),
        ({"reports": reports(2), "evaluated_params": np.zeros(4, np.float32)}, "evaluated_params is float32 of shape"),
    ],
)
def test_the_same_ranks_want_a_report_each_and_the_parameters_that_they_evaluate(state, named):
    with pytest.raises(ValueError, match=named):
        restore(Resumption.SAME_RANKS, **state)
    assert len(restore(Resumption.SAME_RANKS, reports=reports(N_SCORERS))) == N_SCORERS


@pytest.mark.parametrize(
    ("sampling", "refused"), [("systematic", None), ("rank", "--sampling was rank"), ([], "damaged")]
)
def test_an_older_name_of_an_option_is_no_change(monkeypatch, tmp_path, sampling, refused):
    numbers = {"run/trainer/step": np.array(3), "log/n_lines": np.array(1), "log/seconds": np.array(1.0)}
    saved = numbers | {"config": json.dumps({"sampling": sampling}).encode()}
    monkeypatch.setattr(resume, "read_checkpoint", lambda path: saved)
    (tmp_path / "checkpoint.npz").touch()
    with pytest.raises(InputError, match=refused) if refused else nullcontext():
        assert resume.SavedRun(Config(resume=str(tmp_path))).step == 3


def test_the_parameters_that_may_be_the_best_are_wanted():
    with pytest.raises(ValueError, match="evaluated_params is missing"):
        run_state(Resumption.SAME_RANKS, best=object())._restore_reports({"pending": True, "reports": reports(2)})


@pytest.mark.parametrize("n_parts", [1, 3, 5])
def test_other_ranks_take_any_number_of_reports(n_parts):
    restored = restore(Resumption.OTHER_RANKS, reports=reports(n_parts, n_scored=7))
    assert [len(report["scores"]) for report in restored] == [len(shard) for shard in Grid(BATCH, n_parts).shards(N)]
    assert all(report["n_scored"] == 7 for report in restored)
    assert restore(Resumption.RELAXED) == []


def test_the_steps_of_a_silent_trainer_are_not_waited_for_until_others_miss_trainer_0():
    state, waits = run_state(None), []
    state.alone, state._setup.config = True, Config(scorer_timeout=5)
    state._trainer.learner = SimpleNamespace(settle=waits.append)
    with pytest.raises(Silent, match="did not finish a step"):
        state.state()
    assert waits == [2.5]
