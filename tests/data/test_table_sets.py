"""Tests of tables as data sets: loaded by name, divided into splits, kept with the model."""

import numpy as np
import pytest

from isgd_mpi.data.datasets import load
from isgd_mpi.data.target import Target
from isgd_mpi.settings.errors import InputError

pytest.importorskip("pyarrow")


@pytest.fixture
def table(tmp_path):
    """Write 100 rows, whose colour is their class in nine of ten, and return the file."""
    rng = np.random.default_rng(0)
    rows = [f"{'red' if k % 4 else 'blue'},{k / 8},{'yes' if k % 4 else 'no'}" for k in rng.permutation(100)]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["colour,size,answer", *rows]))
    return path


def read(path, folder, **division):
    return load(str(path), cache_dir=folder / "cache", **division)


@pytest.mark.parametrize("n_rows, sizes", [(5, [4, 1]), (20, [14, 2, 4]), (49, [35, 4, 10])])
def test_a_few_rows_of_numbers_are_divided_too(tmp_path, n_rows, sizes):
    path = tmp_path / "few.csv"
    path.write_text("x,y\n" + "".join(f"{k},{k / 3}\n" for k in range(n_rows)))
    assert [len(split) for split in read(path, tmp_path).splits.values()] == sizes


def test_a_table_gives_a_fifth_to_the_test_and_a_tenth_of_the_rest_to_validation(table, tmp_path):
    dataset = read(table, tmp_path)
    assert {name: len(split) for name, split in dataset.splits.items()} == {"train": 72, "valid": 8, "test": 20}
    assert [np.mean(split.labels) for split in dataset.splits.values()] == [0.75, 0.75, 0.75]
    assert dataset.target == Target("classes", 2, ("no", "yes"))
    sizes = np.concatenate([split.images[:, 2] for split in dataset.splits.values()])
    np.testing.assert_array_equal(np.sort(sizes), np.arange(100) / 8)


def test_shares_and_files_may_be_given(table, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("answer,size,colour\nno,1,red\nyes,2,green\n")
    divided = read(table, tmp_path, test=0.2, valid=0.0)
    assert {name: len(split) for name, split in divided.splits.items()} == {"train": 80, "test": 20}
    beside = read(table, tmp_path, test=str(other))
    assert {name: len(split) for name, split in beside.splits.items()} == {"train": 100, "test": 2}
    np.testing.assert_array_equal(beside.splits["test"].images, [[0, 1, 1], [0, 0, 2]])
    both = read(table, tmp_path, test=str(other), valid=0.1)
    assert {name: len(split) for name, split in both.splits.items()} == {"train": 90, "valid": 10, "test": 2}


def test_another_division_is_another_entry_of_the_cache_and_the_same_one_is_converted_once(table, tmp_path):
    first, again, other = read(table, tmp_path), read(table, tmp_path), read(table, tmp_path, test=0.5)
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_features_of_a_table_are_no_pixels(tmp_path):
    path = tmp_path / "table.csv"
    rows = [[int(k == column) for column in range(64)] for k in range(64)] * 4  # a square number of rare indicators
    path.write_text(
        "\n".join(
            [",".join([f"x{k}" for k in range(64)] + ["y"])]
            + [",".join(map(str, [*row, k % 2])) for k, row in enumerate(rows)]
        )
    )
    assert "over its standard deviation" in read(path, tmp_path).scaling


@pytest.mark.parametrize(
    ("division", "problem"),
    [
        ({"target": "what"}, "table.csv: has no column 'what', only colour, size, answer; mend the table"),
        ({"test": "nowhere.csv"}, "no such file: nowhere.csv; give a table .*, or a share such as 0.2"),
        ({"test": "/"}, "--test / is a folder; give a table"),
        ({"test": 0.001}, "100 rows leave nothing for the test set"),
    ],
)
def test_a_division_that_cannot_be_is_refused(table, tmp_path, division, problem):
    with pytest.raises(InputError, match=problem):
        read(table, tmp_path, **division)
    cache = tmp_path / "cache"
    assert not cache.exists() or not list(cache.iterdir())


def test_only_tables_are_divided(tmp_path):
    with pytest.raises(
        InputError, match=r"--valid 0.1 is for tables \(.csv, .csv.gz, .parquet\), and mnist10k has its"
    ):
        load("mnist10k", cache_dir=tmp_path, valid=0.1)


def test_numbers_are_standardised_as_those_of_training_are_and_each_split_has_its_share_of_their_tenths(tmp_path):
    numbers = np.random.default_rng(1).permutation(1000) ** 2 / 8
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["x,y", *(f"{k},{number}" for k, number in enumerate(numbers))]))
    dataset = read(path, tmp_path)
    train = np.concatenate([split.images[:, 0] for split in (dataset.splits["train"],)]).astype(int)
    target = dataset.target
    assert (target.kind, target.names) == ("numbers", ("y",))
    assert target.mean == (numbers[train].mean(),) and target.scale == (numbers[train].std(),)
    for name, split in dataset.splits.items():
        assert split.labels.dtype == np.float32 and split.labels.shape == (len(split), 1)
        own = numbers[split.images[:, 0].astype(int)]
        np.testing.assert_array_equal(split.labels[:, 0], ((own - target.mean) / target.scale).astype(np.float32))
        places = np.searchsorted(np.sort(numbers), own) // 100
        np.testing.assert_array_equal(np.bincount(places), len(split) // 10, err_msg=name)
    np.testing.assert_array_equal(np.bincount(dataset.strata), 72)
    assert read(path, tmp_path).fingerprint == dataset.fingerprint


def test_a_loss_makes_another_entry_of_the_cache(table, tmp_path):
    numbers = read(table, tmp_path, target="size")
    classes = read(table, tmp_path, target="size", loss="auto")
    assert numbers.target == classes.target and numbers.target.kind == "numbers"
    assert read(table, tmp_path, loss="logistic").target == Target("labels", 1, ("no", "yes"))
    assert len(list((tmp_path / "cache").iterdir())) == 2
    with pytest.raises(InputError, match="--loss squared is for numbers, and mnist10k holds classes"):
        load("mnist10k", cache_dir=tmp_path, loss="squared")
