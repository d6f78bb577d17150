"""Update parameters along gradients: by SGD, with or without Nesterov's momentum, by Adam or AdamW."""

import math

from isgd_mpi.kernels.memory import aligned_zeros
from isgd_mpi.kernels.optim import adam_settings, adam_update, nesterov_update, sgd_update, update_columns
from isgd_mpi.model.learning_rate import LearningRate
from isgd_mpi.settings.saved import Saved


class Optimiser(Saved):
    """Moves one parameter vector along gradients. Subclasses make its settings, and update vectors with them.

    Parameters
    ----------
    params : (P,) ndarray
        Updated in place.
    learning_rate : float or learning_rate.LearningRate
        Step size.
    weight_decay : float
        See the subclasses.

    Attributes
    ----------
    clip_norm : float
        Largest norm that the gradient keeps; infinite at first.
    n_done : int
        Steps taken.
    scaling : tuple of float
        What :meth:`scale` was given.
    """

    moments = ()
    """Names of the attributes that are vectors like the parameters; None where they are not needed."""

    def __init__(self, params, learning_rate, weight_decay=0.0):
        self.params = params
        self.learning_rate = learning_rate if isinstance(learning_rate, LearningRate) else LearningRate(learning_rate)
        self.weight_decay = weight_decay
        self.clip_norm = math.inf
        self.n_done = 0
        self.scale(1.0)
        self._scale = 1.0  # of the gradient of this step
        self._settings, self._settings_of = None, None

    @property
    def progress(self):
        """Steps of the schedule that are done: those taken, unless they count otherwise; see :meth:`scale`."""
        _, origin, pace, least = self.scaling
        return max(least, origin + pace * self.n_done)

    @property
    def scheduled_learning_rate(self):
        """Step size of the next step, but for the factor."""
        return self.learning_rate.after(self.progress)

    @property
    def present_learning_rate(self):
        """Step size of the next step."""
        return self.scaling[0] * self.scheduled_learning_rate

    @property
    def settings(self):
        """Return the numbers that kernels take the next step with, a tuple; all layers ask for them in each step."""
        present = self.n_done, self.scaling, self._scale
        if self._settings_of != present:
            self._settings, self._settings_of = self._make_settings(), present
        return self._settings

    def scale(self, factor, origin=0.0, pace=1.0, least=0.0):
        """Multiply the step sizes of the schedule by a factor, and go along it at a pace.

        Parameters
        ----------
        factor : float
            Of the step sizes that follow.
        origin, pace, least : float
            After n steps ``origin + pace n`` steps of the schedule are done, or `least` if that is more.
        """
        self.scaling = tuple(map(float, (factor, origin, pace, least)))

    def keep_in(self, share):
        """Keep the moments in memory that the trainers share, from zero on. Collective over them.

        Parameters
        ----------
        share : share.Share
        """
        for name in self.moments:
            if getattr(self, name) is not None:
                (memory,) = share.allocate((self.params.shape, self.params.dtype))
                setattr(self, name, memory)

    def step(self, gradient):
        """Take one step along the gradient.

        Parameters
        ----------
        gradient : (P,) ndarray
            In the parameters' dtype.

        Raises
        ------
        FloatingPointError
            If the gradient holds a NaN or infinity. Nothing is changed then.
        """
        # checked before the kernels do: they stop at the first bad block, when those before it are updated already
        if not math.isfinite(gradient.sum()):
            raise FloatingPointError("the gradient is not finite")
        if self.clip_norm < math.inf:
            self.clip(float(gradient @ gradient))
        self.step_part(self.part(slice(None)), gradient)
        self.advance()

    def clip(self, squared_norm):
        """Scale the gradient of the next step down if it is longer than `clip_norm`.

        Parameters
        ----------
        squared_norm : float
            Squared norm of the gradient, of all parts together. Below zero, by rounding, it counts as zero.

        Raises
        ------
        FloatingPointError
            If it is not finite.
        """
        if not math.isfinite(squared_norm):
            raise FloatingPointError("the gradient is not finite")
        if squared_norm > self.clip_norm**2:
            self._scale = self.clip_norm / math.sqrt(squared_norm)

    def part(self, place, shape=-1):
        """Return a part of the parameters, and of their moments, as views.

        Parameters
        ----------
        place : slice
            Place in the parameter vector.
        shape : tuple of int, optional
            Shape of these parameters.

        Returns
        -------
        params, moment, mean_square : ndarray
            Moments that the optimiser does not have are None; see :func:`optim.update_columns`.
        """
        vectors = [self.params, *(getattr(self, name) for name in self.moments), None, None][:3]
        return tuple(None if vector is None else vector[place].reshape(shape) for vector in vectors)

    def step_part(self, part, gradient, columns=None):
        """Take the step of a part of the parameters. Call :meth:`advance` once all parts are done.

        Parameters
        ----------
        part : tuple of ndarray
            See :meth:`part`.
        gradient : ndarray
            Gradient by these parameters, of the same shape.
        columns : slice, optional
            Columns that are updated, of a matrix; all if not given.
        """
        if columns is not None and columns.stop - columns.start < gradient.shape[1]:
            update_columns(*part, gradient, self.settings, columns.start, columns.stop)
        else:
            self._update(*(vector.reshape(-1) for vector in (*part, gradient) if vector is not None))

    def advance(self):
        """Count a step of the schedule."""
        self.n_done += 1
        self._scale = 1.0


