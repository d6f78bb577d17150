"""Let the learning rate depend on the progress of training."""

import math
from dataclasses import dataclass

_WARM_UP = 0.1  # share of the steps over which the linear schedule rises
_STEPS_DOWN = (0.5, 0.75)  # shares of the steps after which the step schedule divides
_DIVISOR = 10


@dataclass(frozen=True)
class LearningRate:
    """The learning rate of each step.

    Attributes
    ----------
    highest : float
        The largest one.
    schedule : str
        ``constant``; ``linear``: it rises over the first tenth of the steps, and then falls, to zero at their end;
        ``cosine``: it falls to zero along half a wave; ``step``: it is a tenth after half of the steps, and a
        hundredth after three quarters.
    n_steps : int or None
        Steps of the training; only ``constant`` does without.
    """

    highest: float
    schedule: str = "constant"
    n_steps: int | None = None

    def after(self, n_done):
        """Return the learning rate of the step that follows a number of steps, which need not be whole."""
        if self.schedule == "constant":
            return self.highest
        return self.highest * _FACTORS[self.schedule](n_done, self.n_steps)

    def share(self, n_done):
        """Return the share of the schedule that a number of its steps is; NaN if the rate is constant."""
        return math.nan if self.schedule == "constant" else min(n_done / self.n_steps, 1.0)


def _linear(n_done, n_steps):
    done = min((n_done + 1) / (n_steps + 1), 1.0)
    return min(done / _WARM_UP, (1 - done) / (1 - _WARM_UP))


def _cosine(n_done, n_steps):
    return (1 + math.cos(math.pi * min(n_done / n_steps, 1.0))) / 2


def _step(n_done, n_steps):
    return _DIVISOR ** -sum(n_done >= share * n_steps for share in _STEPS_DOWN)


_FACTORS = {"linear": _linear, "cosine": _cosine, "step": _step}
