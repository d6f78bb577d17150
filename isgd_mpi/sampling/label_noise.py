"""Suspect wrong labels: examples that keep the largest scores, all alike, and that the model takes for another class.

An example with a wrong label keeps a large gradient, which training on the others does not reduce. So the examples with
the largest scores stay the same, and their labels are not what the model predicts. The hardest examples with right
labels are like that, too. Two things tell: that the scores still form a plateau after some epochs, since many examples
are equally wrong, or that the model errs more often on what it is trained on than on held-out data.
"""

import math

import numpy as np

from isgd_mpi.settings.saved import Saved

_TOP = 0.01  # share of the training set that is looked at
# measured on mnist10k, letter and page-blocks, with 3 or 10 % of the labels wrong, and with none: see docs/method.md
_LEAST_DISAGREEING = 0.9
_LEAST_KEPT, _LEAST_PLATEAU = 0.75, 0.8
_LEAST_EPOCHS = 6  # before a plateau tells anything: examples that are not learned yet form one, too
_LEAST_KEPT_BESIDE_ERRORS, _LEAST_RATIO = 0.6, 1.25  # of the errors on training and held-out data
_LOW, _HIGH = 0.98, 0.995  # quantiles of the scores whose ratio is the plateau
_LEAST_EXAMPLES = 10  # in the top


class LabelNoise(Saved):
    """Looks at the examples with the largest scores once in an epoch.

    Parameters
    ----------
    labels : (N,) ndarray of int
    interval : int
        Steps from one look to the next.

    Attributes
    ----------
    kept : float
        Share of the examples on top that were there at the look before; NaN if unknown.
    disagreeing : float
        Share of them that are predicted as another class than their label.
    plateau : float
        The 0.98-quantile of all scores over the 0.995-quantile.
    """

    saved = ("_top", "_due", "kept", "disagreeing", "plateau")

    def __init__(self, labels, interval):
        self._labels = labels
        self._interval = self._due = interval
        self._top = np.full(int(_TOP * len(labels)), -1, np.int64)
        self.kept = self.disagreeing = self.plateau = math.nan

    def suspicion(self, training_error=0.0, held_out_error=math.inf):
        """Return a sentence if label noise is suspected, or an empty string.

        Parameters
        ----------
        training_error, held_out_error : float
            Fractions of the training set and of held-out data that are predicted wrongly, if they are known.
        """
        late = self._due > _LEAST_EPOCHS * self._interval
        by_scores = late and self.kept >= _LEAST_KEPT and self.plateau >= _LEAST_PLATEAU
        by_errors = self.kept >= _LEAST_KEPT_BESIDE_ERRORS and training_error > _LEAST_RATIO * held_out_error
        if not (self.disagreeing >= _LEAST_DISAGREEING and (by_scores or by_errors)):
            return ""
        reason = "the model errs less on held-out data" if by_errors else "their scores are alike"
        return (
            f"label noise is suspected: of the {_TOP:.0%} of the examples with the largest scores {self.kept:.0%} are "
            f"the same as an epoch before, {self.disagreeing:.0%} are predicted as another class, and {reason}: check "
            "their labels; a larger --mixture or --score uniform spends fewer steps on them"
        )

    def update(self, table, step):
        """Look at the scores, if it is time and all examples have one.

        Parameters
        ----------
        table : score_table.ScoreTable
        step : int
            Step now.
        """
        n = len(self._top)
        if n < _LEAST_EXAMPLES or step < self._due or table.usable_fraction(step) < 1:
            return
        self._due = step + self._interval
        low, high = np.quantile(table.scores, (_LOW, _HIGH))
        top = np.argpartition(table.scores, -n)[-n:]
        self.kept = float(np.isin(top, self._top).mean()) if self._top[0] >= 0 else math.nan
        self.disagreeing = float(np.mean(table.predictions[top] != self._labels[top]))
        self.plateau = float(low / high) if high > 0 else math.nan
        self._top[:] = top
