"""Say in a sentence whether importance sampling pays on these data, and why not where it does not.

It pays if the 95 % interval of the time ratio is below 1, p is below 0.05, and its runs reach at least what uniform
sampling reaches in the same time. It does not pay if

* the interval says that at most a tenth of the time is saved, or
* it reaches less in the same time, with a 95 % interval that says so, or
* it does not look faster by held-out data, and by training loss it is slower, with an interval that says so, or
* nothing is learnt that holds on held-out data.

Times to a value on a plateau are mostly chance, hence the second and the third. Everything else is undecided, as is an
experiment that is not complete (who looks again and again sees a small p in the end). Nor does it pay against uniform
sampling that may not be tuned, with its best settings at the border of those that were tried: that is undecided. If it
is importance sampling that may not be tuned, the answer says so.
"""

from dataclasses import dataclass

import numpy as np

from isgd_mpi.report.pays.comparison import Comparison, compare
from isgd_mpi.report.pays.record import Method, Record
from isgd_mpi.report.statistics import quartiles

PAYS, DOES_NOT_PAY, UNDECIDED = "pays", "does not pay", "undecided"

_SIGNIFICANT = 0.05
_WORTH_HAVING = 0.9  # of uniform sampling's time: who saves less than a tenth need not bother
_LITTLE = 1.2  # possible gains below this are little to gain
_SLOW = 0.8  # of uniform sampling's examples a second
_WAITING = 0.2  # of the trainer's time
_FLAT = 0.95  # the second half of the time lowers the judged value by less than a twentieth


@dataclass(frozen=True, eq=False)
class Result:
    """A method held against uniform sampling: by held-out data, by the training loss, and the answer."""

    method: Method
    judged: Comparison | None
    loss: Comparison | None
    kind: str
    reasons: list[str]


@dataclass(frozen=True, eq=False)
class Answer:
    """The answer of an experiment: one of PAYS, DOES_NOT_PAY and UNDECIDED, the sentence, and each method's result."""

    record: Record
    kind: str
    sentence: str
    results: dict
    notes: list[str]

    @property
    def chosen(self):
        """Return the result of the method that the sentence is about, or None."""
        return self.results.get(self.record.chosen and self.record.chosen.name)


def answer(record):
    """Return the answer of an experiment."""
    uniform = record.uniform
    own = [method for method in record.methods if method.importance_sampling]
    results = {method.name: _result(method, uniform, record) for method in own}
    chosen = results.get(record.chosen and record.chosen.name)
    kind = chosen.kind if chosen and record.complete else UNDECIDED
    return Answer(record, kind, _sentence(record, chosen), results, _notes(record, results))


def _result(method, uniform, record):
    judged = uniform and compare(method, uniform, "valid_judged", record.seconds, record.guess)
    loss = uniform and compare(method, uniform, "loss", record.seconds)
    kind = kind_of(judged, loss)
    if kind == PAYS and uniform.at_border:
        return Result(method, judged, loss, UNDECIDED, [*_untuned(uniform)])
    reasons = [] if kind == PAYS or judged is None else _reasons(method, uniform, judged, loss)
    return Result(method, judged, loss, kind, reasons)


def _untuned(method):
    """Say so where a method might do better with other settings."""
    if method.at_border:
        yield f"the best settings of {method.label} lie at the border of those that were tried: it may not be tuned"


def kind_of(comparison, loss=None):
    """Return whether a method pays by its comparison with uniform sampling: PAYS, DOES_NOT_PAY or UNDECIDED.

    Parameters
    ----------
    comparison : comparison.Comparison or None
    loss : comparison.Comparison, optional
        The comparison by training loss.
    """
    if comparison is None or comparison.time.n < 2:
        return UNDECIDED
    if not comparison.learnt:
        return DOES_NOT_PAY
    time = comparison.time
    no_worse = comparison.reached.median <= comparison.uniform_reached.median
    if time.high < 1 and time.p < _SIGNIFICANT and no_worse:
        return PAYS
    slower = time.ratio >= 1 and loss is not None and loss.time.low > 1
    return DOES_NOT_PAY if time.low > _WORTH_HAVING or comparison.value.low > 1 or slower else UNDECIDED


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


