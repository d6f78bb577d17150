"""Tell the user of examples whose score is no finite number: the mean of the other scores stands for theirs."""

import numpy as np

from isgd_mpi.kernels.sampling import all_finite

_MOST_TOLD = 5  # examples that are named


class BadScores:
    """The examples whose score was not finite, as far as they are named.

    Parameters
    ----------
    log : log.RunLog
    """

    def __init__(self, log):
        self._log = log
        self._told = set()

    def tell(self, rows, scores, step, rank):
        """Name examples with a bad score in the log, each of them once.

        Parameters
        ----------
        rows : slice or (B,) ndarray of int
            Examples of the training set.
        scores : (B,) ndarray
        step : int
            Step now.
        rank : int
            The rank that computed the scores.
        """
        if all_finite(scores):
            return
        bad = np.flatnonzero(~np.isfinite(scores))
        numbers = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
        for example, score in zip(numbers[bad].tolist(), scores[bad].tolist()):
            if example not in self._told and len(self._told) < _MOST_TOLD:
                self._told.add(example)
                last = "; no further ones are named" if len(self._told) == _MOST_TOLD else ""
                text = f"example {example} has the score {score} on rank {rank}: the mean of the others stands for it"
                text += last
                self._log.event(step, text)
                self._log.print(f"step {step}  {text}")
