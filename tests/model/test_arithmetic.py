import json
import platform

import numba
import numpy as np
import pytest

from isgd_mpi.data import datasets
from isgd_mpi.kernels.processor import Processor, this_processor
from isgd_mpi.model.bfloat16 import mkl
from isgd_mpi.model.bfloat16.arithmetic import ARITHMETIC, NEEDED, WITHOUT_MKL, fastest_arithmetic
from isgd_mpi.model.bfloat16.scoring_mlp import Evaluator, LowPrecisionMLP
from isgd_mpi.model.bfloat16.training_mlp import MKLMLP, RoundedMLP
from isgd_mpi.model.blueprints import MLPBlueprint
from isgd_mpi.model.mlp import MLP
from isgd_mpi.run.cli import main
from isgd_mpi.settings.config import Config
from isgd_mpi.settings.precisions import AMX
from isgd_mpi.settings.precisions import AVX512 as AVX


@pytest.mark.parametrize(
    ("vendor", "flags", "has_mkl", "expected"),
    [
        ("AuthenticAMD", {"avx512_bf16"}, False, AVX),
        ("AuthenticAMD", {"avx512_bf16"}, True, AVX),
        ("AuthenticAMD", {"avx2"}, True, "float32"),
        ("GenuineIntel", {"avx512_bf16", "amx_bf16"}, True, AMX),
        ("GenuineIntel", {"avx512_bf16", "amx_bf16"}, False, "float32"),
        ("GenuineIntel", {"avx512_bf16"}, True, "float32"),
        ("", set(), False, "float32"),
    ],
)
@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="the products are compiled only")
def test_the_fastest_arithmetic_is_told_by_the_processor(vendor, flags, has_mkl, expected, monkeypatch):
    monkeypatch.setattr(mkl, "load", lambda: object() if has_mkl else None)
    assert fastest_arithmetic(Processor("", vendor, flags)) == expected and expected in ARITHMETIC


@pytest.mark.parametrize(
    ("flags", "has_mkl", "options", "n_told"),
    [({"amx_bf16"}, False, {}, 1), ({"amx_bf16"}, True, {}, 0), ({"avx2"}, False, {}, 0),
     ({"amx_bf16"}, False, {"score_precision": "f32", "minibatch_size": 127}, 0),
     ({"amx_bf16"}, False, {"score_precision": "f32", "minibatch_size": 128}, 1),
     ({"amx_bf16"}, False, {"score_precision": "f32", "train_precision": "f32"}, 0)],
)  # fmt: skip
def test_what_mkl_would_bring_is_told_where_it_is_missing(flags, has_mkl, options, n_told, monkeypatch):
    monkeypatch.setattr(mkl, "load", lambda: object() if has_mkl else None)
    monkeypatch.setattr("isgd_mpi.model.bfloat16.arithmetic.this_processor", lambda: Processor("", "", flags))
    models = MLPBlueprint(Config(**options), datasets.load("mnist10k"))
    models.choose_arithmetic("float32", 1)
    assert models.notices == n_told * [WITHOUT_MKL]


def test_this_processor_is_told():
    name, vendor, flags = this_processor()
    assert name
    assert (vendor and flags) or platform.machine() != "x86_64"
    assert fastest_arithmetic() in ARITHMETIC


@pytest.mark.skipif(mkl.load() is None, reason="there is no MKL")
def test_mkl_is_where_it_says_and_has_a_version():
    assert mkl.library_path().name.startswith("libmkl_rt.so") and int(mkl.version().partition(".")[0]) >= 2021


@pytest.mark.skipif(mkl.load() is None, reason="there is no MKL")
@pytest.mark.parametrize("sizes", [(1, 1, 1), (7, 40, 33), (64, 5, 2), (0, 3, 4)])
@pytest.mark.parametrize("transposed", [(False, False), (True, False), (False, True), (True, True)])
def test_mkl_multiplies_parts_of_matrices_and_transposes(rng, sizes, transposed):
    n, k, m = sizes

    def part(rows, columns, dtype, transpose=False):
        rows, columns = (columns, rows) if transpose else (rows, columns)
        whole = np.zeros((rows + 2, columns + 35), dtype)
        inner = whole[1 : rows + 1, 32 : columns + 32]
        return inner.T if transpose else inner

    factors = part(n, k, np.uint16, transposed[0]), part(k, m, np.uint16, transposed[1])
    for factor in factors:  # sums of products of small integers are exact
        factor[:] = rng.integers(-8, 9, factor.shape).astype(np.float32).view(np.uint32) >> 16
    out = part(n, m, np.float32)
    product = mkl.Product(*factors, out)
    left, right = ((factor.astype(np.uint32) << 16).view(np.float32) for factor in factors)
    for _ in range(2):
        product()
        np.testing.assert_array_equal(out, left @ right)
    assert np.count_nonzero(out.base) == np.count_nonzero(out)


