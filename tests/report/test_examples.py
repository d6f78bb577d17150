"""The hardest examples on the page: numbers against their definitions, pictures and rows against the data."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from run_folders import SUMMARY, write_run

from isgd_mpi.data import datasets
from isgd_mpi.data.arrays import from_arrays
from isgd_mpi.report.examples import image_shape, picture, sections
from isgd_mpi.report.page import render
from isgd_mpi.report.scores import class_shares, hardest, lorenz, read_scores
from isgd_mpi.report.study import read_study
from isgd_mpi.settings.errors import InputError

CONFUSION = {"a": {"a": 3, "b": 1}, "b": {}, "<c>": {"<c>": 2}}


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("ISGD_MPI_CACHE", str(tmp_path_factory.mktemp("cache")))


def test_gini_is_half_the_mean_difference_over_the_mean(rng):
    norms = rng.exponential(size=50)
    expected = np.abs(norms[:, None] - norms).mean() / (2 * norms.mean())
    shares, gini = lorenz(np.append(norms, [np.nan, np.inf]))
    assert gini == pytest.approx(expected) and shares[0] == 0 and shares[-1] == pytest.approx(1)
    assert shares[25] == pytest.approx(np.sort(norms)[:25].sum() / norms.sum())
    assert lorenz(np.ones(9))[1] == pytest.approx(0) and lorenz(np.eye(9)[0])[1] == pytest.approx(1 - 1 / 9)
    assert np.isnan(lorenz(np.zeros(3))[1])


def test_the_hardest_have_the_largest_losses_and_what_is_not_finite_is_harder():
    assert hardest({"loss": np.array([0.1, 3, np.nan, 2, 0])}, 4).tolist() == [2, 1, 3, 0]


def test_shares_of_classes_are_of_all_and_of_the_largest_norms():
    labels, norms = np.repeat([0, 1, 2], [100, 60, 40]), np.zeros(200)
    norms[[150, 170]] = 2, np.inf
    shares = class_shares({"label": labels, "grad_norm": norms}, 3)
    np.testing.assert_allclose(shares, [[0.5, 0.3, 0.2], [0, 0.5, 0.5]])


@pytest.mark.parametrize(
    ("shape", "dtype", "expected"),
    [
        ((9, 12), np.float32, ((9, 12), False)),
        ((3, 8, 8), np.uint8, ((8, 8, 3), True)),
        ((8, 8, 3), np.float32, ((8, 8, 3), False)),
        ((1, 8, 9), np.uint8, ((8, 9), False)),
        ((64,), np.uint8, ((8, 8), False)),
        ((192,), np.uint8, ((8, 8, 3), True)),
        ((64,), np.float32, None),
        ((49,), np.uint8, None),
        ((2, 30), np.uint8, None),
    ],
)
def test_images_are_recognised_by_their_shape_and_shown_as_they_are(rng, shape, dtype, expected):
    x = rng.integers(0, 256, (4, *shape)).astype(dtype)
    x[1].flat[:2] = 0, 255
    dataset = from_arrays(x, [0, 1, 0, 1])
    assert image_shape(dataset) == expected
    if expected and len(shape) > 1:
        shown = picture(dataset.splits["train"].images[1], *expected)
        wanted = np.moveaxis(x[1], 0, -1) if expected[1] else x[1]
        np.testing.assert_allclose(shown, wanted.reshape(expected[0]) / 255, atol=1e-6)


def write_scores(folder, dataset):
    """Write scores in which the losses of each split fall from its first example on; every prediction is class 0."""
    arrays = {"step": 7, "classes": dataset.target.classes}
    for split, examples in dataset.splits.items():
        n = len(examples)
        columns = {"label": examples.labels, "loss": np.arange(n, 0, -1.0), "grad_norm": np.ones(n)}
        arrays |= {f"{split}/{name}": values for name, values in columns.items()}
        arrays[f"{split}/prediction"] = np.zeros(n, np.int32)
    np.savez(folder / "scores.npz", **arrays)


@pytest.fixture
def table_run(tmp_path, rng):
    """A run on a table with a large number, words and a missing value."""
    rows = [f"{1e6 + n / 8},{'red' if n % 3 else 'blue'},{'' if n == 5 else n % 4},{'ab'[n % 2]}" for n in range(40)]
    (tmp_path / "some.csv").write_text("\n".join(["size,colour,legs,kind", *rows]) + "\n")
    folder = write_run(tmp_path / "run", data=str(tmp_path / "some.csv"), spans=False)
    write_scores(folder, datasets.load(str(tmp_path / "some.csv")))
    return folder


def test_the_rows_of_a_table_are_shown_as_they_were(table_run):
    (train, *_), notes = sections(read_study([table_run]))
    assert train.head == ["number", "label", "prediction", "loss", "norm", "size", "colour", "legs"] and not notes
    given = {line.rpartition(",")[0]: line[-1] for line in (table_run.parent / "some.csv").read_text().split()[1:]}
    for number, row in enumerate(train.rows):
        size, colour, legs = row[5:]
        assert row[:4] == [str(number), row[1], "a", f"{len(train.rows) - number:.3g}"]
        found = [own for own in given if own.endswith(f",{colour},{legs.replace('–', '')}") and given[own] == row[1]]
        assert any(abs(float(own.split(",")[0]) - float(size)) < 1 for own in found)
    assert len({row[6] for row in train.rows}) == 2


def test_numbers_are_shown_where_the_data_are_gone_or_others(table_run):
    path = table_run.parent / "some.csv"
    text = path.read_text()
    for change in (lambda: path.write_text(text.replace(",a", ",c")), path.unlink):
        change()
        (train, *_), (note,) = sections(read_study([table_run]))
        assert train.head == ["number", "label", "prediction", "loss", "norm"] and str(path) in note


@pytest.mark.parametrize("change", [{"train/loss": np.ones(3)}, {"train/label": np.full(28, 9)}, {"train/loss": None}])
def test_scores_that_do_not_fit_together_are_refused(table_run, change):
    with np.load(table_run / "scores.npz") as file:
        arrays = {name: values for name, values in (dict(file) | change).items() if values is not None}
    np.savez(table_run / "scores.npz", **arrays)
    with pytest.raises(InputError, match=r"scores.npz holds no scores .*remove it"):
        read_scores(table_run)


def test_pictures_and_confusions_are_on_the_page(tmp_path, rng):
    pytest.importorskip("matplotlib", reason='pip install "isgd_mpi[report]"')
    from isgd_mpi.report.drawing import draw_all

    x, y = rng.integers(0, 256, (9, 8, 8), dtype=np.uint8), np.array(["a", "b", "<c>"] * 3)
    np.savez(tmp_path / "images.npz", x_train=x[:6], y_train=y[:6], x_test=x[6:], y_test=y[6:])
    run = write_run(
        tmp_path / "run", summary=SUMMARY | {"test": {"confusion": CONFUSION}}, data=str(tmp_path / "images.npz")
    )
    write_scores(run, datasets.load(str(tmp_path / "images.npz")))
    study = replace(read_study([run]), figures=("confusion", "examples"))
    (tmp_path / "report").mkdir()
    figures, notes = draw_all(study, tmp_path / "report")
    names = [path.stem for *_, path in figures]
    assert names == ["confusion", "hardest-train", "hardest-test", "concentration"] and not notes
    tables, notes = sections(study)
    assert not tables and not notes and render(study, figures, notes, tables).count("<img ") == 4


def test_there_is_nothing_of_runs_without_scores(tmp_path):
    study = SimpleNamespace(runs=read_study([write_run(tmp_path / "run", spans=False)]).runs)
    assert sections(study) == ([], [])
