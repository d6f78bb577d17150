"""Trainer 0's end of the ring, with nobody at the other end: this test obeys."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from isgd_mpi.model.share import WHOLE
from isgd_mpi.ranks.heartbeat import Silent
from isgd_mpi.ranks.shared import Count, Lookout
from isgd_mpi.ranks.waiting import POLITE
from isgd_mpi.training.feeder import Feeder, Ring, slot_dtype


def lose(*_):
    raise Silent("a trainer was lost")


def test_parameters_are_whole_once_the_steps_are_taken_whatever_becomes_of_a_refresh():
    params = np.zeros(4, np.float32)
    ring = Ring(WHOLE, params, 2, depth=3, make_count=partial(Count, lookout=Lookout(POLITE, crowded=True)))
    optimiser = SimpleNamespace(n_done=0, scaling=np.ones(4), advance=lambda: None)
    learner = SimpleNamespace(model=SimpleNamespace(params=params), optimiser=optimiser)
    feeder = Feeder(ring, learner, SimpleNamespace(answer=lose))
    assert feeder.settle(0.0)
    feeder.descend(np.arange(2), np.ones(2), with_gradient=False)
    assert not feeder.settle(1e-3)
    ring.done.raise_to(1)
    with pytest.raises(Silent):
        feeder.refresh(None)
    assert feeder.settle(0.0)


@pytest.mark.parametrize("size", [1, 16])
def test_each_number_of_a_slot_lies_where_kernels_may_read_it(size):
    slots = np.zeros(5, slot_dtype(size, np.float32))
    assert all(slot[name].flags.aligned for slot in slots for name in slots.dtype.names if slot[name].ndim)
