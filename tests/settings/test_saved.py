"""States by declaration."""

import numpy as np
import pytest

from isgd_mpi.settings.saved import Saved


class Part(Saved):
    saved = ("values", "_n")

    def __init__(self):
        self.values = np.zeros(3, np.float32)
        self._n = 0


class Whole(Saved):
    saved = ("part", "nothing", "on", "share", "_why")

    def __init__(self):
        self.part, self.nothing = Part(), None
        self.on, self.share, self._why = True, 0.5, b""


def changed():
    whole = Whole()
    whole.part.values[:] = 1, 2, 3
    whole.part._n = 4
    whole.on, whole.share, whole._why = False, np.nan, b"because"
    return whole


def test_a_state_has_the_attributes_values_by_name_and_nothing_for_none():
    state = changed().state()
    assert state.keys() == {"part", "on", "share", "why"} and state["part"].keys() == {"values", "n"}


@pytest.mark.parametrize("of_file", [False, True])
def test_what_is_restored_is_what_was_there_and_arrays_stay_the_same_objects(of_file):
    state, whole = changed().state(), Whole()
    values = whole.part.values
    if of_file:  # numbers come back as arrays
        state = {name: value if name == "part" else np.asarray(value) for name, value in state.items()}
        state["part"] = {name: np.array(value) for name, value in state["part"].items()}
    whole.restore(state)
    assert values.tolist() == [1, 2, 3] and whole.part.values is values and whole.part._n == 4
    assert whole.on is False and np.isnan(whole.share) and whole._why == b"because"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"extra": 1}, "'extra' does not belong"),
        ({"nothing": 1}, "'nothing' does not belong"),
        ({"on": 1}, "on is missing or not a single bool"),
        ({"share": np.zeros(2)}, "share is float64 of shape"),
        ({"share": np.array(1)}, "share is int64"),
        ({"part": 3}, "part/there should be several values"),
        ({"part": {"values": np.zeros(3), "n": 1}}, "part/values is float64 of shape .3,., not float32"),
        ({"part": {"values": np.zeros(4, np.float32), "n": 1}}, "part/values is float32 of shape .4,."),
        ({"part": {"values": np.zeros(3, np.float32)}}, "part/n is missing"),
        ({"part": {"n": 3}}, "part/values is missing"),
    ],
)
def test_a_state_of_another_kind_is_refused_by_name(change, named):
    with pytest.raises(ValueError, match=named):
        Whole().restore(changed().state() | change)
