"""``python -m isgd_mpi.bench NAME [OPTIONS]``: run a benchmark.

A benchmark is a module with OPTIONS (see :func:`output.parse`) and ``run(settings)``, which measures, prints its
tables, and returns what ``--json`` writes beside the settings.
"""

import sys
from functools import partial
from importlib import import_module

from isgd_mpi.bench import output
from isgd_mpi.settings.commands import exit_code
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.exit_codes import DONE
from isgd_mpi.settings.help import version_text

# name: (module below isgd_mpi, meaning)
BENCHES = {
    "exchange": ("bench.exchange.main", "move parameters and scores in several ways, time each"),
    "memory": ("bench.memory.main", "measure the ranks' memory and the trainer's time, with many examples"),
    "predictor": ("bench.predictor.main", "count the losses that the predictor learns and predicts a second"),
    "refresh": ("bench.refresh.main", "time the trainer's part of a refresh, with the reports of made-up scorers"),
    "runs": ("report.run_table", "show finished runs side by side: medians and quartiles over seeds"),
    "scaling": ("bench.scaling.main", "predict refreshes, staleness and variance gain up to 4 096 ranks"),
    "throughput": ("bench.throughput.main", "count scored examples a second, beside the matrix products alone"),
    "time-to-loss": ("bench.time_to_loss.main", "time training to a small loss, beside uniform SGD"),
    "torch": ("bench.pytorch.main", "time the trainer's step and the scorers' work beside PyTorch"),
}


def usage():
    """Return the text of ``--help``: the command line, and the benchmarks."""
    benches = "\n".join(f"  {name:<13} {meaning}" for name, (_, meaning) in BENCHES.items())
    return f"usage: python -m isgd_mpi.bench NAME [OPTIONS]\n\n{benches}\n\nNAME --help lists a benchmark's options"


def main(arguments=None):
    """Run the benchmark that the command line names.

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
    texts = {"-h": usage, "--help": usage, "--version": version_text}
    if name in texts:
        print(texts[name]().rstrip())
        return DONE
    return exit_code(partial(_run, name, options), "nothing was written")


def _run(name, arguments):
    if name not in BENCHES:
        raise InputError(f"unknown benchmark {name!r}: choose {', '.join(BENCHES)}; see --help")
    place, meaning = BENCHES[name]
    bench = import_module(f"isgd_mpi.{place}")
    settings = output.parse(name, meaning, bench.OPTIONS, arguments)
    output.write(settings.json, {"settings": settings.as_dict(), **bench.run(settings)})
    return DONE


if __name__ == "__main__":
    sys.exit(main())
