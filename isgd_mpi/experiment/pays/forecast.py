"""Forecast from one short run whether importance sampling pays: ``python -m isgd_mpi.experiment pays --quick``."""

import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from isgd_mpi.data.files import finite_or_none, read_json, read_json_lines, write_json, write_text
from isgd_mpi.data.measure import measure_of
from isgd_mpi.experiment.launcher import Mpirun
from isgd_mpi.experiment.pays.speed import RANKS, Measured, best_importance, best_uniform, critical_minibatch
from isgd_mpi.experiment.perform import problem_of
from isgd_mpi.sampling.division import Work, costs_of
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.exit_codes import DONE
from isgd_mpi.settings.options import to_toml

FILE = "forecast.json"

_SECONDS, _MOST_SECONDS = 30.0, 115.0  # of training, and of everything
_MINIBATCH_SIZE, _RANKS = 64, 2  # of the run
_FIRST = 1 / 4  # of the steps: before that gains and losses are those of a beginning
_NEARLY = 1.1  # times the least error, which is reached long before the least one
_FEW = 8  # refreshes, if the least error comes before the variance is known
_IDLE = 0.9  # of the examples scored in each interval: the scorer waits for parameters
_SCORE_BATCH_SIZE = 512
_UNKNOWN = 1e4  # examples: a critical minibatch beyond all that are tried
_PAYS = 1.05
_MODEL_ERROR = 1.7  # factor by which the answers of `pays` were missed, root mean square of its logarithm: docs/pays.md
_COLUMNS = ("ranks", "uniform: trainers", "minibatch", "sampling: trainers", "scorers", "minibatch", "gain", "steps",
            "speed-up", "between")  # fmt: skip


@dataclass(frozen=True)
class Figures:
    """The figures of a run, pooled over its later refreshes.

    Attributes
    ----------
    measured : speed.Measured
    low, high : speed.Measured
        With two standard errors less of the gain, and the lower quartile of the critical minibatch; with more of both.
    noise_scale : float
        NaN if unknown.
    notes : list of str
        What is not as it should be.
    """

    measured: Measured
    low: Measured
    high: Measured
    noise_scale: float
    notes: list


def forecast(config, ranks, folder, judge="error"):
    """Do a run, print a forecast for 2 to 64 ranks, and write it to ``forecast.json``.

    Parameters
    ----------
    config : config.Config
        Options of a run; those that the comparison chooses are chosen here, too.
    ranks : int
        Ranks that there are.
    folder : pathlib.Path
    judge : str
        ``error`` or ``loss``: training counts until the validation set's is least.

    Returns
    -------
    int
        The exit code.

    Raises
    ------
    InputError
        The run failed, or it was too short to tell.
    """
    options = _options(config, judge)
    print(f"one run of {_SECONDS:g} s on {_RANKS} ranks ...", flush=True)
    with tempfile.TemporaryDirectory(prefix="isgd_mpi-forecast-") as place:
        figures = figures_of(_train(options, Path(place)), options)
    rows = [row_of(figures, n) for n in sorted({*RANKS, max(ranks, min(RANKS))})]
    chosen = next(row for row in rows if row["ranks"] >= ranks)
    answer = sentence(config.data, figures, chosen)
    print(_text(figures, rows, answer))
    folder.mkdir(parents=True, exist_ok=True)
    known = {"possible_gain": figures.measured.possible_gain, "reached_gain": figures.measured.gain}
    content = {"format": 1, "forecast": True, "data": config.data, "sentence": answer, "notes": figures.notes}
    content |= known | {"noise_scale": figures.noise_scale, "rows": rows, "measured": asdict(figures.measured)}
    write_json(folder / FILE, finite_or_none(content))
    return DONE


def _options(config, judge):
    """Return the settings of the run: the learning rate finds its level, and tells the curvature."""
    return replace(
        config, score="grad-norm", minibatch_size=_MINIBATCH_SIZE, seconds=_SECONDS, schedule="relaxed", trainers=1,
        threads=config.threads or 1, lr_scaling="gain" if config.optimizer == "sgd" else "none", best_by=judge,
        quiet=True,
    )  # fmt: skip


def _train(options, place):
    """Do the run; return its folder."""
    folder, config_file = place / "run", place / "run.toml"
    write_text(config_file, to_toml(options))
    try:
        code = Mpirun(_MOST_SECONDS).run(config_file, folder, _RANKS)
    except TimeoutError as error:
        raise InputError(f"{options.data}: {error}; leave --quick out") from None
    if code != DONE:
        raise InputError(f"{options.data}: {problem_of(folder, config_file.with_suffix('.log'), code)}")
    return folder