class SGD(Optimiser):
    """Stochastic gradient descent.

    Parameters
    ----------
    params, learning_rate
        See :class:`Optimiser`.
    momentum : float
        Nesterov's momentum, in [0, 1); 0 needs no velocity and touches less memory.
    weight_decay : float
        The gradient of ``weight_decay / 2 |params|^2`` is added.

    Attributes
    ----------
    velocity : (P,) ndarray or None
        None without momentum.
    """

    saved = ("n_done", "velocity")
    moments = ("velocity",)

    def __init__(self, params, learning_rate, momentum=0.0, weight_decay=0.0):
        super().__init__(params, learning_rate, weight_decay)
        self.momentum = momentum
        self.velocity = aligned_zeros(params.size, params.dtype) if momentum else None

    def _make_settings(self):
        """Return step size, momentum and weight decay of the next step, with what scales its gradient."""
        return self.present_learning_rate * self._scale, self.momentum, self.weight_decay / self._scale

    def _update(self, *vectors):
        rate, momentum, decay = self.settings
        if momentum:
            nesterov_update(*vectors, rate, momentum, decay)
        else:
            sgd_update(*vectors, rate, decay)


class Adam(Optimiser):
    """Adam, or AdamW.

    Parameters
    ----------
    params, learning_rate
        See :class:`Optimiser`.
    weight_decay : float
        The gradient of ``weight_decay / 2 |params|^2`` is added, unless the decay is decoupled.
    decoupled : bool
        Whether ``learning_rate * weight_decay * params`` is subtracted from the parameters instead: AdamW.

    Attributes
    ----------
    mean, mean_square : (P,) ndarray
        Moving averages of the gradient and of its square.
    """

    saved = ("mean", "mean_square", "n_done")
    moments = ("mean", "mean_square")

    def __init__(self, params, learning_rate=1e-3, weight_decay=0.0, decoupled=False):
        super().__init__(params, learning_rate, weight_decay)
        self._decays = (0.0, weight_decay) if decoupled else (weight_decay, 0.0)
        self.mean, self.mean_square = (aligned_zeros(params.size, params.dtype) for _ in range(2))

    def _make_settings(self):
        return adam_settings(self.present_learning_rate, self.n_done + 1, *self._decays, self._scale)

    def _update(self, *vectors):
        adam_update(*vectors, *self.settings)


def make_optimiser(params, config, n_examples, kind="classes"):
    """Return the optimiser that the options describe.

    Parameters
    ----------
    params : (P,) ndarray
        Updated in place.
    config : config.Config
    n_examples : int
        Examples in the training set.
    kind : "classes", "labels" or "numbers"
        Kind of the target.
    """
    rate = LearningRate(config.learning_rate(kind), config.lr_schedule, config.n_steps(n_examples))
    if config.optimizer == "sgd":
        optimiser = SGD(params, rate, config.momentum, config.weight_decay)
    else:
        optimiser = Adam(params, rate, config.weight_decay, decoupled=config.optimizer == "adamw")
    if config.clip_norm is not None:
        optimiser.clip_norm = config.clip_norm
    return optimiser
