import importlib
import json
import os
import pkgutil
import subprocess
import sys

import numpy as np
import pytest

from isgd_mpi import kernels
from isgd_mpi.kernels.bench import __main__ as bench
from isgd_mpi.kernels.bench import twins
from isgd_mpi.kernels.bench.cases import CASES
from isgd_mpi.kernels.bench.machine import bandwidth_probe, matmul_probe
from isgd_mpi.kernels.bench.timing import alternating_medians, check_twins, measure

HELPERS = {"wait_for_all", "height_of", "mix32", "draw_example", "make_pixel", "bfloat16_bits", "adam_settings"}
NO_KERNELS = ["bench", "code_cache", "limits", "memory", "own_folders", "processor", "revision", "threads"]
NAMES = {case.name: case for case in CASES}


def public_kernels():
    names = set()
    for module in pkgutil.iter_modules(kernels.__path__):
        if not module.name.startswith("_") and module.name not in NO_KERNELS:
            contents = vars(importlib.import_module(f"isgd_mpi.kernels.{module.name}"))
            home = f"isgd_mpi.kernels.{module.name}"
            names |= {
                name
                for name, item in contents.items()
                if callable(item) and item.__module__ == home and not name.startswith("_")
            }
    return names


def run_bench(*arguments):
    environment = os.environ | {"COLUMNS": "200"}
    command = [sys.executable, "-m", "kernels.bench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)


def test_every_kernel_is_measured():
    assert public_kernels() - HELPERS == NAMES.keys()


def test_names_are_unique():
    assert len(NAMES) == len(CASES)


@pytest.mark.parametrize("name", NAMES)
def test_kernel_and_twin_agree(name):
    case = NAMES[name]
    check_twins(case, case.sizes[0])


@pytest.mark.parametrize(
    ("returned", "factor", "message"),
    [(1000, 1.1, "sgd_update"), (999, 1.0, "returned 1000, its twin 999")],
)
def test_a_twin_that_writes_or_returns_something_else_is_found_out(monkeypatch, returned, factor, message):
    def wrong(params, gradient, rate):
        params -= np.float32(factor * rate) * gradient
        return returned

    monkeypatch.setattr(twins, "sgd_update", wrong)
    with pytest.raises(AssertionError, match=message):
        check_twins(NAMES["sgd_update"], (1000,))


def test_arguments_are_the_same_at_each_call():
    case = NAMES["squared_row_norms"]
    first, again = (case.variants((3, 5))[0][0] for _ in range(2))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize(
    ("name", "size"),
    [("add_squared_grad_norms", (16,)), ("search", (16, 100)), ("add_product", (4, 8, 256))],
)
def test_a_row_holds_what_it_says(name, size):
    row = measure(NAMES[name], size, repeat=1)
    work = {"add_squared_grad_norms": 4 * 8 * 16, "search": 16, "add_product": 2 * 4 * 8 * 256}[name]
    scale = {"G": 1e9, "M": 1e6}[row["unit"][0]]
    np.testing.assert_allclose(row["rate"], work / (row["us"] * 1e-6) / scale)
    np.testing.assert_allclose(row["ratio"], row["numpy_us"] / row["us"])
    if row["limit"] is not None:
        np.testing.assert_allclose(row["share_of_limit"], row["rate"] / row["limit"])
    assert row["kernel"] == name and row["us"] > 0


def test_blocks_alternate_and_use_all_arguments_in_turn():
    calls = []
    functions = [lambda x, i=i: calls.append((i, x)) for i in range(2)]
    medians = alternating_medians([(function, [(0,), (1,)]) for function in functions] + [(None, None)], repeat=3)
    runs = [call for k, (call, _) in enumerate(calls) if k == 0 or calls[k - 1][0] != call]
    assert runs[-6:] == [0, 1] * 3 and {x for _, x in calls} == {0, 1}
    assert medians[0] > 0 and medians[2] is None


@pytest.mark.parametrize("pattern", ["read", "update", "copy"])
def test_a_bandwidth_probe_touches_its_footprint(pattern):
    probe = bandwidth_probe(pattern, 10_000)
    (x,) = probe.arguments
    assert x.nbytes == 10_000 and probe.work == (2 if pattern == "update" else 1) * x.nbytes
    x[: x.size // 2] = np.arange(x.size // 2)
    before = x.copy()
    result = probe.function(x)
    expected = {"read": before, "update": -before, "copy": np.tile(before[: x.size // 2], 2)}[pattern]
    np.testing.assert_array_equal(x, expected)
    assert result is None or result == pytest.approx(before.sum())


def test_a_product_probe_has_the_rows_asked_for():
    probe = matmul_probe(16)
    left, right, out = probe.arguments
    assert len(left) == 16 and probe.work == 2 * left.size * right.shape[1] and out.shape == (16, right.shape[1])


def test_the_command_prints_a_table_and_writes_json(tmp_path):
    done = run_bench("--only", "add_squared_grad_norms", "--repeat", "1", "--json", str(tmp_path / "out.json"))
    assert done.returncode == 0 and not done.stderr
    result = json.loads((tmp_path / "out.json").read_text())
    sizes = [list(size) for size in NAMES["add_squared_grad_norms"].sizes]
    assert [row["size"] for row in result["rows"]] == sizes
    assert {"host", "processor", "threads", "versions", "revision"} <= result["machine"].keys()
    lines = done.stdout.splitlines()
    assert sum(line.startswith("add_squared_grad_norms") for line in lines) == len(sizes)
    for name, value in result["machine"].items():
        assert any(line.startswith(name) and line.endswith(str(value)) for line in lines)


@pytest.mark.parametrize(
    "argv",
    [["--only", "bogus"], ["--only"], ["--threads", "0"], ["--repeat", "x"], ["stray"], ["--json", "/no/such/file"]],
)
def test_bad_usage_is_one_line_and_exit_code_2(argv, capsys):
    with pytest.raises(SystemExit) as ended:
        bench.main(argv)
    captured = capsys.readouterr()
    assert ended.value.code == 2 and captured.err.count("\n") == 1 and not captured.out
    assert any(word in captured.err for word in argv)