def _reasons(method, uniform, judged, loss):
    """Return the reasons why a method does not pay, as far as its figures show them."""
    found = [
        *_nothing_learnt(judged),
        *_switched_off(method),
        *_little_noise(method),
        *_little_gain(method),
        *_slow_trainer(method, uniform),
        *_plateau(uniform),
        *_learnt_by_heart(judged, loss),
        *(_untuned(method) if judged.learnt else ()),
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


def _switched_off(method):
    if 2 * sum(final.switched_off for final in method.finals) > len(method.finals):
        yield "importance sampling was switched off by itself, because it slowed training down"


def _little_noise(method):
    noise, minibatch = median_of(method, "noise_scale"), minibatch_of(method)
    if noise < minibatch:
        yield (
            f"noise is not what limits: the noise scale is {digits(noise)} examples, less than the minibatch of "
            f"{minibatch}"
        )


def _little_gain(method):
    gain, possible = median_of(method, "variance_gain"), median_of(method, "possible_gain")
    if possible < _LITTLE:
        yield f"the gain is too small: perfect scores would be worth {digits(possible)} times the minibatch"
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


def _plateau(uniform):
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


def _learnt_by_heart(judged, loss):
    if judged.learnt and loss is not None and kind_of(loss) == PAYS:
        yield (
            f"the training loss falls faster (in {digits(loss.time.ratio)} of the time), but what is learnt sooner "
            "does not generalise better"
        )


def _sentence(record, chosen):
    """Return the answer in a sentence or two."""
    where = f"On {record.data} with {record.ranks} rank{'s' * (record.ranks > 1)}"
    if chosen is None or record.uniform is None:
        return f"{where} nothing can be said yet: there is no method to compare with another."
    if chosen.judged is None:
        return f"{where} nothing can be said yet: uniform and importance sampling have no final run in common."
    text = f"{where} {_statement(record, chosen)}"
    return text if record.complete else f"Not complete, so undecided; so far: {text}"


def _statement(record, chosen):
    name, other = named(chosen.method), f"tuned {record.uniform.label}"
    target = f"the {record.measure.text} of {other} ({record.measure.words(chosen.judged.target)})"
    if chosen.kind == PAYS:
        return f"{name} reaches {target} in {_time_words(chosen.judged, 'its time')}."
    needed = _time_words(chosen.judged, f"the time of {other}")
    why = f" Why: {'; '.join(chosen.reasons)}." if chosen.reasons else ""
    if not chosen.judged.learnt:
        return f"{name} does not pay.{why}"
    level = f"to a {record.measure.text} of {record.measure.words(chosen.judged.target)} it needs {needed}"
    if chosen.kind == DOES_NOT_PAY:
        return f"{name} does not pay: {level}{_grounds(chosen, record.measure.text)}.{why}"
    doubt = "one seed is too few" if chosen.judged.time.n < 2 else "more time or more seeds would tell"
    return f"it is undecided if {name} pays: {level}; {doubt}.{why}"


def _grounds(chosen, text):
    """Return what an answer of no rests on, if it is not the time to the target."""
    found, value, loss = "", chosen.judged.value, chosen.loss and chosen.loss.time
    if chosen.judged.time.low > _WORTH_HAVING:
        return found
    if value.low > 1:
        found += f", and in the same time comes to {value.ratio:.2f} times the {text}{_interval(value)}"
    if loss and loss.low > 1:
        found += f", and by training loss {loss.ratio:.2f} times the time{_interval(loss)}"
    return found


def _interval(test):
    return f" ({test.low:.2f} to {test.high:.2f})"


def named(method):
    """Return a method's name in a sentence."""
    label = method.label
    return label if label.startswith("importance sampling") else f"importance sampling ({label})"


def _time_words(judged, whose):
    """Return a ratio of times with its interval, such as ``0.41 of its time (0.36 to 0.47, 5 seeds, p = 0.03)``."""
    time = judged.time
    ratio = f"{time.ratio:.2f} {'of' if time.ratio < 1 else 'times'} {whose}"
    seeds = f"{time.n} seed{'s' * (time.n != 1)}"
    if time.n < 2:
        return f"{ratio} ({seeds})"
    return f"{ratio} ({time.low:.2f} to {time.high:.2f}, {seeds}, {p_words(time.p)})"


def p_words(p):
    """Return a p-value as papers print it."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}" if p == p else "p unknown"


def _notes(record, results):
    """Return what a reader must know beside the answer: failed runs, borders, seeds left out."""
    found = [] if record.complete else ["The experiment is not complete: the same command goes on with it."]
    found += record.notes
    for method in record.methods:
        found += [f"{method.label}: seed {final.seed} failed ({final.problem})." for final in method.failed]
        if method.at_border:
            found.append(f"{method.label}: the best settings lie at the border of the space that was searched.")
    for result in results.values():
        if result.judged and result.judged.left_out:
            seeds = ", ".join(map(str, result.judged.left_out))
            found.append(f"{result.method.label}: seeds without a pair are left out of the comparison: {seeds}.")
    return found
