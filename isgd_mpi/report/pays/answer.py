"""Say in a sentence whether importance sampling pays on these data, and why not where it does not.

It pays if the 95 % interval of the time ratio is below 1, p is below 0.05, and its runs reach at least what uniform
sampling reaches in the same time. It does not pay if

* the interval says that at most a tenth of the time is saved, or
* it reaches less in the same time, with a 95 % interval that says so, or
* it does not look faster by held-out data, and by training loss it is slower, with an interval that says so, or
* nothing is learnt that holds on held-out data, or
* there is no clear difference, and nothing to gain: perfect scores would be worth less than 1.2 times the minibatch, or
  importance sampling was switched off by itself, or p is above 0.2 and the second half of uniform sampling's time
  hardly lowers what is judged, so that training faster would not lower it either.

Times to a value on a plateau are mostly chance, hence the second, the third and the last. Everything else is undecided,
as is an experiment that is not complete (who looks again and again sees a small p in the end). Nor does it pay against
uniform sampling that may not be tuned, with its best settings at the border of those that were tried: that is
undecided. If it is importance sampling that may not be tuned, the answer says so.
"""

from dataclasses import dataclass

from isgd_mpi.report.pays.comparison import Comparison, compare
from isgd_mpi.report.pays.reasons import nothing_to_gain, plateau, reasons, switched_off, untuned
from isgd_mpi.report.pays.record import Method, Record

PAYS, DOES_NOT_PAY, UNDECIDED = "pays", "does not pay", "undecided"

_SIGNIFICANT = 0.05
_NO_TRACE = 0.2  # a p above this is no sign of a difference at all
_WORTH_HAVING = 0.9  # of uniform sampling's time: who saves less than a tenth need not bother


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
    if kind == PAYS and (doubts := [*untuned(uniform), *nothing_to_gain(method)]):
        return Result(method, judged, loss, UNDECIDED, doubts)
    if kind == UNDECIDED and judged and judged.time.n > 1 and _gains_nothing(method, uniform, judged):
        kind = DOES_NOT_PAY
    why = (
        []
        if kind == PAYS or judged is None
        else reasons(method, uniform, judged, loss.time if loss and kind_of(loss) == PAYS else None)
    )
    return Result(method, judged, loss, kind, why)


def _gains_nothing(method, uniform, judged):
    """Return whether a method without a clear difference in time has nothing to gain."""
    is_alike = judged.time.p > _NO_TRACE and judged.value.high >= 1
    return bool((is_alike and [*plateau(uniform)]) or [*nothing_to_gain(method), *switched_off(method)])


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
