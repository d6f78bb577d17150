"""Hold a method of importance sampling against uniform sampling, seed by seed.

Runs of the two methods with the same seed are a pair. Of each pair the ratio of two numbers is taken, such as the times
to a target, and Student's t test asks whether the mean of the ratios' logarithms is zero. (With a sign test five seeds
cannot fall below p = 0.06.)

Evaluations are noisy, and late in training they may rise. A run has reached the least value that was measured so far,
as with early stopping, so its curve is the running minimum, with straight lines between its points. (Chance favours the
noisier method by this, which is uniform sampling.) The target is the worse of the two methods' medians of what their
runs reach. A run that does not reach the target counts with its whole time, and is counted.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy import stats

from isgd_mpi.report.statistics import first_at_or_below, quartiles

CONFIDENCE = 0.95


class RatioTest(NamedTuple):
    """The geometric mean of the ratios of some pairs, and a paired t test of their logarithms.

    Attributes
    ----------
    ratio : float
        NaN without pairs.
    low, high : float
        95 % interval of the mean ratio; NaN with fewer than two pairs.
    p : float
        Two-sided; NaN with fewer than two pairs.
    effect_size : float
        Cohen's d: mean over standard deviation of the logarithms; NaN if all ratios are the same.
    ratios : dict of int to float
        By seed.
    """

    ratio: float
    low: float
    high: float
    p: float
    effect_size: float
    ratios: dict

    @property
    def n(self):
        """Return the number of pairs."""
        return len(self.ratios)


class Times(NamedTuple):
    """The times of a method's runs to a target, by seed, and the seeds that did not reach it."""

    seconds: dict
    censored: list


class Comparison(NamedTuple):
    """A method held against uniform sampling by one curve.

    Attributes
    ----------
    target : float
        What both methods' median runs reach.
    times, uniform_times : Times
    time : RatioTest
        Time to the target over that of uniform sampling.
    value : RatioTest
        The value that is reached at the end over that of uniform sampling.
    reached, uniform_reached : Quartiles
        What the runs of each method reach.
    guess : float
        Value of a model that knows nothing.
    left_out : list of int
        Seeds without a pair: a run of uniform sampling is missing or failed.
    failed : list of int
        Seeds with which the method itself failed: these count as not having reached anything.
    """

    target: float
    times: Times
    uniform_times: Times
    time: RatioTest
    value: RatioTest
    reached: tuple
    uniform_reached: tuple
    guess: float
    left_out: list
    failed: list

    @property
    def learnt(self):
        """Return whether the target is below what guessing comes to, by more than chance makes of it."""
        return not self.target > (1 - _LEAST_LEARNT) * self.guess


_LEAST_LEARNT = 0.05  # where 1 000 examples are guessed in ten classes the error varies by 1 %, its minimum by 3 %


def ratio_test(ratios):
    """Test whether the geometric mean of some ratios is one.

    Parameters
    ----------
    ratios : dict of int to float
        Positive and finite, by seed.

    Returns
    -------
    RatioTest

    Notes
    -----
    With logarithms of mean m and standard deviation s over n pairs, ``t = m sqrt(n) / s`` has n - 1 degrees of
    freedom, the interval is ``exp(m +- t_0.975 s / sqrt(n))``, and Cohen's d is ``m / s``.
    """
    logarithms = np.log(list(ratios.values()))
    n = len(logarithms)
    if not n:
        return RatioTest(*[math.nan] * 5, {})
    mean = float(np.mean(logarithms))
    if n < 2:
        return RatioTest(math.exp(mean), *[math.nan] * 4, dict(ratios))
    deviation = float(np.std(logarithms, ddof=1))
    if deviation < 1e-12:  # all ratios are the same: certain, as far as these figures go
        p, effect = (1.0 if abs(mean) < 1e-12 else 0.0), math.nan
    else:
        p, effect = float(2 * stats.t.sf(abs(mean) * math.sqrt(n) / deviation, n - 1)), mean / deviation
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * deviation / math.sqrt(n)
    return RatioTest(math.exp(mean), math.exp(mean - reach), math.exp(mean + reach), p, effect, dict(ratios))


