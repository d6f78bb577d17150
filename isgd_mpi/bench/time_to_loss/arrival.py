"""The result of a run of the benchmark ``time-to-loss``."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Arrival:
    """The result of a run.

    Attributes
    ----------
    allowed_seconds : float
        Training time that the run had.
    seconds, steps : float, int or None
        Time and step of the first snapshot below the target; None if there is none.
    loss : float or None
        Of that snapshot, or of the last one, nats; None if it is not finite.
    steps_per_second : float or None
        Over the whole run.
    problem : str or None
        The reason why the run failed.
    """

    allowed_seconds: float
    seconds: float | None = None
    steps: int | None = None
    loss: float | None = None
    steps_per_second: float | None = None
    problem: str | None = None

    @property
    def order(self):
        """Return a key that sorts the better arrival first: by time, then by loss."""
        return tuple(math.inf if value is None else value for value in (self.seconds, self.loss))
