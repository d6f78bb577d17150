"""Name the reasons why importance sampling does not pay, as far as the figures of the runs show them."""

import numpy as np

from isgd_mpi.report.statistics import quartiles

_LITTLE = 1.2  # possible gains below this are little to gain
_SLOW = 0.8  # of uniform sampling's examples a second
_WAITING = 0.2  # of the trainer's time
_FLAT = 0.95  # the second half of the time lowers the judged value by less than a twentieth


def untuned(method):
    """Say so where a method might do better with other settings."""
    if method.at_border:
        yield f"the best settings of {method.label} lie at the border of those that were tried: it may not be tuned"


def median_of(method, figure):
    """Return the median of a number over the final runs of a method; NaN if it is unknown."""
    return quartiles(method.values(figure)).median


def minibatch_of(method):
    """Return the examples of a step, which its trainers share."""
    return method.best.get("minibatch_size", 0)


def digits(value):
    """Return a number with two or three digits, as one says it."""
    if value != value:
        return "unknown"
    if abs(value) >= 1000:
        return f"{round(value, 3 - len(str(int(abs(value))))):,.0f}".replace(",", " ")
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) >= 10 else f"{value:.2g}"


def reasons(method, uniform, judged, learnt_sooner):
    """Return the reasons why a method does not pay, as far as its figures show them.

    Parameters
    ----------
    method, uniform : record.Method
    judged : comparison.Comparison
        By held-out data.
    learnt_sooner : comparison.RatioTest or None
        Ratio of the times to a training loss, if the method is the faster one by that.
    """
    found = [
        *_nothing_learnt(judged),
        *switched_off(method),
        *_little_noise(method),
        *_little_gain(method),
        *_slow_trainer(method, uniform),
        *plateau(uniform),
        *_learnt_by_heart(judged, learnt_sooner),
        *(untuned(method) if judged.learnt else ()),
    ]
    return found or [f"no single cause shows in the figures ({figures_of(method)})"]


def figures_of(method):
    """Return the figures that an answer is explained by, in words."""
    names = ("variance_gain", "possible_gain", "noise_scale", "staleness")
    gain, possible, noise, staleness = (digits(value) if (value := median_of(method, name)) == value else ""
                                        for name in names)  # fmt: skip
    known = [
        f"variance gain {gain}" + (f" of a possible {possible}" if possible else "") if gain else "",
        f"noise scale {noise} examples" if noise else "",
        f"minibatch {minibatch_of(method)}",
        f"scores {staleness} steps old" if staleness else "",
    ]
    return ", ".join(filter(None, known))


def _nothing_learnt(judged):
    if not judged.learnt:
        yield "nothing is learnt that holds on held-out data, so there is nothing to speed up"


def switched_off(method):
    """Say so where importance sampling ended switched off in most runs."""
    if 2 * sum(final.switched_off for final in method.finals) > len(method.finals):
        yield "importance sampling was switched off by itself, because it slowed training down"


def _little_noise(method):
    noise, minibatch = median_of(method, "noise_scale"), minibatch_of(method)
    if noise < minibatch:
        yield (
            f"noise is not what limits: the noise scale is {digits(noise)} examples, less than the minibatch of "
            f"{minibatch}"
        )


def nothing_to_gain(method):
    """Say so where even the ideal proposal is hardly worth more than uniform sampling."""
    possible = median_of(method, "possible_gain")
    if possible < _LITTLE:
        yield f"the gain is too small: perfect scores would be worth {possible:.2f} times the minibatch"


def _little_gain(method):
    gain, possible = median_of(method, "variance_gain"), median_of(method, "possible_gain")
    if possible < _LITTLE:
        yield from nothing_to_gain(method)
    elif gain < 1 + (possible - 1) / 2:
        yield (
            f"scores are too old: {digits(median_of(method, 'staleness'))} steps; they are worth {digits(gain)} times "
            f"the minibatch, fresh ones would be worth {digits(possible)}"
        )


def _slow_trainer(method, uniform):
    own, other = (median_of(one, "steps_per_second") * minibatch_of(one) for one in (method, uniform))
    if other > 0 and own / other < _SLOW:
        trainers = uniform.best.get("trainers", 1)
        yield (
            f"the trainer limits: it takes {digits(own)} examples a second, {uniform.label} with {trainers} "
            f"trainer{'s' * (trainers > 1)} {digits(other)}"
        )
    waiting = median_of(method, "wait_fraction")
    if waiting > _WAITING:
        yield f"the trainer spends {waiting:.0%} of its time waiting for other ranks"


def plateau(uniform):
    """Say so where the second half of uniform sampling's time hardly lowers what is judged."""
    lowered = []
    for final in uniform.complete:
        seconds, values = final.curves["seconds"], final.curves["valid_judged"]
        half = values[seconds <= 0.5 * seconds.max(initial=0.0)]
        if np.isfinite(half).any() and np.nanmin(half) > 0:
            lowered.append(np.nanmin(values) / np.nanmin(half))
    if quartiles(lowered).median > _FLAT:
        yield (
            "held-out data hardly gain from the second half of the time: less noise does not help where the data "
            "themselves limit"
        )


def _learnt_by_heart(judged, learnt_sooner):
    if judged.learnt and learnt_sooner:
        yield (
            f"the training loss falls faster (in {digits(learnt_sooner.ratio)} of the time), but what is learnt sooner "
            "does not generalise better"
        )
