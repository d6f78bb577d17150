"""Name the measure that predictions are judged by, beside the loss: the error, or the RMSE of numbers."""

from typing import NamedTuple


class Measure(NamedTuple):
    """A measure of predictions; less is better.

    Attributes
    ----------
    name : str
        Its field in the metrics.
    text : str
        Its name for people.
    unit : str
    factor : float
        What it is multiplied by to be in that unit.
    loss_unit : str
        Unit of the loss beside it.
    """

    name: str
    text: str
    unit: str
    factor: float
    loss_unit: str

    @property
    def label(self):
        """The label of an axis or a column."""
        return f"{self.text} / {self.unit}"

    def words(self, value):
        """Return a value for people."""
        return f"{value:.2%}" if self.unit == "%" else f"{value:.4g}"


ERROR = Measure("error", "error", "%", 100.0, "nats")
"""The fraction of examples of which the class, or any label, is predicted wrongly."""

RMSE = Measure("rmse", "RMSE", "unit of the target", 1.0, "squared standard deviations")
"""The root of the mean squared error of a number; of several numbers, in standard deviations of each."""


def measure_of(names):
    """Return the measure that is among the names of some figures."""
    return RMSE if RMSE.name in names else ERROR


def measure_for(target):
    """Return the measure for a target, :class:`isgd_mpi.data.target.Target`."""
    return RMSE if target.kind == "numbers" else ERROR
