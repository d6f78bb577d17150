"""The summary of a run, its verdict in plain words, and the files that are written at its end."""

import math

import numpy as np

from isgd_mpi.data.measure import measure_of
from isgd_mpi.ranks.records import SPLITS
from isgd_mpi.run.record.best_file import FILE
from isgd_mpi.run.record.next_steps import WORTH_SAYING
from isgd_mpi.run.record.words import count, with_error
from isgd_mpi.sampling.gain import FAR
from isgd_mpi.settings.sampling import UNWEIGHTED
from isgd_mpi.training.measures import areas_under_curves, is_binary


def summarise(trainer, setup, seconds, waiting_seconds):
    """Return the totals of a run.

    Parameters
    ----------
    trainer : trainer.Trainer
    setup : setup.Setup
    seconds : float
        Training time, without the evaluation at the end.
    waiting_seconds : float
        The part of it in which trainers waited; see :attr:`trainer.Trainer.waiting_seconds`.

    Returns
    -------
    dict
        Ready for JSON.
    """
    gain = trainer.sampler.mean_gain
    return {
        "steps": trainer.step,
        "examples": trainer.step * setup.config.minibatch_size,
        "seconds": seconds,
        "variance_gain": gain and gain.value,
        "variance_gain_error": gain and gain.error,
        "possible_gain": gain and gain.possible,
        "effective_minibatch": gain and gain.value * setup.config.minibatch_size,
        "noise_scale": trainer.figures.get("noise_scale", math.nan),
        "noise_scale_error": trainer.figures.get("noise_scale_error", math.nan),
        "distinct_examples": trainer.figures.get("distinct_examples", math.nan),
        "steps_per_second": trainer.step / seconds,
        "scored_per_second": trainer.n_scored / seconds,
        "wait_fraction": waiting_seconds / seconds,
        "predictor_correlation": trainer.predicted.correlation if trainer.predicted else math.nan,
        "ranks": setup.size,
        "trainers": setup.config.trainers,
    }


def describe_best(trainer, stopped_early, folder):
    """Return in one line which parameters were the best on the validation set, and why training stopped early.

    Parameters
    ----------
    trainer : trainer.Trainer
    stopped_early : bool
        Whether patience was at its end.
    folder : pathlib.Path or None
        The run's folder.

    Returns
    -------
    str
        Empty if there are none, as without a validation set.
    """
    best = trainer.evaluations.best
    if best is None:
        return ""
    measure = measure_of([best.measure])
    name, words = ("loss", "{:.3g}".format) if best.measure == "loss" else (measure.text, measure.words)
    place = "result.best" if folder is None else FILE
    found = f"{place} is of step {best.step}" if best.found else "no evaluation was finite"
    if stopped_early:
        why = f"validation {name} had not fallen for {count(best.patience, 'evaluation')}"
        return f"stopped early at step {trainer.step}: {why}; {found}"
    return f"{found}, with the least validation {name}, {words(best.value)}" if best.found else ""


def last_evaluation(trainer, setup, complete=True):
    """Return all figures of each split; None for a split that the data set lacks.

    Parameters
    ----------
    trainer : trainer.Trainer
    setup : setup.Setup
    complete : bool
        Whether the last parameters were evaluated: areas under curves are those of the last parameters.
    """
    splits, details = trainer.evaluations.splits, trainer.evaluations.details
    areas = _areas(trainer, setup) if complete else {}
    found = dict.fromkeys(SPLITS)
    for split, figures in splits.items():
        found[split] = {name: value for name, value in figures.items() if name != "n"} | details[split]
        if split in areas:
            found[split]["auc"] = areas[split]
    return found


def _areas(trainer, setup):
    if not is_binary(setup.dataset.target):
        return {}
    n_rows = setup.grid.batch_size
    _, model = setup.models.make_scorer(n_rows)
    model.params = trainer.params
    return areas_under_curves(model, setup.dataset, n_rows)


def verdict(trainer, score, sampling="proportional"):
    """Return in one line what importance sampling gained, or could have gained in a uniform run."""
    gain = trainer.sampler.mean_gain
    if sampling in UNWEIGHTED and score != "uniform" and trainer.sampler.was_used:
        return f"--sampling {sampling} is biased on purpose: no variance says what it gained, only losses and errors do"
    if score == "uniform":
        return _of_uniform(trainer.sampler.variances())
    if gain is None and trainer.sampler.was_used:
        return "importance sampling was used too briefly to say what it gained: take more steps"
    if gain is None:
        return f"importance sampling never began: {_why_never(trainer)}"
    words = f"variance gain {with_error(gain.value, gain.error)} of {gain.possible:.2g} possible"
    if gain.value < WORTH_SAYING:
        answer = f"importance sampling did not pay here: {words}; try --score uniform on all ranks"
    else:
        answer = f"{words}: a uniform minibatch would have to be {gain.value:.2g} times as large"
    return answer + _cause(trainer, gain)


def _why_never(trainer):
    """Return the reason why there was never a proposal formed from scores."""
    if trainer.target.kind == "classes" and trainer.target.n_outputs == 1:
        return "the training set has one class only, so there is nothing to learn"
    if trainer.sampler.problem:
        return trainer.sampler.problem
    usable = trainer.figures.get("usable_fraction", 0.0)
    return (
        f"{usable:.1%} of the examples had a usable score at the last refresh "
        "(see --usable-fraction, --refresh-every, --max-staleness, --steps)"
    )


def _of_uniform(figures):
    """Return the verdict on a uniform run, by the figures of the last refresh."""
    uniform, ideal = figures["trace_uniform"], figures["trace_ideal"]
    if not ideal > 0 or math.isnan(uniform):
        return "uniform sampling; too short a run to say what importance sampling could have gained"
    possible = uniform / ideal
    return f"uniform sampling; importance sampling could have divided the variance by up to {possible:.2g}"


def _cause(trainer, gain):
    """Return a sentence on why the gain is far from the possible one, now and not in the first steps alone."""
    reason = trainer.sampler.why_so_low(trainer.step) if gain.possible >= FAR * gain.value else ""
    return f". {reason[0].upper()}{reason[1:]}" if reason else ""


def columns_by_kind(lines):
    """Turn the lines of the metrics into arrays.

    Parameters
    ----------
    lines : list of dict
        With ``kind``, and fields that depend on it.

    Returns
    -------
    dict of str to dict of str to ndarray
        For each kind its fields other than ``kind``, over all its lines; an unknown number is NaN.
    """
    return {
        kind: _columns([line for line in lines if line["kind"] == kind])
        for kind in dict.fromkeys(line["kind"] for line in lines)
    }


def _columns(lines):
    names = [name for name in lines[0] if name != "kind"]
    return {name: np.array([math.nan if line[name] is None else line[name] for line in lines]) for name in names}


class Keeper:
    """Writes the files at the end of a run; notes those that fail, and goes on with the rest.

    Parameters
    ----------
    folder : pathlib.Path or None
        The run's folder; nothing is written if None.

    Attributes
    ----------
    folder : pathlib.Path or None
    problems : list of str
        For each file that could not be written a sentence with the reason.
    """

    def __init__(self, folder):
        self.folder = folder
        self.problems = []

    def keep(self, name, write):
        """Write a file, if the run has a folder.

        Parameters
        ----------
        name : str
        write : callable
            Takes the path to write to.
        """
        if self.folder is None:
            return
        try:
            write(self.folder / name)
        except OSError as error:
            self.note(name, error.strerror or str(error))

    def note(self, name, reason):
        """Note that a file could not be written."""
        self.problems.append(f"{self.folder / name} could not be written ({reason})")
