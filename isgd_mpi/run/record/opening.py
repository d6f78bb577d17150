"""The lines at the start of a run: data, model, training, sampling, ranks and their roles, folder, notes."""

from isgd_mpi.data.numbers import far_out
from isgd_mpi.data.weights import in_words
from isgd_mpi.run.record.idle_options import without_effect
from isgd_mpi.run.record.words import aligned, count

_SPLITS = {"train": "training", "valid": "validation", "test": "test"}
_SCORES = {"grad-norm": "gradient norm", "grad-bound": "gradient bound", "loss": "loss",
           "predicted-loss": "predicted loss"}  # fmt: skip


def describe_job(setup, folder, resumed_at=None):
    """Return some aligned lines that describe a job.

    Parameters
    ----------
    setup : setup.Setup
    folder : pathlib.Path or None
        The run's folder.
    resumed_at : int, optional
        Step of the checkpoint that the run is resumed from.
    """
    lines = {
        "data": _data(setup.dataset),
        "features": _features(setup.dataset),
        "weights": in_words(setup.dataset),
        "model": f"{setup.models.text}, {count(setup.models.n_params, 'parameter')}",
        "training": _training(setup),
        "sampling": _sampling(setup),
        "ranks": _ranks(setup),
        "folder": f"{folder}{'' if resumed_at is None else f', resumed at step {resumed_at}'}" if folder else "",
    }
    return "\n".join(aligned(label, text) for label, text in lines.items() if text)


def notes(setup):
    """Return what the user should know before it begins: arithmetic, targets far out, options without effect."""
    outlying = far_out(setup.dataset, setup.config.loss)
    return [*setup.models.notices, *([outlying] if outlying else []), *without_effect(setup)]


def _data(dataset):
    sizes = [f"{len(split):,} {_SPLITS[name]}" for name, split in dataset.splits.items()]
    return f"{dataset.name}: {', '.join(sizes)} examples; {count(dataset.n_features, 'feature')}; {dataset.target.text}"


def _features(dataset):
    made = f"{dataset.encoding.description}; " if dataset.encoding else ""
    return f"{made}{dataset.scaling}"


def _training(setup):
    """Return the optimiser, its learning rate, the length of the run and the arithmetic in words."""
    config, kind = setup.config, setup.dataset.target.kind
    scaled = ", raised with the gain" if config.lr_scaling == "gain" else ""
    schedule = "" if config.lr_schedule == "constant" else f" ({config.lr_schedule})"
    parts = [
        f"{config.optimizer}, learning rate {config.learning_rate(kind):g}{schedule}{scaled}",
        f"minibatches of {config.minibatch_size}",
        _length(config, setup.dataset.n_train),
    ]
    arithmetic = setup.models.train_arithmetic
    return ", ".join(parts) + (f"; in {arithmetic}" if arithmetic != "its own" else "")


def _length(config, n_train):
    n_steps = config.n_steps(n_train)
    if n_steps is None:
        return f"{config.seconds:g} s"
    return f"{count(n_steps, 'step')} ({n_steps * config.minibatch_size / n_train:.3g} epochs)"


def _sampling(setup):
    """Return in words what minibatches are drawn by."""
    config, arithmetic = setup.config, setup.models.arithmetic
    if config.score == "uniform":
        return "uniform: no importance sampling"
    if arithmetic == "its own":
        return f"by the model's own score of each example; {config.schedule} schedule"
    score = _SCORES.get(config.score, config.score)
    return f"by each example's {score}, computed in {arithmetic}; {config.schedule} schedule"


def _ranks(setup):
    """Return the ranks, their threads and their roles in words."""
    roles = [_trainers(setup), _scorers(setup)]
    if setup.config.score == "predicted-loss":
        place = "the trainer itself" if setup.predictor_rank is None else f"rank {setup.predictor_rank}"
        roles.append(f"{place} predicts losses ({setup.config.predictor})")
    return f"{setup.size} with {count(setup.node.threads, 'thread')} each: {', '.join(roles)}"


def _trainers(setup):
    n_trainers = setup.config.trainers
    shared = " that share the net" + (f" on each of {setup.n_models} nodes" if setup.n_models > 1 else "")
    how = shared if setup.trainers_share else " that sum gradients" if n_trainers > 1 else ""
    how += ", the first of which feeds the others" * setup.feeds
    why = f" ({setup.why_trainers})" if setup.why_trainers and setup.size > 1 else ""
    return f"{count(n_trainers, 'trainer')}{how}{why}"


def _scorers(setup):
    config = setup.config
    if setup.n_scorers:
        gives_way = setup.node.crowded and config.schedule == "relaxed"
        return count(setup.n_scorers, "scorer") + (" (giving way to training)" if gives_way else "")
    if config.score == "uniform":
        return "no scorers"
    if config.schedule == "exact":
        return "no scorers: training stops at each refresh to score all examples"
    return "no scorers: scores come from the minibatches alone"
