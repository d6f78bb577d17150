import json
import platform

import numba
import pytest

from isgd_mpi.data import datasets
from isgd_mpi.kernels.processor import Processor, this_processor
from isgd_mpi.model.bfloat16 import mkl
from isgd_mpi.model.bfloat16.arithmetic import ARITHMETIC, NEEDED, fastest_arithmetic
from isgd_mpi.model.bfloat16.scoring_mlp import Evaluator, LowPrecisionMLP
from isgd_mpi.model.blueprints import MLPBlueprint
from isgd_mpi.model.mlp import MLP
from isgd_mpi.run.cli import main
from isgd_mpi.settings.config import Config

AVX, AMX = "bfloat16 (AVX-512)", "bfloat16 (MKL, AMX)"


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


def test_this_processor_is_told():
    name, vendor, flags = this_processor()
    assert name
    assert (vendor and flags) or platform.machine() != "x86_64"
    assert fastest_arithmetic() in ARITHMETIC


@pytest.mark.skipif(mkl.load() is None, reason="there is no MKL")
def test_mkl_is_where_it_says_and_has_a_version():
    assert mkl.library_path().name.startswith("libmkl_rt.so") and int(mkl.version().partition(".")[0]) >= 2021


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
def test_scorers_get_what_was_asked_for_as_far_as_it_is_there(asked, there, used, kinds):
    models = MLPBlueprint(Config(hidden=[5], score_precision=asked), datasets.load("mnist10k"))
    models.choose_arithmetic(there, threads=1)
    assert models.arithmetic == used and models.text.endswith(f"grad-norm in {used}")
    assert tuple(map(type, models.make_scorer(3))) == kinds
    assert models.rows_at_a_time == (768 if used == AVX else None)
    assert (models.notice is not None) == (asked == "bf16" and used == "float32")


def test_a_run_that_cannot_have_bfloat16_says_so_and_uses_float32(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("isgd_mpi.run.job.fastest_arithmetic", lambda: "float32")
    options = ["--score-precision", "bf16", "--steps", "3", "--hidden", "4", "--run-dir", str(tmp_path / "run")]
    assert main(options) == 0
    assert f"float32: --score-precision bf16 needs, on every rank, {NEEDED}\n" in capsys.readouterr().out
    assert json.loads((tmp_path / "run" / "environment.json").read_text())["score_arithmetic"] == "float32"
