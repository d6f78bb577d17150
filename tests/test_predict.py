"""Tests of ``python -m isgd_mpi.predict``, and of a model that was trained on a table."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from isgd_mpi import predict
from isgd_mpi.data import unseen
from isgd_mpi.data.tables.encoding import Column, Encoding
from isgd_mpi.data.target import Target
from isgd_mpi.model.params import initial_params
from isgd_mpi.model.trained import Learned, TrainedMLP, load
from isgd_mpi.settings.errors import InputError

pyarrow = pytest.importorskip("pyarrow")

ENCODING = Encoding(["answer"], [Column("size"), Column("colour", ["blue", "red"])], ["always"])
TARGET = Target("classes", 2, ("no", "yes"))
WIDTHS = (3, 4, 2)


def save_model(path, target, rng):
    """Save a model of random parameters that was trained on a table."""
    widths = (3, 4, target.n_outputs)
    columns = json.dumps(ENCODING.to_dict() | {"classes": list(target.names)})
    standardization = np.zeros(3, np.float32), np.ones(3, np.float32)
    learned = Learned(initial_params(widths, "he", rng), *standardization, 7, columns, target.to_json())
    TrainedMLP(learned, widths).save(path)


@pytest.fixture
def run_folder(tmp_path, rng):
    """Make the folder of a run with a model of random parameters."""
    save_model(tmp_path / "model.npz", TARGET, rng)
    (tmp_path / "rows.csv").write_text("colour,size\nred,1\nblue,-2\nred,0\ngreen,3\n")
    return tmp_path


FEATURES = np.array([[1, 0, 1], [-2, 1, 0], [0, 0, 1], [3, 0, 0]], np.float32)


def test_each_row_has_its_class_and_the_probabilities(run_folder, capsys):
    assert predict.main([str(run_folder), "--data", str(run_folder / "rows.csv")]) == 0
    header, *rows = csv.reader(capsys.readouterr().out.splitlines())
    assert header == ["prediction", "probability of no", "probability of yes"]
    expected = load(run_folder / "model.npz").predict_probabilities(FEATURES)
    np.testing.assert_allclose(np.array([row[1:] for row in rows], float), expected, rtol=1e-5)
    assert [row[0] for row in rows] == [TARGET.names[k] for k in expected.argmax(axis=1)]


@pytest.mark.parametrize(
    ("target", "header"),
    [
        (Target("labels", 2, ("wet", "cold")), ["prediction of wet", "prediction of cold"]),
        (Target("labels", 1, ("no", "yes")), ["prediction", "probability of no", "probability of yes"]),
        (Target("numbers", 1, ("length",), (300.0,), (20.0,)), ["prediction"]),
        (Target("numbers", 2, ("a", "b"), (1.0, 2.0), (1.0, 50.0)), ["prediction of a", "prediction of b"]),
    ],
)
def test_labels_and_numbers_are_written_by_their_names_and_in_their_units(run_folder, capsys, rng, target, header):
    save_model(run_folder / "model.npz", target, rng)
    assert predict.main([str(run_folder), "--data", str(run_folder / "rows.csv")]) == 0
    found, *rows = csv.reader(capsys.readouterr().out.splitlines())
    assert found[: len(header)] == header
    model = load(run_folder / "model.npz")
    answers = model.predict(FEATURES)
    n_answers = answers.size // len(answers)
    assert [row[:n_answers] for row in rows] == [[format(v, ".9g") if target.kind == "numbers" else str(v) for v in row]
                                                 for row in answers.reshape(4, -1)]  # fmt: skip
    if target.kind == "labels":
        probabilities = np.array([row[n_answers:] for row in rows], float)
        np.testing.assert_allclose(probabilities, model.predict_probabilities(FEATURES), rtol=1e-5)


def test_the_predictions_are_written_to_a_file_if_asked_for(run_folder, capsys):
    out = run_folder / "out.csv"
    assert predict.main([str(run_folder / "model.npz"), "--data", str(run_folder / "rows.csv"), "--out", str(out)]) == 0
    assert capsys.readouterr().out == "" and len(out.read_text().splitlines()) == 5


def test_a_model_takes_a_table_again_and_names_the_classes(run_folder):
    model = load(run_folder / "model.npz")
    table = pyarrow.table({"colour": ["red", "blue", "red", "green"], "size": [1, -2, 0, 3]})
    named = model.predict(table)
    np.testing.assert_array_equal(named, model.predict(FEATURES))
    assert set(named) <= {"no", "yes"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [("colour\nred\n", "has no column 'size'"), ("colour,size\nred,big\n", "column 'size' holds words where training")],
)
def test_a_table_that_does_not_fit_is_refused_in_one_line(run_folder, capsys, text, problem):
    (run_folder / "bad.csv").write_text(text)
    out = run_folder / "out.csv"
    assert predict.main([str(run_folder), "--data", str(run_folder / "bad.csv"), "--out", str(out)]) == 2
    told = capsys.readouterr().err
    assert problem in told and told.count("\n") == 1 and not out.exists()


@pytest.mark.parametrize("earlier", [0, 20_000])  # the latter in a further batch
def test_a_number_that_is_not_finite_is_refused_by_its_row_and_column(run_folder, capsys, earlier):
    (run_folder / "bad.csv").write_text("colour,size\n" + "red,1\n" * earlier + "red,inf\n")
    out = run_folder / "out.csv"
    assert predict.main([str(run_folder), "--data", str(run_folder / "bad.csv"), "--out", str(out)]) == 2
    told = capsys.readouterr().err
    assert f"bad.csv: example {earlier} has a NaN or infinite feature, 'size'" in told and not out.exists()


def test_predictions_replace_neither_their_table_nor_a_pipe(run_folder, capsys):
    table = run_folder / "rows.csv"
    before = table.read_text()
    (run_folder / "link.csv").symlink_to(table)
    os.mkfifo(run_folder / "pipe")
    for name, problem in [("rows.csv", "is the file"), ("link.csv", "is the file"), ("pipe", "is not a regular")]:
        assert predict.main([str(run_folder), "--data", str(table), "--out", str(run_folder / name)]) == 2
        assert problem in capsys.readouterr().err
    assert table.read_text() == before and (run_folder / "pipe").is_fifo()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_behind_standard_output_is_told_in_one_line(run_folder):
    command = [sys.executable, "-m", "isgd_mpi.predict", str(run_folder), "--data", str(run_folder / "rows.csv")]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr == "isgd_mpi: standard output cannot be written (No space left on device): see --out\n"


def test_a_model_that_was_not_trained_on_a_table_is_refused(run_folder, capsys, rng):
    params = initial_params(WIDTHS, "he", rng)
    TrainedMLP(Learned(params, np.zeros(3, np.float32), np.ones(3, np.float32), 7), WIDTHS).save(run_folder / "a.npz")
    assert predict.main([str(run_folder / "a.npz"), "--data", str(run_folder / "rows.csv")]) == 2
    assert "rows.csv is a table, and the model was trained on arrays: give .npz, .npy" in capsys.readouterr().err


def npy(folder, x):
    np.save(folder / "rows.npy", x)
    return folder / "rows.npy"


def npz(folder, x):
    np.savez(folder / "rows.npz", x_train=x[:0], y_train=[], x_test=x, y_test=np.zeros(len(x)))
    return folder / "rows.npz"


def hdf5(folder, x):
    with pytest.importorskip("h5py").File(folder / "rows.h5", "w") as file:
        file["x"] = x
    return folder / "rows.h5"


@pytest.mark.parametrize("write", [npy, npz, hdf5])
def test_files_of_arrays_are_predicted_in_pieces(run_folder, capsys, monkeypatch, write):
    monkeypatch.setattr(unseen, "_BATCH_BYTES", 50)
    x = np.tile(FEATURES, (5, 1)).reshape(20, 1, 3)
    assert predict.main([str(run_folder), "--data", str(write(run_folder, x))]) == 0
    _, *rows = csv.reader(capsys.readouterr().out.splitlines())
    expected = load(run_folder / "model.npz").predict_probabilities(x)
    np.testing.assert_allclose(np.array([row[1:] for row in rows], float), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("x", "problem"),
    [
        (np.zeros((4, 2)), "rows.npy (rows): 2 features an example, but the model was trained on 3"),
        (np.zeros(3), "must be numbers, one example per row, not float64 of shape (3,)"),
        (np.array([["a", "b", "c"]]), "must be numbers, one example per row, not <U1"),
        (np.array([[0, 1, 2], [0, np.nan, 3]]), "example 1 has a NaN or infinite feature, number 1"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_before_anything_is_written(run_folder, capsys, x, problem):
    assert predict.main([str(run_folder), "--data", str(npy(run_folder, x))]) == 2
    told = capsys.readouterr()
    assert problem in told.err and told.err.count("\n") == 1 and told.out == ""


def test_a_file_of_no_known_kind_is_refused(run_folder, capsys):
    assert predict.main([str(run_folder), "--data", str(run_folder / "model.txt")]) == 2
    assert "model.txt: give a file whose name ends in .csv, .csv.gz" in capsys.readouterr().err


def test_a_model_with_a_damaged_encoding_is_refused(run_folder, rng):
    params = initial_params(WIDTHS, "he", rng)
    for text in ("{", "[]", '{"targets": 3}', '{"targets": ["y"], "columns": [], "dropped": []}'):
        learned = Learned(params, np.zeros(3, np.float32), np.ones(3, np.float32), 7)
        arrays = {**learned._asdict(), "widths": WIDTHS, "table": text}
        np.savez(run_folder / "a.npz", **arrays)
        with pytest.raises(InputError, match="table"):
            load(run_folder / "a.npz")
