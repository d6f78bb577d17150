"""Remember the parameters with the least validation loss or error, and when patience with finding better ones ends."""

import math

import numpy as np

from isgd_mpi.sampling.score_table import NEVER
from isgd_mpi.settings.saved import Saved


class Best(Saved):
    """The best parameters that evaluations of the validation set have found.

    Parameters
    ----------
    n_params : int
    measure : str
        Name of the figure of the validation set that is to be small, such as "loss" or "error".
    patience : int, optional
        Number of evaluations in a row without a smaller one after which training ends.

    Attributes
    ----------
    measure, patience : str, int or None
        See the parameters.
    step : int
        Step of the best parameters, or NEVER.
    value : float
        Their figure.
    params : (P,) ndarray of float32
        The parameters. Another vector takes the place of this one as soon as better ones are found.
    n_worse : int
        Evaluations since then.
    """

    saved = ("step", "value", "params", "n_worse")

    def __init__(self, n_params, measure, patience=None):
        self.measure, self.patience = measure, patience
        self.step, self.value, self.n_worse = NEVER, math.inf, 0
        self.params = np.zeros(n_params, np.float32)

    @property
    def found(self):
        """True once an evaluation is complete whose figure was finite."""
        return self.step != NEVER

    @property
    def exhausted(self):
        """True once patience is at its end."""
        return self.patience is not None and self.n_worse >= self.patience

    @property
    def summary(self):
        """Step, measure and value of the best parameters, ready for JSON; None if there are none."""
        return {"step": self.step, "by": self.measure, "value": self.value} if self.found else None

    def update(self, step, figures, params):
        """Take the result of an evaluation.

        Parameters
        ----------
        step : int
            Step of the parameters.
        figures : dict of str to float
            Of the validation set.
        params : (P,) ndarray of float32
            The parameters. Kept, not copied.
        """
        if figures[self.measure] < self.value:  # NaN is not
            self.step, self.value, self.params, self.n_worse = step, figures[self.measure], params, 0
        else:
            self.n_worse += 1
