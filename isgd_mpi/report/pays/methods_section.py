"""State all that a paper's methods section must state, as text that can be taken over."""

from isgd_mpi.report.pays.reasons import digits
from isgd_mpi.report.pays.record import AXES

STATISTICS = (
    "A run has reached the least value that was measured so far, as with early stopping (the running minimum, with "
    "straight lines between evaluations). The target is the worse of the "
    "two methods' medians of what their final runs reach. A run that does not reach it counts with its whole training "
    "time; runs of importance sampling that failed count as not having reached it, pairs in which uniform sampling "
    "failed are left out. Runs of the same seed are pairs. Ratios are geometric means with 95 % intervals from a "
    "paired t test of their logarithms (two-sided p; Cohen's d is mean over standard deviation of the logarithms). "
    "Importance sampling is said to pay if the interval is below 1, p < 0.05, and it reaches at least what uniform "
    "sampling reaches in the same time; not to pay if the interval is above 0.9, or it reaches less in the same "
    "time (interval above 1), or it is slower by training loss (interval above 1) and not faster by the judge; or "
    "nothing differs clearly, and perfect scores would be worth less than 1.2 times the minibatch; "
    "otherwise it is undecided, as it is if it looks faster than uniform sampling whose best settings lie at the "
    "border of the space. The method of the sentence did best in the search, which knows nothing of the final runs; "
    "p-values are not corrected for the number of methods. Medians and quartiles are over the final runs that "
    "came to their end."
)


def paragraphs(record):
    """Return the section as a list of paragraphs."""
    return [_data(record), _machine(record), *_search(record), _finals(record), STATISTICS]


def _data(record):
    words = f": {record.data_words}" if record.data_words else ""
    given = ", ".join(f"{name} = {value}" for name, value in record.options.items())
    options = f" Options given for every run: {given}." if given else " All other options are the defaults."
    return f"Data: {record.data}{words}. Methods are judged by the {record.measure.text}.{options}"


def _machine(record):
    known = record.environment
    cores = f"{record.cores} core{'s' * (record.cores != 1)}"
    text = f"Every run has {record.ranks} MPI rank{'s' * (record.ranks != 1)} on {cores}"
    text += f" ({known['processor']})" if known.get("processor") else ""
    packages = [f"{name} {version}" for name, version in (known.get("packages") or {}).items()]
    versions = [f"Python {known['python']}"] if known.get("python") else []
    versions += [*packages, *(str(known[name]) for name in ("blas", "mpi_library") if known.get(name))]
    text += f"; {', '.join(versions)}" if versions else ""
    text += f"; revision {known['git_revision']}" if known.get("git_revision") else ""
    return f"{text}."


def _search(record):
    """Yield what each method's search was given, and what it found."""
    budget = f", of {digits(record.minutes)} minutes in all" if record.minutes == record.minutes else ""
    yield (
        "Search: minibatch, learning rate and, where nothing is scored, the number of ranks that train are found by "
        "successive halving on a seed of its own (0), and then among the neighbours of the best; every method has the "
        f"same part of the time{budget} and the same space, which is widened where the best value lies at its border."
    )
    for method in record.methods:
        options = ", ".join(f"{name} = {value}" for name, value in method.options.items())
        space = "; ".join(f"{_words(name)} from {_values(values)}" for name, values in method.axes.items() if values)
        best = ", ".join(f"{_words(name)} {method.best[name]:g}" for name in AXES if name in method.best)
        border = ", at the border of the space" if method.at_border else ""
        spent = f"{len(method.trials)} runs, {digits(method.search_seconds)} s"
        yield (
            f"{method.label}{f' ({options})' if options else ''}: {space or 'nothing to search'}; {spent}; "
            f"best: {best or 'none'}{border}."
        )


def _words(name):
    return {"lr": "learning rate", "minibatch_size": "minibatch"}.get(name, name)


def _values(values):
    return ", ".join(f"{value:g}" for value in values)


def _finals(record):
    seeds = ", ".join(map(str, record.seeds)) or "none yet"
    return (
        f"Final runs: the best settings of each method, {digits(record.seconds)} s of training each, on the same "
        f"ranks, seeds {seeds}. The training loss is over at most 5 000 fixed training examples; the test set is "
        "measured with the last parameters."
    )