def compare(method, uniform, curve="valid_judged", whole=math.nan, guess=math.nan):
    """Compare a method with uniform sampling by a curve of their final runs.

    Parameters
    ----------
    method, uniform : record.Method
    curve : str
        ``valid_judged``, or ``loss`` for the training loss.
    whole : float
        Training time of a run, in seconds.
    guess : float
        Value of a model that knows nothing; the median of the runs' first evaluations if it is NaN.

    Returns
    -------
    Comparison or None
        None if no pair of runs can be compared.
    """
    own, other = ({final.seed: final for final in one.finals} for one in (method, uniform))
    seeds = sorted(seed for seed in set(own) & set(other) if _succeeded(other[seed], curve))
    if not seeds:
        return None
    pairs = {seed: (own[seed], other[seed]) for seed in seeds}
    return _compare(pairs, curve, whole)._replace(
        guess=guess if guess == guess else _first(pairs.values(), curve),
        left_out=sorted((set(own) | set(other)) - set(seeds)),
    )


def _succeeded(final, curve):
    """Return whether a run came to its end, and reached anything."""
    return final.complete and math.isfinite(reached(final, curve))


def _compare(pairs, curve, whole):
    """Return the comparison of pairs of final runs by seed."""
    mine, theirs = ({seed: _curve(pair[i], curve) for seed, pair in pairs.items()} for i in (0, 1))
    failed = [seed for seed, (own, _) in pairs.items() if not _succeeded(own, curve)]
    whole = whole if whole > 0 else max(float(seconds[-1]) for seconds, _ in theirs.values())
    ends, their_ends = ({seed: reached(pair[i], curve) for seed, pair in pairs.items()} for i in (0, 1))
    ends |= dict.fromkeys(failed, math.inf)
    target = max(float(np.median(list(values.values()))) for values in (ends, their_ends))
    if not math.isfinite(target):  # half of the method's runs failed: what uniform sampling reaches is the target
        target = float(np.median(list(their_ends.values())))
    earliest = _earliest([*mine.values(), *theirs.values()], whole)
    times = _times(mine, target, whole, earliest, failed)
    their_times = _times(theirs, target, whole, earliest, [])
    return Comparison(
        target=target,
        times=times,
        uniform_times=their_times,
        time=ratio_test({seed: times.seconds[seed] / their_times.seconds[seed] for seed in mine}),
        value=ratio_test(_value_ratios(ends, their_ends)),
        reached=quartiles(ends.values()),
        uniform_reached=quartiles(their_ends.values()),
        guess=math.nan,
        left_out=[],
        failed=failed,
    )


def _curve(final, curve):
    """Return the times of a run's evaluations, and what it has reached by then; NaN before it has reached anything."""
    return final.curves["seconds"], np.fmin.accumulate(final.curves[curve])


def reached(final, curve):
    """Return what a final run has reached at its end; NaN if it reached nothing."""
    values = _curve(final, curve)[1]
    return float(values[-1]) if len(values) else math.nan


def _first(pairs, curve):
    """Return the median of the first known values of some runs; NaN if there is none."""
    known = [final.curves[curve][np.isfinite(final.curves[curve])][:1] for pair in pairs for final in pair]
    return quartiles(np.concatenate(known)).median


def _earliest(curves, whole):
    """Return the least time that counts, so that times have logarithms: that of the first evaluation of any run."""
    positive = [seconds[seconds > 0][0] for seconds, _ in curves if (seconds > 0).any()]
    return min(min(positive, default=whole), whole)


def _times(curves, target, whole, earliest, failed):
    """Return the times of some runs to a target; those that do not reach it count with their whole time."""
    found = {
        seed: math.nan if seed in failed else first_at_or_below(*values, target) for seed, values in curves.items()
    }
    censored = [seed for seed, seconds in found.items() if math.isnan(seconds)]
    times = {seed: whole if seed in censored else min(max(seconds, earliest), whole) for seed, seconds in found.items()}
    return Times(times, censored)


def _value_ratios(values, theirs):
    """Return the ratios of values by seed; zeros count as half of the least positive value that there is."""
    positive = [value for value in [*values.values(), *theirs.values()] if 0 < value < math.inf]
    least = 0.5 * min(positive, default=2.0)
    pairs = {seed: (max(values[seed], least), max(theirs[seed], least)) for seed in values}
    return {seed: own / other for seed, (own, other) in pairs.items() if own < math.inf}
