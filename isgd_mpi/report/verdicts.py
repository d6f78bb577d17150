"""Say in plain words whether importance sampling paid: by its own figures, and at equal time on equal ranks."""

from typing import NamedTuple

from isgd_mpi.report import series
from isgd_mpi.report.statistics import first_at_or_below, quartiles

PAID, DID_NOT, UNCLEAR, BASELINE = "paid", "did not pay", "unclear", "baseline"

_WORTH_SAYING = 1.1  # gains below this are called none, as at the end of a run
_SAME = 1.05  # losses that differ by less are called equal where there are too few runs for quartiles
_FEW = 3
_TASK = ("data", "synthetic_size", "standardize", "hidden")
_SETTINGS = ("init", "optimizer", "lr", "momentum", "minibatch_size", "lr_schedule", "weight_decay", "clip_norm")


class Verdict(NamedTuple):
    """A verdict on a group: one of PAID, DID_NOT, UNCLEAR, BASELINE, and the reason."""

    kind: str
    text: str


class Beside(NamedTuple):
    """Quartiles of a figure of a group, and of the same figure of a uniform group on as many ranks."""

    own: object
    uniform: object

    @property
    def kind(self):
        """Return PAID or DID_NOT if the quartiles do not overlap (medians, of few runs), otherwise UNCLEAR."""
        own, other = self
        if self.weak:
            better, worse = own.median * _SAME < other.median, own.median > other.median * _SAME
        else:
            better, worse = own.high < other.low, own.low > other.high
        return PAID if better else DID_NOT if worse else UNCLEAR

    @property
    def weak(self):
        """Return whether there are too few runs for quartiles, so that medians are compared."""
        return min(self.own.n, self.uniform.n) < _FEW


class Comparison(NamedTuple):
    """A group beside a uniform group on as many ranks, at the same training time.

    Attributes
    ----------
    uniform : study.Group
    seconds : float
    loss : Beside
        Training loss.
    split : str or None
        The held-out split that is judged by, if there is one.
    measured, least_measured : Beside or None
        Its error, or other measure, then, and the least one up to then.
    """

    uniform: object
    seconds: float
    loss: Beside
    split: str | None = None
    measured: Beside | None = None
    least_measured: Beside | None = None

    @property
    def kind(self):
        """Return the answer of held-out data; that of the training loss if they give none."""
        held_out = self.measured.kind if self.measured else UNCLEAR
        return self.loss.kind if held_out == UNCLEAR else held_out

    @property
    def weak(self):
        """Return whether there are too few runs for quartiles."""
        return self.loss.weak


def verdict(group, groups):
    """Return the verdict on a group; one of `groups` that sampled uniformly on as many ranks is its yardstick."""
    if not group.complete:
        return Verdict(UNCLEAR, "No run of this group is complete: no verdict.")
    if group.uniform:
        return Verdict(BASELINE, _of_uniform(group))
    gain = _median(group, lambda run: run.totals["variance_gain"])
    lost = _median(group, lambda run: run.totals["wait_fraction"])
    if not gain > 0:
        return Verdict(DID_NOT, "Importance sampling never began, or no variance gain was measured.")
    comparison = compare(group, groups)
    price = f"{_digits(gain)} times the minibatch for {_percent(lost)} of the trainer's time{_scorers(group)}"
    if comparison is None:
        kind = PAID if gain * (1 - (lost if lost > 0 else 0)) > _WORTH_SAYING else DID_NOT
        answer = "paid here" if kind == PAID else "did not pay here"
        return Verdict(kind, f"Importance sampling {answer}, by its own figures: {price}. "
                             "There is no uniform group on as many ranks to compare with.")  # fmt: skip
    answer = {
        PAID: f"Importance sampling paid here: {price}.",
        DID_NOT: f"Importance sampling did not pay here. By its own figures it was worth {price}.",
        UNCLEAR: f"No clear difference to uniform sampling. By its own figures it was worth {price}.",
    }[comparison.kind]
    return Verdict(comparison.kind, f"{answer} {_at_equal_time(group, comparison)}")


def _median(group, measure):
    """Return the median of a number over the complete runs of a group."""
    return quartiles(map(measure, group.complete)).median


