"""What a run says of itself: its summary, and a verdict in plain words."""

import math

import numpy as np

from isgd_mpi.ranks.records import SPLITS

_WORTH_SAYING = 1.1  # variance gains below this are called none


def describe_job(config, dataset, model, n_ranks, node, folder):
    """Return what is about to be run, in three lines."""
    sizes = ", ".join(f"{len(split)} {name}" for name, split in dataset.splits.items())
    n_scorers = config.n_scorers(n_ranks)
    if n_scorers:
        scorers = f"{n_scorers} scorer{'s' * (n_scorers > 1)}, {config.schedule} schedule"
    elif config.score == "uniform":
        scorers = f"no scorers: {'data-parallel ' * (config.trainers > 1)}uniform SGD"
    elif config.schedule == "exact":
        scorers = "no scorers: all examples are scored at each refresh where training is done"
    else:
        scorers = "no scorers: importance sampling from the minibatches' own scores"
    roles = f"{config.trainers} trainer{'s' * (config.trainers > 1)}, {scorers}"
    if config.score == "predicted-loss":
        predictor_rank = config.predictor_rank(n_ranks)
        place = "the trainer itself" if predictor_rank is None else f"rank {predictor_rank}"
        roles += f"; {place} predicts losses ({config.predictor})"
    crowd = " (more ranks than cores: scorers give way)" if node.crowded and n_ranks > config.trainers else ""
    return (
        f"data   {dataset.name}: {sizes} examples of {dataset.n_features} features, {dataset.n_classes} classes\n"
        f"model  {model}{f'; into {folder}' if folder else ''}\n"
        f"ranks  {n_ranks} with {node.threads} thread{'s' * (node.threads > 1)} each: {roles}{crowd}"
    )


def summarise(trainer, config, n_ranks, seconds, exchange_seconds):
    """Return the totals of a run.

    Parameters
    ----------
    trainer : trainer.Trainer
    config : config.Config
    n_ranks : int
    seconds : float
        Training time, without the evaluation at the end.
    exchange_seconds : float
        The part of it that the trainer spent on the exchange.

    Returns
    -------
    dict
        Ready for JSON.
    """
    return {
        "steps": trainer.step,
        "examples": trainer.step * config.minibatch_size,
        "seconds": seconds,
        "variance_gain": trainer.mean_variance_gain,
        "steps_per_second": trainer.step / seconds,
        "scored_per_second": trainer.n_scored / seconds,
        "wait_fraction": exchange_seconds / seconds,
        "predictor_correlation": trainer.intake.correlation,
        "ranks": n_ranks,
        "trainers": config.trainers,
    }


def last_evaluation(splits):
    """Return loss and error of each split; None of those that there are not."""
    return {
        split: {name: splits[split][name] for name in ("loss", "error")} if split in splits else None
        for split in SPLITS
    }


def verdict(trainer, score):
    """Say in a line what importance sampling gained, or would have."""
    figures, gain = trainer.figures, trainer.mean_variance_gain
    if score == "uniform":
        ideal = figures.get("trace_ideal", 0.0)
        if not ideal > 0:
            return "uniform sampling; too short a run to say what importance sampling could have gained"
        possible = figures["trace_uniform"] / ideal
        return f"uniform sampling; importance sampling could have divided the variance by up to {possible:.2g}"
    if gain is None:
        return (
            "importance sampling never began: too few examples had a usable score "
            "(see --usable-fraction, --max-staleness, --steps, and the events in metrics.jsonl)"
        )
    if gain < _WORTH_SAYING:
        return f"importance sampling did not pay here: variance gain {gain:.2f}; try --score uniform on all ranks"
    return f"variance gain {gain:.2f}: a uniform minibatch would have to be {gain:.1f} times as large"


def columns_by_kind(lines):
    """Turn the lines of the metrics into arrays.

    Parameters
    ----------
    lines : list of dict
        With ``kind``, and fields that depend on it.

    Returns
    -------
    dict of str to dict of str to ndarray
        For each kind its fields, but ``kind``, each over all its lines; a number that is not known is NaN.
    """
    return {
        kind: _columns([line for line in lines if line["kind"] == kind])
        for kind in dict.fromkeys(line["kind"] for line in lines)
    }


def _columns(lines):
    names = [name for name in lines[0] if name != "kind"]
    return {name: np.array([math.nan if line[name] is None else line[name] for line in lines]) for name in names}


class Keeper:
    """Writes what it can.

    Attributes
    ----------
    problems : list of str
        What could not be written, and why.
    """

    def __init__(self):
        self.problems = []

    def keep(self, path, write):
        """Write a file.

        Parameters
        ----------
        path : pathlib.Path
            For the message.
        write : callable
            Takes the path.
        """
        try:
            write(path)
        except OSError as error:
            self.note(path, error.strerror or str(error))

    def note(self, path, reason):
        """Note that a file could not be written."""
        self.problems.append(f"{path} could not be written ({reason})")
