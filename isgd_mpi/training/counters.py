"""Counts of a training run, and the rates between two such counts."""

import math
from dataclasses import dataclass, fields

from isgd_mpi.settings.saved import Saved


@dataclass
class Counters(Saved):
    """The counts of a training run at a refresh.

    Attributes
    ----------
    seconds : float
        Time since training began.
    step, n_scored : int
        Steps taken, examples scored.
    refresh_seconds, merge_seconds, summing_seconds : float
        Time spent on refreshes without merging, on merging, on summing gradients over trainers.
    sum_of_losses : float
        Sum over the minibatches, nats.
    """

    seconds: float = 0.0
    step: int = 0
    n_scored: int = 0
    refresh_seconds: float = 0.0
    merge_seconds: float = 0.0
    summing_seconds: float = 0.0
    sum_of_losses: float = 0.0

    @property
    def saved(self):
        """Names of all fields."""
        return tuple(field.name for field in fields(self))

    def lose(self, refresh_seconds, merge_seconds, summing_seconds):
        """Set the time that was lost so far to steps."""
        self.refresh_seconds, self.merge_seconds = refresh_seconds, merge_seconds
        self.summing_seconds = summing_seconds

    def rates_since(self, past):
        """Return rates and means since past counts, for the metrics file, as dict of float."""
        seconds = max(self.seconds - past.seconds, 1e-9)
        n_steps = self.step - past.step
        waited = self.refresh_seconds - past.refresh_seconds + self.summing_seconds - past.summing_seconds
        return {
            "steps_per_second": n_steps / seconds,
            "scored_per_second": (self.n_scored - past.n_scored) / seconds,
            "wait_fraction": min(1.0, waited / seconds),  # one wait may lie in two intervals, and counts when it ends
            "minibatch_loss": (self.sum_of_losses - past.sum_of_losses) / n_steps if n_steps else math.nan,
        }

    def refresh_share_since(self, past):
        """Return the share of the time since past counts that was spent on refreshes and merging."""
        refreshing = self.refresh_seconds - past.refresh_seconds + self.merge_seconds - past.merge_seconds
        return min(1.0, refreshing / max(self.seconds - past.seconds, 1e-9))