def figures_of(folder, options):
    """Return the :class:`Figures` of a run in a folder, with its settings.

    Raises
    ------
    InputError
        No refresh tells the variance.
    """
    summary, environment = read_json(folder / "summary.json"), read_json(folder / "environment.json")
    lines = _typical(read_json_lines(folder / "metrics.jsonl")[0], options.best_by)
    if not lines:
        raise InputError(f"{options.data}: {summary['steps']} steps were too few to tell the variance")
    notes = [] if options.optimizer == "sgd" else ["without sgd no curvature is measured: all steps count as noise"]
    with np.load(folder / "model.npz") as model:
        n_params = model["params"].size
    n_examples = read_json(folder / "data.json")["splits"]["train"]
    work = Work(
        n_ranks=_RANKS, n_on_node=_RANKS, n_cores=_RANKS, n_params=n_params, minibatch_size=options.minibatch_size,
        n_examples=n_examples, refresh_every=options.refresh_every, arithmetic=environment["score_arithmetic"],
        score_batch_size=_SCORE_BATCH_SIZE if options.score_batch_size == "auto" else options.score_batch_size,
        train_arithmetic=environment["train_arithmetic"], vendor=environment["vendor"],
    )  # fmt: skip
    return _pool(work, _columns(lines), notes)


def _typical(lines, judge):
    """Return the refreshes with a known variance, from a quarter of the steps to about the best error or loss on."""
    known = [line for line in lines if line["kind"] == "refresh" and _number(line, "trace_ideal") > 0]
    evaluations = [line for line in lines if line["kind"] == "eval"]
    judged = [line for line in evaluations if line["split"] == "valid"] or evaluations
    if not judged:
        return known
    name = "loss" if judge == "loss" else measure_of(set().union(*evaluations)).name
    end = next(line["step"] for line in judged if line[name] <= _NEARLY * min(line[name] for line in judged))
    return [line for line in known if _FIRST * end <= line["step"] <= end] or known[:_FEW]


def _columns(lines):
    return {name: np.array([_number(line, name) for line in lines]) for name in lines[0] if name != "kind"}


def _number(line, name):
    return float("nan") if line[name] is None else float(line[name])


def _pool(work, columns, notes):
    """Return the :class:`Figures` that columns of refreshes have in common."""
    uniform = columns["trace_uniform"]
    gains = np.where(columns["importance_sampling"] > 0, columns["variance_gain"], 1.0)
    gain, error = 1 / np.nanmean(1 / gains), np.nanmean(columns["variance_gain_error"])
    largest_rates = 1 / columns["curvature"]
    critical = critical_minibatch(largest_rates, uniform, columns["minibatch_loss"])
    known = critical > 0
    quartiles = np.quantile(critical[known], (0.25, 0.5, 0.75)) if known.any() else np.full(3, _UNKNOWN)
    steps, seconds = np.ptp(columns["step"]), np.ptp(columns["seconds"])
    rate = float(np.nanmean(columns["learning_rate"]))
    if not steps:
        steps, seconds = 1, 1 / columns["steps_per_second"][0]
    measured = Measured(
        work=work,
        step_seconds=float(seconds / steps),
        score_seconds=_score_seconds(work, columns, seconds / steps),
        possible_gain=max(1.0, float(1 / np.nanmean(columns["trace_ideal"] / uniform))),
        gain=float(gain),
        age=float(np.nanmean(columns["staleness_mean"])) + work.refresh_every / 2,
        rate=rate,
        largest_rate=float(np.median(largest_rates[known])) if known.any() else rate,
        critical_minibatch=float(quartiles[1]),
    )
    low = replace(measured, gain=max(1.0, gain - 2 * error), critical_minibatch=float(quartiles[0]))
    high = replace(measured, gain=gain + 2 * error, critical_minibatch=float(quartiles[2]))
    return Figures(measured, low, high, _last_known(columns["noise_scale"]), notes)


def _last_known(values):
    known = values[np.isfinite(values)]
    return float(known[-1]) if len(known) else float("nan")


