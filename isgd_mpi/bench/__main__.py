"""``python -m isgd_mpi.bench NAME [OPTIONS]``: run a benchmark."""

import sys
from functools import partial
from importlib import import_module

from isgd_mpi.settings.commands import exit_code
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.exit_codes import DONE

# name: (module with main(arguments), what it measures)
BENCHES = {
    "exchange": (
        "isgd_mpi.bench.exchange.main",
        "ways to move parameters and scores, and what they take of the trainer",
    ),
    "memory": ("isgd_mpi.bench.memory.main", "memory of each rank and the trainer's time, with a large training set"),
    "predictor": ("isgd_mpi.bench.predictor.main", "losses observed and predicted a second, and the products' share"),
    "runs": ("isgd_mpi.report.run_table", "finished runs side by side: medians and quartiles over seeds"),
    "scaling": ("isgd_mpi.bench.scaling.main", "refreshes, staleness and variance gain predicted up to 4 096 ranks"),
    "throughput": ("isgd_mpi.bench.throughput.main", "scored examples a second, beside the matrix products alone"),
    "time-to-loss": ("isgd_mpi.bench.time_to_loss.main", "wall-clock time to a training loss, beside uniform SGD"),
    "torch": ("isgd_mpi.bench.pytorch.main", "trainer step and scoring beside PyTorch's"),
}


def usage():
    """Return how to call this command, and its benches."""
    benches = "\n".join(f"  {name:<13} {meaning}" for name, (_, meaning) in BENCHES.items())
    return f"usage: python -m isgd_mpi.bench NAME [OPTIONS]\n\n{benches}\n\nNAME --help lists a bench's options"


def main(arguments=None):
    """Run the bench that the command line names.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the process.

    Returns
    -------
    int
        Exit code: 0, 2 if the input is at fault, 130 if interrupted.
    """
    name, *options = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if name in ("-h", "--help"):
        print(usage())
        return DONE
    return exit_code(partial(_run, name, options), "nothing is kept")


def _run(name, options):
    if name not in BENCHES:
        raise InputError(f"unknown bench {name!r}: choose {', '.join(BENCHES)}; see --help")
    import_module(BENCHES[name][0]).main(options)
    return DONE


if __name__ == "__main__":
    sys.exit(main())
