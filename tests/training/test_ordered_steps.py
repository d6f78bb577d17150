"""Steps whose answers come late are saved, and given back to whatever learner goes on with them."""

from types import SimpleNamespace

import numpy as np
import pytest

from isgd_mpi.settings.errors import Diverged
from isgd_mpi.training.minibatch import Answer
from isgd_mpi.training.ordered_steps import NEVER, OrderedSteps


def learner_of(depth, params):
    """Return a learner that answers so many steps late, and keeps a copy of its parameters if that is any."""
    kept = params.copy() if depth else params
    answer = Answer(0.5, None, np.ones(2), np.ones(2, int), np.ones(2))
    return SimpleNamespace(
        depth=depth, kept_params=kept, idle_seconds=1.5, keep_params=lambda: None, descend=lambda *_: None,
        collect=lambda: answer,
    )  # fmt: skip


def saved(depth=2):
    """Return the state behind a step that is not learnt from, and parameters that are kept."""
    ordered = OrderedSteps(learner_of(depth, np.full(3, 7.0)), explain=None)
    ordered.keep_params(4)
    ordered.order(4, (np.arange(2), np.ones(2)), np.ones(2), False)
    return ordered.state()


@pytest.mark.parametrize(("depth", "kept_step", "kept"), [(2, 4, 7.0), (5, 4, 7.0), (0, NEVER, 1.0)])
def test_a_learner_that_answers_at_once_learns_what_is_left_and_stays_where_it_is(depth, kept_step, kept):
    learner = learner_of(depth, np.ones(3))
    ordered = OrderedSteps(learner, explain=None)
    ordered.restore(saved())
    assert ordered.kept_step == kept_step and (learner.kept_params == kept).all()
    assert [taken.step for taken in (ordered.due() if depth == 0 else ordered.rest())] == [4]


@pytest.mark.parametrize("name", saved())
def test_a_state_that_lacks_a_part_or_has_one_of_another_shape_is_refused(name):
    state = saved()
    for other in ({}, {name: np.zeros((1, 2, 2))}):
        with pytest.raises(ValueError, match="missing|does not fit|not a single|is float64 of"):
            OrderedSteps(learner_of(2, np.ones(3)), explain=None).restore(
                {key: value for key, value in state.items() if key != name} | other
            )


def test_a_state_without_steps_is_restored():
    ordered, other = (OrderedSteps(learner_of(2, np.ones(3)), explain=None) for _ in range(2))
    ordered.restore(other.state())
    assert not list(ordered.rest()) and not ordered.keeps_params
    assert ordered.idle_seconds == 2 * other.idle_seconds  # what had been waited before counts, too


@pytest.mark.parametrize("depth", [1, 3])
def test_a_step_is_learnt_from_and_parameters_are_whole_once_as_many_more_are_ordered(depth):
    ordered, learnt = OrderedSteps(learner_of(depth, np.ones(3)), explain=None), []
    ordered.keep_params(0)
    for step in range(5):
        assert ordered.has_params(step) == (step > depth)
        ordered.order(step, (np.arange(2), np.ones(2)), np.ones(2), False)
        learnt.append([taken.step for taken in ordered.due()])
    assert learnt == [[]] * depth + [[step] for step in range(5 - depth)]
    assert [taken.step for taken in ordered.rest()] == list(range(5 - depth, 5))


def test_a_step_that_was_not_taken_is_named_and_those_behind_it_can_be_dropped():
    def fail():
        raise FloatingPointError("the loss is not finite")

    learner = learner_of(2, np.ones(3))
    ordered = OrderedSteps(learner, lambda error, step, weights: Diverged(f"{error} at step {step}"))
    for step in range(3):
        ordered.order(step, (np.arange(2), np.ones(2)), np.ones(2), False)
    assert [taken.step for taken in ordered.due()] == [0]
    learner.collect = fail
    with pytest.raises(Diverged, match="not finite at step 1"):
        next(ordered.rest())
    ordered.drop()
    assert not list(ordered.rest())
