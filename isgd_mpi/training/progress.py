"""Count gain as progress along the schedule of the learning rate.

In AdaScale (Johnson et al. 2020, arXiv:2007.05105) a step whose learning rate is raised by a factor counts as that many
steps of the schedule, and the run ends with the schedule. Here the steps are given, and the schedule ends with the last
of them. So the position is the share that the steps so far have of the gain of all steps, ``G / (G + F n)``, where G is
the sum of their factors, n the number of steps that are left, and F the factor that is expected of these on average.
"""

import numpy as np

from isgd_mpi.settings.saved import Saved


class Progress(Saved):
    """Says how far a run is along its schedule. The position never goes back: it waits where more gain is expected.

    Parameters
    ----------
    n_steps : int
        Steps of the run, and of the schedule.

    Attributes
    ----------
    line : (3,) ndarray
        Until the next refresh: see :meth:`optim.Optimiser.scale`.
    """

    saved = ("line", "_n_steps", "_gain", "_factor", "_expected", "_step")

    def __init__(self, n_steps):
        self._n_steps = n_steps
        self._gain, self._step = 0.0, 0  # at the last refresh
        self._factor = self._expected = 1.0  # since then, and from then to the end
        self.line = np.array([0.0, 1.0, 0.0])

    def renew(self, step, factor, expected):
        """Choose the pace of the steps until the next refresh.

        Parameters
        ----------
        step : int
            Steps done.
        factor : float
            Of the learning rate of the steps that follow.
        expected : float
            Of all steps that are left, on average.
        """
        origin, pace, least = self.line.tolist()
        reached = max(least, origin + pace * step)
        self._gain += self._factor * (step - self._step)
        interval, self._step = step - self._step, step
        self._factor, self._expected = factor, expected
        self._aim(interval, reached)

    def _aim(self, interval, least):
        """Aim at the share of the gain after another interval of steps; the position is at least what was reached."""
        n = max(1, min(interval, self._n_steps - self._step))
        now, then = self._position(0), self._position(n)
        pace = (then - now) / n
        self.line[:] = now - pace * self._step, pace, least

    def _position(self, n_more):
        gain = self._gain + self._factor * n_more
        return self._n_steps * gain / (gain + self._expected * max(0, self._n_steps - self._step - n_more))

    def restore(self, state):
        """Take the state back; with another number of steps the schedule is another one, and the position anew."""
        n_steps = self._n_steps
        super().restore(state)
        if self._n_steps != n_steps:
            self._n_steps = n_steps
            self._aim(self._n_steps, 0.0)
