"""The methods that are compared: their space of trials on some cores, and their trials in words."""

from isgd_mpi.bench.output import short
from isgd_mpi.experiment.search import Space

METHODS = {"importance": "importance sampling", "uniform": "uniform sampling", "torch": "PyTorch"}
"""Their names in words; the first is compared with each of the others. All but PyTorch have a rank on each core."""

VARIANTS = ["plain", "fused", "compiled"]
"""Of PyTorch's step: its default, the update in a single pass, torch.compile."""

LATE_VARIANTS = ["compiled"]
"""Those that take long to prepare."""

UNIFORM = {"score": "uniform", "refresh_every": 512}
"""Options of uniform sampling."""

_BIAS = "k = "


def space_of(method, cores, settings):
    """Return the values that the search begins with.

    Parameters
    ----------
    method : str
    cores : int
    settings : jsonargparse.Namespace
        Options of the benchmark.
    """
    variants, late = [""], []
    if method == "torch":
        variants = [name for name in settings.variants if name not in LATE_VARIANTS] or ["plain"]
        late = [name for name in settings.variants if name in LATE_VARIANTS]
    if method == "importance":
        variants = [f"{_BIAS}{exponent:g}" if exponent < 1 else "" for exponent in settings.bias_exponent]
    workers = workers_of(cores, settings.workers)
    return Space(settings.minibatch_size, settings.rates, workers, settings.precision, variants, late)


def options_of(trial):
    """Return the options of a run of ours that follow from the variant of a trial."""
    return {"bias_exponent": float(trial.variant.removeprefix(_BIAS))} if trial.variant else {}


def workers_of(cores, wanted):
    """Return the numbers of trainers, or of PyTorch's threads, to try on some cores: the wanted ones if any fit."""
    numbers = {2**k for k in range(cores.bit_length())} | {3 * cores // 4, cores - 1, cores}
    return sorted(n for n in wanted if n <= cores) or sorted(n for n in numbers if 1 <= n <= cores)


def describe(method, cores, trial):
    """Return a trial in words."""
    settings = f"minibatch {trial.minibatch_size}, rate {trial.rate:g}"
    return ", ".join((METHODS[method], settings, workers_text(method, cores, trial), precision_text(trial)))


def workers_text(method, cores, trial):
    """Return the roles of the ranks, or the number of threads."""
    if method == "torch":
        return f"{trial.workers} threads"
    others = cores - trial.workers
    role = "scorers" if method == "importance" else "idle"
    return f"{trial.workers} trainers" + (f" + {others} {role}" if others else "")


def precision_text(trial):
    """Return precision and variant."""
    return ", ".join(filter(None, (trial.precision, trial.variant)))


def describe_arrival(arrival):
    """Return the result of a run in words."""
    if arrival.problem:
        return f"failed ({arrival.problem})"
    if arrival.seconds is None:
        return f"loss {short(arrival.loss)} after {arrival.allowed_seconds:.3g} s"
    return f"{arrival.seconds:.3f} s, {arrival.steps} steps, {short(arrival.steps_per_second)} steps/s"