@pytest.mark.parametrize(
    ("asked", "there", "used", "kinds"),
    [
        ("auto", AVX, AVX, (LowPrecisionMLP, Evaluator)),
        ("bf16", AVX, AVX, (LowPrecisionMLP, Evaluator)),
        ("f32", AVX, "float32", (MLP, MLP)),
        ("auto", "float32", "float32", (MLP, MLP)),
        ("bf16", "float32", "float32", (MLP, MLP)),
    ],
)
def test_scorers_get_what_was_asked_for_as_far_as_it_is_there(asked, there, used, kinds, monkeypatch):
    monkeypatch.setattr("isgd_mpi.model.blueprints.lacks_mkl", lambda: False)
    models = MLPBlueprint(Config(hidden=[5], score_precision=asked, train_precision="f32"), datasets.load("mnist10k"))
    models.choose_arithmetic(there, threads=1)
    assert models.arithmetic == used
    assert tuple(map(type, models.make_scorer(3))) == kinds
    assert models.rows_at_a_time == (768 if used == AVX else None)
    assert len(models.notices) == (asked == "bf16" and used == "float32")


@pytest.mark.parametrize(
    ("options", "fastest", "threads", "kind"),
    [
        ({}, AVX, 1, RoundedMLP),
        ({"train_precision": "bf16"}, AVX, 1, RoundedMLP),
        ({"train_precision": "f32"}, AVX, 1, MLP),
        ({}, AMX, 1, MLP),
        ({"minibatch_size": 127}, AMX, 1, MLP),
        ({"minibatch_size": 128}, AMX, 1, MKLMLP),
        ({"minibatch_size": 128}, AMX, 3, MLP),
        ({"minibatch_size": 1, "train_precision": "bf16"}, AMX, 1, MKLMLP),
        ({}, "float32", 1, MLP),
        ({"train_precision": "bf16"}, "float32", 1, MLP),
        ({"minibatch_size": 63}, AVX, 1, MLP),
        ({"minibatch_size": 1, "train_precision": "bf16"}, AVX, 1, RoundedMLP),
        ({}, AVX, 3, MLP),
        ({"compat": "alain2015"}, AVX, 1, MLP),
    ],
)
@pytest.mark.usefixtures("mkl_in_numpy")
def test_trainers_get_what_was_asked_for_as_far_as_it_is_there_and_faster(options, fastest, threads, kind):
    config = Config(**{"hidden": [5], "minibatch_size": 64} | options)
    models = MLPBlueprint(config, datasets.load("mnist10k"))
    models.choose_arithmetic(fastest, 1, threads)
    assert type(models.make_trainer(3)) is kind and type(models.make(3)) is MLP
    assert models.train_arithmetic == ("float32" if kind is MLP else fastest)
    told = [notice for notice in models.notices if "--train-precision" in notice]
    assert len(told) == (config.train_precision == "bf16" and kind is MLP)


def test_a_run_that_cannot_have_bfloat16_says_so_and_uses_float32(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("isgd_mpi.run.job.fastest_arithmetic", lambda: "float32")
    options = ["--score-precision", "bf16", "--train-precision", "bf16", "--steps", "3", "--hidden", "4"]
    assert main([*options, "--run-dir", str(tmp_path / "run")]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert f"float32: --score-precision bf16 needs, on every rank, {NEEDED}" in printed
    assert f"float32: --train-precision bf16 needs, on every rank, {NEEDED}" in printed
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert environment["score_arithmetic"] == environment["train_arithmetic"] == "float32"


@pytest.mark.parametrize("rounded_mlp", ["compiled", "mkl", "mkl_in_numpy"], indirect=True)
def test_training_in_bfloat16_is_resumed_bitwise_and_another_arithmetic_is_an_event(
    rounded_mlp, tmp_path, capsys, monkeypatch
):
    used = AMX if rounded_mlp is MKLMLP else AVX
    if used == AVX and fastest_arithmetic() != AVX:
        pytest.skip("this processor is not fast at bfloat16")
    monkeypatch.setattr("isgd_mpi.run.job.fastest_arithmetic", lambda: used)
    options = ["--schedule", "exact", "--hidden", "70", "64", "--minibatch-size", "128", "--momentum", "0.5"]
    options += ["--score-precision", "f32"]  # scorers would need MKL
    whole, cut = ([*options, "--run-dir", str(tmp_path / name)] for name in ("whole", "cut"))
    assert main([*whole, "--steps", "60"]) == main([*cut, "--steps", "30"]) == 0
    assert main(["--resume", str(tmp_path / "cut"), "--steps", "60"]) == 0
    first, second = (np.load(tmp_path / name / "model.npz")["params"] for name in ("whole", "cut"))
    np.testing.assert_array_equal(first, second)
    environment = json.loads((tmp_path / "cut" / "environment.json").read_text())
    assert environment["train_arithmetic"] == used and "training is in" not in capsys.readouterr().out
    assert main(["--resume", str(tmp_path / "cut"), "--steps", "70", "--train-precision", "f32"]) == 0
    assert f"training is in float32 now, and was in {used}\n" in capsys.readouterr().out
