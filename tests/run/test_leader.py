from types import SimpleNamespace

import pytest

from isgd_mpi.ranks.heartbeat import Silent
from isgd_mpi.run.leader import Leader
from isgd_mpi.settings.errors import Diverged


@pytest.mark.parametrize("problem", [Silent("a trainer did not finish a step"), Diverged("the loss is not finite")])
def test_the_silent_rank_is_what_is_told_if_the_state_cannot_be_saved_either(problem):
    def fail(step):
        raise problem

    def nothing(*arguments):
        pass

    leader = object.__new__(Leader)
    leader._run = SimpleNamespace(
        trainer=SimpleNamespace(step=7), state=SimpleNamespace(), log=SimpleNamespace(event=nothing)
    )
    leader._setup = SimpleNamespace(resume_command="--resume RUN")
    leader._best_file = SimpleNamespace(finish=nothing)
    leader._checkpoints = SimpleNamespace(step=5, finish=nothing, save=fail, describe=lambda: "the checkpoint stays")
    silent = Silent("no answer from rank 2")
    leader._give_up(silent)
    assert str(silent) == "stopped at step 7: no answer from rank 2; the checkpoint stays: go on with --resume RUN"
    assert silent.can_go_on
