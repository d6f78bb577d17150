"""After the warm-up nothing is compiled any more: compilation is not training time."""

import pkgutil
from functools import partial
from importlib import import_module

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

from isgd_mpi import kernels
from isgd_mpi.data.arrays import from_arrays
from isgd_mpi.run import job
from isgd_mpi.run.cli import main
from isgd_mpi.run.warmup import warm_up
from isgd_mpi.settings.config import Config

MODULES = [module.name for module in pkgutil.iter_modules(kernels.__path__) if module.name != "bench"]
ROUNDED = ["--train-precision", "bf16", "--momentum", "0.5"]
ADAM = ["--optimizer", "adam", "--train-precision", "bf16", "--clip-norm", "0.1"]
PREDICTED = ["--score", "predicted-loss"]
RANKED = ["--sampling", "selective-backprop"]


def compiled():
    """Every compiled signature of every kernel."""
    modules = [vars(import_module(f"isgd_mpi.kernels.{name}")) for name in MODULES]
    return {
        (kernel.__name__, signature)
        for names in modules
        for kernel in names.values()
        if isinstance(kernel, Dispatcher)
        for signature in kernel.signatures
    }


@pytest.mark.parametrize(
    "options",
    [["--momentum", "0.9"], ["--sampling", "multinomial"], ["--score", "uniform"], RANKED, PREDICTED, ROUNDED, ADAM],
)
def test_a_run_compiles_nothing_behind_the_warm_up(options, tmp_path, monkeypatch):
    known = []

    def watched(function, *arguments):
        function(*arguments)
        known.append(compiled())

    for name in ("warm_up", "warm_up_predictor"):
        monkeypatch.setattr(job, name, partial(watched, getattr(job, name)))
    common = ["--schedule", "exact", "--steps", "40", "--hidden", "8", "8", "--quiet", "--run-dir"]
    assert main([*common, str(tmp_path / "run"), *options]) == 0
    assert compiled() == known[-1] and known[-1]


def test_features_whose_gradient_overflows_are_no_matter_of_the_warm_up(rng):
    x, y = rng.normal(size=(20, 3)).astype(np.float32) * np.float32(1e30), np.arange(20) % 2
    warm_up(from_arrays(x, y, standardize="none"))


def test_a_step_that_overflows_is_a_matter_of_the_run(rng):
    x, y = rng.normal(size=(20, 3)).astype(np.float32), np.arange(20) % 2
    warm_up(from_arrays(x, y), Config(lr=1e39))
