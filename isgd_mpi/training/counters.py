"""What a training run has done so far, and the rates between two such counts."""

import math
from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True)
class Counters:
    """What had been done at a refresh.

    Attributes
    ----------
    seconds : float
        Since training began.
    step, n_scored : int
        Steps taken, examples scored.
    exchange_seconds, summing_seconds, merge_seconds : float
        Spent on exchanges, on summing gradients over trainers, on merging.
    sum_of_losses : float
        Of the minibatches.
    """

    seconds: float = 0.0
    step: int = 0
    n_scored: int = 0
    exchange_seconds: float = 0.0
    summing_seconds: float = 0.0
    merge_seconds: float = 0.0
    sum_of_losses: float = 0.0

    def state(self):
        """Return the state; see :mod:`isgd_mpi.ranks.states`."""
        return asdict(self)

    @classmethod
    def restored(cls, state):
        """Return the counts of a state."""
        return cls(**{field.name: field.type(state[field.name]) for field in fields(cls)})

    def rates_since(self, past):
        """Return rates and means over an interval.

        Parameters
        ----------
        past : Counters
            At its beginning.

        Returns
        -------
        dict of float
            Fields of a refresh.
        """
        seconds = max(self.seconds - past.seconds, 1e-9)
        n_steps = self.step - past.step
        waited = self.exchange_seconds - past.exchange_seconds + self.summing_seconds - past.summing_seconds
        return {
            "steps_per_second": n_steps / seconds,
            "scored_per_second": (self.n_scored - past.n_scored) / seconds,
            "wait_fraction": waited / seconds,
            "minibatch_loss": (self.sum_of_losses - past.sum_of_losses) / n_steps if n_steps else math.nan,
        }

    def refresh_share_since(self, past):
        """Return the share of the time that went to refreshes: the exchange and merging."""
        refreshing = self.exchange_seconds - past.exchange_seconds + self.merge_seconds - past.merge_seconds
        return min(1.0, refreshing / max(self.seconds - past.seconds, 1e-9))
