"""Check a user's own model: against one example at a time, and against finite differences of its losses.

The model's own gradient of a single example, with weight 1, is held against central differences of that example's
loss. If it is right, all else follows from it: scores are its norms, the gradient of a minibatch is its weighted mean.
What differs is compared with the usual mistakes, so that a report says which one it is.
"""

from typing import NamedTuple

import numpy as np

from isgd_mpi.data.arrays import from_arrays
from isgd_mpi.model.check_subject import RTOL, Finding, Subject, close, first_match
from isgd_mpi.model.gradient_check import check_gradient, check_scores, check_slopes
from isgd_mpi.model.own_model import probed_params
from isgd_mpi.settings.errors import InputError

_MOST_CLASSES = 50  # whose losses are compared with `correct`


class ModelReport(NamedTuple):
    """The findings of :func:`check_model`.

    Attributes
    ----------
    findings : tuple of Finding
    """

    findings: tuple

    @property
    def ok(self):
        """True if nothing is wrong."""
        return all(finding.ok for finding in self.findings)

    def __str__(self):
        return "\n".join(f"{part:10}{'ok' if ok else 'WRONG':7}{text}" for part, ok, text in self.findings)

    __repr__ = __str__


def check_model(make_model, x, y, norms=True, loss="auto"):
    """Check a model of your own on a few examples, and say in words what is wrong with it. Needs no MPI.

    Parameters
    ----------
    make_model : callable
        Makes the model, as for :func:`isgd_mpi.fit`; see :class:`isgd_mpi.Model`.
    x, y : array_like
        Examples and their targets, as for :func:`isgd_mpi.fit`. Eight of them are used, standardised.
    norms : bool
        Whether the scores are meant to be gradient norms. Other scores only must not depend on the minibatch.
    loss : str
        What `y` is read as, as for :func:`isgd_mpi.fit`.

    Returns
    -------
    ModelReport
        `ok`, and a line for each part if it is printed. After a fault that spoils all others, only the parts before.

    Raises
    ------
    InputError
        `x` or `y` cannot be used.

    Notes
    -----
    The parameters are those that the model is made with, and some noise: at zero, many mistakes have no effect.
    Cost: some hundred calls with eight examples, and a few vectors of parameters.
    """
    dataset = from_arrays(x, y, loss=loss)
    try:
        params = probed_params(make_model, dataset)
    except InputError as error:
        return ModelReport((Finding("interface", False, str(error)),))
    subject = Subject(make_model, dataset, params)
    found = []
    for check in (_check_types, _check_repeats, _check_params, _check_losses, check_slopes):
        found.append(check(subject))
        if not found[-1].ok:
            return ModelReport(tuple(found))
    found += [_check_correct(subject), check_gradient(subject), check_scores(subject, norms)]
    return ModelReport(tuple(found))


def _check_types(subject):
    scores, losses, correct = subject.scores()
    for name, array in {"scores": scores, "losses": losses}.items():
        if array.dtype.kind != "f":
            return Finding("types", False, f"{name} must be floats, not {array.dtype}")
        if not np.isfinite(array).all():
            return Finding("types", False, f"{name} are not finite: {array}")
    if (scores < 0).any():
        return Finding("types", False, f"scores must not be negative, and one is {scores.min():.3g}")
    if correct.dtype != bool and not np.isin(correct, (0, 1)).all():
        text = f"correct must be True or False for each example, not {correct.dtype}: each number but 0 counts as True"
        return Finding("types", False, text)
    return Finding("types", True, f"{subject.params.size} parameters; shapes and types of all that is returned")


def _check_correct(subject):
    """Hold `correct` against the class of least loss."""
    n_classes, correct = subject.target.n_outputs, subject.scores()[2].astype(bool)
    if subject.target.kind != "classes" or not 1 < n_classes <= _MOST_CLASSES:
        return Finding("correct", True, f"not compared with losses: {n_classes} {subject.target.kind}")
    losses = np.array([subject.scores(y=np.full_like(subject.y, c))[1] for c in range(n_classes)], np.float64)
    for n, own in enumerate(subject.y):
        margin = np.delete(losses[:, n], own).min() - losses[own, n]
        if abs(margin) > RTOL * (1 + losses[:, n].min()) and correct[n] != (margin > 0):
            best = losses[:, n].argmin()
            text = f"correct is {correct[n]} where class {best} has the least loss and {own} is the true one"
            return Finding("correct", False, f"{text}: is it of the predicted class?")
    return Finding("correct", True, "True where the true class has the least loss")


def _check_repeats(subject):
    """Call the same thing again, also after other calls."""
    (_, first, _), (_, second, _) = subject.scores(), subject.scores()
    if not close(second, first):
        other = subject.scores(model=subject.make())[1]
        why = (
            "something is kept from call to call, such as running averages (batch normalisation)"
            if close(other, first)
            else "random numbers, such as dropout? Scores and gradients must be of the model that predicts"
        )
        text = f"losses of the same call differ: {first[0]:.4g}, then {second[0]:.4g}: {why}"
        return Finding("repeats", False, text)
    (_, gradient, _), (_, again, _) = subject.gradient(), subject.gradient()
    if close(again, 2 * gradient):
        return Finding("repeats", False, "gradients add up from call to call: set them to zero at the start of each")
    if not close(again, gradient):
        return Finding("repeats", False, "gradients of the same call differ: random numbers, or state that is kept?")
    subject.scores(rows=slice(0, 1))
    if not close(subject.scores()[1], first):
        text = "losses differ after a call of gradient, or one with fewer examples: the model keeps state between calls"
        return Finding("repeats", False, text)
    return Finding("repeats", True, "the same call gives the same result, whatever was called before")


def _check_params(subject):
    """Set `params` to another vector, change it in place, and look whether it is written to."""
    before, moved = subject.losses(subject.params), subject.losses(subject.params + subject.noise)
    if close(moved, before, 1e-6):
        text = "params is set, and the model does not use it: read self.params in each call"
        return Finding("params", False, text)
    vector = subject.params.copy()
    subject.losses(vector)
    if not np.array_equal(vector, subject.params):
        return Finding(
            "params", False, "the vector that params is set to is written to: training owns it, copy it first"
        )
    vector += subject.noise
    if not close(subject.losses(vector), moved):
        text = "a vector that is changed in place and set again is not noticed: training updates it in place"
        return Finding("params", False, text)
    return Finding("params", True, "the vector in use counts, also once it is changed in place")


def _check_losses(subject):
    """Hold losses in a minibatch against those of one example at a time."""
    batch = subject.losses(subject.params)
    alone = np.concatenate([subject.scores(rows=slice(n, n + 1))[1] for n in range(subject.n)]).astype(float)
    if close(batch, alone):
        return Finding("losses", True, "an example's loss is its own, in a minibatch as alone")
    text = first_match(batch, {"divided by the number of examples: give each example's own": alone / subject.n})
    text = text or "not those of the examples alone: do they depend on each other (batch normalisation, a mean)?"
    return Finding("losses", False, f"losses in a minibatch are {text}")