def _score_seconds(work, columns, step_seconds):
    """Return the seconds of scoring an example: measured, or in proportion to a step if the scorer often waited."""
    rate = float(np.nanmean(columns["scored_per_second"]))
    per_interval = rate * step_seconds * work.refresh_every
    if per_interval < _IDLE * work.n_examples and rate > 0:
        return 1 / rate
    costs = costs_of(work, 1)
    return costs.score_seconds * step_seconds / costs.step_seconds


def row_of(figures, n_ranks):
    """Return the forecast for a number of ranks, ready for JSON."""
    uniform, sampling = best_uniform(figures.measured, n_ranks), best_importance(figures.measured, n_ranks)
    between = sorted(_speed_up(each, n_ranks) for each in (figures.low, figures.measured, figures.high))
    return {
        "ranks": n_ranks,
        "uniform_trainers": uniform.n_trainers,
        "uniform_minibatch": uniform.minibatch_size,
        "trainers": sampling.n_trainers,
        "scorers": n_ranks - sampling.n_trainers,
        "minibatch": sampling.minibatch_size,
        "gain": sampling.gain,
        "step_ratio": uniform.share / sampling.share,
        "speed_up": sampling.progress / uniform.progress,
        "low": between[0] / _MODEL_ERROR,
        "high": max(between[1], min(between[2] * _MODEL_ERROR, figures.high.possible_gain)),  # its noise is the least
    }


def _speed_up(measured, n_ranks):
    return best_importance(measured, n_ranks).progress / best_uniform(measured, n_ranks).progress


def sentence(data, figures, row):
    """Return the forecast in words."""
    low, high = (f"{row[name]:.2g}" for name in ("low", "high"))
    name, ranks, fast = Path(data).name, row["ranks"], _as_fast(row["speed_up"])
    if row["low"] <= 1 < row["high"] and figures.measured.possible_gain > _PAYS:
        return (
            f"Forecast: on {name} with {ranks} ranks it is open whether importance sampling pays: it is expected to be "
            f"{fast} as tuned uniform sampling ({low} to {high}). Without --quick it is measured."
        )
    if row["speed_up"] > _PAYS:
        return (
            f"Forecast: on {name} with {ranks} ranks importance sampling comes to the training loss of tuned uniform "
            f"sampling in {1 / row['speed_up']:.2f} of its time ({fast}; {low} to {high})."
        )
    return (
        f"Forecast: on {name} with {ranks} ranks importance sampling does not pay ({fast} as tuned uniform sampling; "
        f"{low} to {high}): {_why_not(figures.measured, row)}."
    )


def _as_fast(speed_up):
    """Return a speed-up in words."""
    times = f"{speed_up:.2g}"
    return "as fast" if times == "1" else f"{times} times as fast"


def _why_not(measured, row):
    if measured.possible_gain < _PAYS:
        return "all gradients are alike, and even the best proposal would gain nothing"
    if row["gain"] < _PAYS:
        return f"the scores are too old to gain anything of {measured.possible_gain:.2g} possible"
    if measured.critical_minibatch < measured.work.minibatch_size / 4:
        return f"noise is not what limits training: it weighs little beyond {measured.critical_minibatch:.0f} examples"
    return f"what the gain of {row['gain']:.2g} saves is less than what its scorers would add as trainers"


def _text(figures, rows, answer):
    """Return what is printed."""
    measured = figures.measured
    noise = (
        "unknown: the mean gradient drowns in noise" if np.isnan(figures.noise_scale) else f"{figures.noise_scale:.0f}"
    )
    head = [
        *(f"note: {note}" for note in figures.notes),
        f"gradient noise scale {noise}; critical minibatch {measured.critical_minibatch:.0f} examples: smaller ones "
        "are mostly noise",
        f"variance gain {measured.possible_gain:.2g} possible, {measured.gain:.2g} reached with scores "
        f"{measured.age:.0f} steps old",
        "A forecast, not a measurement: twelve of them on 2 ranks did not tell where it pays (docs/pays.md).",
        "Of ranks with a core each, trained to the same loss:",
    ]
    return "\n".join([*head, _table([_COLUMNS, *map(_cells, rows)]), answer])


def _cells(row):
    names = ("ranks", "uniform_trainers", "uniform_minibatch", "trainers", "scorers", "minibatch", "gain", "step_ratio",
             "speed_up")  # fmt: skip
    return [*(f"{row[name]:.3g}" for name in names), f"{row['low']:.2g} – {row['high']:.2g}"]


def _table(rows):
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows)