def _of_uniform(group):
    """Return the text for a group of uniform sampling: what importance sampling could gain at most."""
    possible = _median(group, series.possible_gain)
    if not possible > 0:
        return "Uniform sampling, the baseline."
    return (
        "Uniform sampling, the baseline. Here the ideal proposal, with scores that cost nothing and are never old, "
        f"would be worth {_digits(possible)} times the minibatch."
    )


def _percent(fraction):
    return f"{_digits(100 * fraction)} %" if fraction >= 0 else "an unknown part"


def _digits(value):
    """Return a number as one says it: 0.3, 6.1, 12."""
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def _scorers(group):
    """Return the other price in words: the ranks that do not train."""
    trainers = group.complete[0].totals["trainers"]
    n = (group.ranks or 0) - trainers
    return f" and {n:.0f} rank{'s' * (n > 1)} that score{'s' * (n == 1)}" if n > 0 else ""


def compare(group, groups):
    """Return the comparison of a group with uniform sampling on as many ranks, or None if there is no such group."""
    uniform = _uniform_beside(group, groups)
    if uniform is None:
        return None
    ends = [series.end_seconds(run) for run in group.complete + uniform.complete]
    seconds = min((end for end in ends if end == end), default=0.0)

    def beside(measure, *arguments):
        return Beside(
            *(quartiles([measure(run, *arguments, seconds) for run in one.complete]) for one in (group, uniform))
        )

    loss = beside(series.loss_at)
    if not (loss.own.n and loss.uniform.n):
        return None
    for split in ("valid", "test"):
        measured = beside(series.measured_at, split)
        if measured.own.n and measured.uniform.n:
            return Comparison(uniform, seconds, loss, split, measured, beside(series.least_measured, split))
    return Comparison(uniform, seconds, loss)


def _uniform_beside(group, groups):
    """Return the uniform group on as many ranks and the same task: the best of those with the nearest settings."""
    options = group.complete[0].options
    candidates = [
        other
        for other in groups
        if other.uniform and other.complete and other.ranks is not None and other.ranks == group.ranks
        if all(other.complete[0].options.get(name) == options.get(name) for name in _TASK)
    ]

    def distance(other):
        theirs = other.complete[0].options
        differing = sum(theirs.get(name) != options.get(name) for name in _SETTINGS)
        loss = _median(other, series.final_loss)
        return differing, loss if loss == loss else float("inf")

    return min(candidates, key=distance, default=None)


def time_to(run, target):
    """Return the training time, seconds, at which a run first reaches a training loss; NaN if it never does."""
    return first_at_or_below(*series.evaluated(run, "train", "loss", "seconds"), target)


def _at_equal_time(group, comparison):
    """Return a comparison at equal time in a sentence or two: held-out data first."""
    uniform = comparison.uniform
    text = f"After {comparison.seconds:.3g} s on {group.ranks} rank{'s' * (group.ranks > 1)} "
    if comparison.measured:
        measure = group.complete[0].measure
        now, then, least, least_then = (
            measure.words(found.median) for found in (*comparison.measured, *comparison.least_measured)
        )
        text += (
            f"the {comparison.split} {measure.text} is {now} against {then} of "
            f"“{uniform.label}” (at their best steps {least} against {least_then}), "
            f"the training loss {comparison.loss.own.median:.3g} against {comparison.loss.uniform.median:.3g}"
        )
    else:
        text += (
            f"the training loss is {comparison.loss.own.median:.3g} against {comparison.loss.uniform.median:.3g} of "
            f"“{uniform.label}”"
        )
    if comparison.weak:
        text += f" (fewer than {_FEW} runs each: a weak statement)"
    target = _median(uniform, series.final_loss)
    needed = quartiles([time_to(run, target) for run in group.complete])
    theirs = _median(uniform, series.end_seconds)
    if needed.n < len(group.complete):
        return f"{text}; {needed.n} of {len(group.complete)} runs reached the {target:.3g} that it ends with."
    return f"{text}; it had reached what that ends with ({target:.3g}) after {needed.median:.3g} of {theirs:.3g} s."
