"""Steps that were ordered and not learnt from yet: none between two steps, unless trainer 0 feeds other trainers."""

from collections import deque
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from isgd_mpi.sampling.score_table import NEVER
from isgd_mpi.settings.errors import Diverged
from isgd_mpi.settings.saved import check_array, check_names, plain
from isgd_mpi.training.minibatch import PER_EXAMPLE, Minibatch

_OF_MINIBATCHES = {
    "indices": (2, "i"),
    "importance_weights": (2, "f"),
    "loss": (1, "f"),
    **dict.fromkeys(PER_EXAMPLE, (2, "f")),
    "predictions": (2, "i"),
}
_SAVED = {"steps": (1, "i"), **_OF_MINIBATCHES}  # dimensions and kind


class Taken(NamedTuple):
    """A step that was taken: its number, and the minibatch of it."""

    step: int
    minibatch: Minibatch


class OrderedSteps:
    """Has steps taken by a learner, which may answer some steps late, and keeps account of those that are not answered.

    Parameters
    ----------
    learner : minibatch.Learner, co_trainers.TrainerGroup or feeder.Feeder
    explain : callable
        Takes a FloatingPointError, the step that it befell, and the weights of the losses; returns the Diverged to
        raise.

    Attributes
    ----------
    kept_step : int
        Step of the parameters that are being kept, or NEVER.
    """

    def __init__(self, learner, explain):
        self._learner, self._explain = learner, explain
        self._delay = learner.depth + 1 if learner.depth else 0
        self._ordered = deque()  # of step, indices, importance weights, weights of the losses: not answered
        self._taken = deque()  # answered, and not learnt from
        self._idle_seconds = 0.0  # before the run was resumed
        self.kept_step = NEVER

    def order(self, step, drawn, weights, with_gradient):
        """Order a step.

        Parameters
        ----------
        step : int
            Its number.
        drawn : tuple of ndarray
            Indices and importance weights of its minibatch.
        weights : (M,) ndarray of float64
            Weights of the losses.
        with_gradient : bool
            See :meth:`minibatch.Learner.descend`.

        Raises
        ------
        Diverged
            The step was not taken.
        """
        try:
            answer = self._learner.descend(drawn[0], weights, with_gradient)
        except FloatingPointError as error:
            raise self._explain(error, step, weights) from None
        self._ordered.append((step, *drawn, weights))
        if answer is not None:
            self._answer(answer)

    def due(self):
        """Yield the steps that are to be learnt from now: all but as many as the learner answers late.

        Raises as :meth:`order` does.
        """
        return self._until(self._learner.depth)

    def rest(self):
        """Yield all steps that are left, once they are taken; raises as :meth:`order` does."""
        return self._until(0)

    def _until(self, n_left):
        """Yield the first steps until as many are left."""
        while len(self._taken) + len(self._ordered) > n_left:
            if not self._taken:
                self._collect()
            yield self._taken.popleft()

    def drop(self):
        """Forget the steps that are left, once they are taken."""
        while self._ordered:
            with suppress(Diverged):
                self._collect()
        self._taken.clear()

    def _collect(self):
        """Wait for the next answer."""
        try:
            self._answer(self._learner.collect())
        except FloatingPointError as error:
            step, _, _, weights = self._ordered.popleft()
            raise self._explain(error, step, weights) from None

    def _answer(self, answer):
        step, indices, importance_weights, _ = self._ordered.popleft()
        self._taken.append(Taken(step, Minibatch(indices, importance_weights, *answer)))

    def keep_params(self, step):
        """Keep the parameters of this step, behind all that are ordered; see :meth:`take_params`."""
        self.kept_step = step
        self._learner.keep_params()

    @property
    def keeps_params(self):
        """True if parameters are kept, and not taken yet."""
        return self.kept_step != NEVER

    def has_params(self, step):
        """Return whether parameters are kept that are whole by this step."""
        return self.keeps_params and step >= self.kept_step + self._delay

    def take_params(self):
        """Return the step of the parameters that were kept, and themselves, valid until others are kept."""
        step, self.kept_step = self.kept_step, NEVER
        return step, self._learner.kept_params

    @property
    def idle_seconds(self):
        """Time that the trainers have waited for orders, if trainer 0 feeds them."""
        return self._idle_seconds + self._learner.idle_seconds

    def state(self):
        """Return the state, once all steps that are ordered are taken; raises as :meth:`order` does."""
        while self._ordered:
            self._collect()
        if not self._learner.depth:
            return {}
        return {
            **_columns_of(self._taken),
            "kept_step": self.kept_step,
            "params": self._learner.kept_params[: None if self.keeps_params else 0],
            "idle_seconds": self.idle_seconds,
        }

    def restore(self, state):
        """Take the state back; see :class:`saved.Saved`. That of another kind of learner is no reason to refuse it.

        A learner that answers at once keeps no copy of parameters: a refresh that waited for one is left out then.
        """
        if not state:
            return
        check_names(state, (*_SAVED, "kept_step", "params", "idle_seconds"))
        columns = _columns(state)
        self._idle_seconds = plain("idle_seconds", state.get("idle_seconds"), float)
        for step, indices, weights, loss, *of_examples in zip(*columns):
            self._taken.append(Taken(int(step), Minibatch(indices, weights, float(loss), None, *of_examples)))
        kept_step = plain("kept_step", state.get("kept_step"), int)
        if kept_step != NEVER and self._learner.depth:
            check_array(state.get("params"), self._learner.kept_params, "params")
            self._learner.kept_params[:] = state["params"]
            self.kept_step = kept_step


def _columns_of(steps):
    """Return arrays of what is saved of some steps, by name."""
    minibatches = [taken.minibatch for taken in steps]
    columns = {name: [getattr(each, name) for each in minibatches] for name in _OF_MINIBATCHES}
    columns["steps"] = [taken.step for taken in steps]
    return {name: np.array(columns[name]) if steps else np.zeros(0, kind) for name, (_, kind) in _SAVED.items()}


def _columns(state):
    """Return what was saved of steps, in the order of _SAVED; raise ValueError if it does not fit together."""
    shape = getattr(state.get("indices"), "shape", ())
    for name, (n_dimensions, kind) in _SAVED.items():
        dtype, found = getattr(state.get(name), "dtype", None), getattr(state.get(name), "shape", None)
        if dtype is None or dtype.kind != kind or found != shape[:n_dimensions]:
            raise ValueError(f"{name} is missing, or does not fit {shape[:n_dimensions]} numbers of other parts")
    return [state[name] for name in _SAVED]
