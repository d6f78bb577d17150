import json
import subprocess
import sys

import numpy as np
import pytest

from isgd_mpi.bench.__main__ import BENCHES, main
from isgd_mpi.bench.output import quartiles, short, spread
from isgd_mpi.bench.refresh.main import PARTS


def test_quartiles_are_values_and_infinite_ones_no_part_of_an_average():
    assert quartiles([5.0, 1.0, 2.0, 4.0, 3.0]) == [2.0, 3.0, 4.0]
    assert quartiles([5.0, np.inf, 3.0, np.inf]) == [5.0, np.inf, np.inf]
    assert spread(1234.5, np.inf, 0.12345) == "- [1,234 – 0.123]" and short(None) == "-"


def test_the_predictor_bench_prints_what_it_writes(tmp_path, capsys):
    path = tmp_path / "table.json"
    assert main(["predictor", "--repeat", "1", "--json", str(path)]) == 0
    table, out = json.loads(path.read_text()), capsys.readouterr().out
    assert [row["name"] for row in table["rows"]] == ["learnt", "predicted"] and table["processor"] in out
    for row in table["rows"]:
        assert f"{row['losses_per_second']:,.0f} losses/s   products {row['share']:.0%}\n" in out


def test_the_refresh_bench_times_each_part(tmp_path, capsys):
    path = tmp_path / "table.json"
    options = ["--examples", "3000", "--scorers", "3", "--fresh", "1", "0.5", "--repeat", "2", "--seconds", "0"]
    assert main(["refresh", *options, "--json", str(path)]) == 0
    result, out = json.loads(path.read_text()), capsys.readouterr().out
    assert [(row["examples"], row["fresh"]) for row in result["refreshes"]] == [(3000, 1.0), (3000, 0.5)]
    assert all(row[part] > 0 for row in result["refreshes"] for part in PARTS)
    assert result["draws"][0]["draw"] > 0 and "3,000" in out


@pytest.mark.parametrize("arguments", [[], ["-h"], ["--help"]])
def test_help_lists_the_benches(arguments, capsys):
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert all(f"  {name}" in out and meaning in out for name, (_, meaning) in BENCHES.items())


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["sparks"], "'sparks'"),
        (["predictor", "--repeat", "0"], "repeat"),
        (["torch", "--net", "big"], "big"),
        (["torch", "--repeat", "0"], "repeat"),
        (["torch", "--threads", "many"], "many"),
        (["torch", "--fast"], "--fast"),
        (["torch", "--json", "no/such/folder/table.json"], "no/such/folder"),
        (["exchange", "--ranks", "1"], "1"),
        (["exchange", "--patterns", "pigeons"], "pigeons"),
        (["exchange", "--json", "no/such/folder/table.json"], "no/such/folder"),
        (["throughput", "--net", "big"], "big"),
        (["time-to-loss", "--rates", "-1"], "rates"),
        (["time-to-loss", "--cores", "4000", "--methods", "importance"], "4000 cores"),
        (["scaling", "--real-ranks", "1"], "1"),
        (["scaling", "--ages", "64", "16"], "64 16"),
        (["scaling", "--steps", "100"], "--ages"),
    ],
)
def test_bad_arguments_are_one_line_and_exit_code_2(arguments, named, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and named in captured.err


def test_without_torch_one_line_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["torch"]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1 and "pip install torch" in captured.err


def test_command_exits_with_the_code_of_main():
    done = subprocess.run([sys.executable, "-m", "isgd_mpi.bench", "sparks"], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
