"""Tests of tables: CSV and Parquet files that become features and classes."""

import gzip

import numpy as np
import pytest

from isgd_mpi.data.examples import FormatError
from isgd_mpi.data.tables.encoding import Encoding
from isgd_mpi.data.tables.files import TableFile
from isgd_mpi.data.tables.read import encode_frame, read_table, survey_table
from isgd_mpi.data.target import Target
from isgd_mpi.settings.errors import InputError

pyarrow = pytest.importorskip("pyarrow.parquet") and pytest.importorskip("pyarrow")

TEXT = """size,colour,weight,always,kind
1,red,0.5,7,cat
2,blue,,7,dog
300,red,1.5,7,cat
4,,2.5,7,owl
"""


def write(folder, text=TEXT, name="table.csv"):
    path = folder / name
    content = text.encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def read(path, target=None, loss="auto"):
    survey = survey_table(path, target, loss)
    return read_table(path, *survey), survey[0]


def target_of(path, target=None, loss="auto"):
    return survey_table(path, target, loss)[1]


def classes_of(path):
    return list(target_of(path).names)


@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz"])
def test_numbers_words_and_missing_values_become_features(tmp_path, name):
    table, encoding = read(write(tmp_path, name=name))
    assert target_of(tmp_path / name) == Target("classes", 3, ("cat", "dog", "owl"))
    np.testing.assert_array_equal(table.labels, [0, 1, 0, 2])
    names = ["size", "colour=blue", "colour=red", "colour is missing", "weight", "weight is missing"]
    assert encoding.feature_names == names
    assert encoding.dropped == ["always"]
    expected = [[1, 0, 1, 0, 0.5, 0], [2, 1, 0, 0, 1.5, 1], [300, 0, 1, 0, 1.5, 0], [4, 0, 0, 1, 2.5, 0]]
    np.testing.assert_array_equal(table.images, expected)


@pytest.mark.parametrize(
    "values, dtype", [("0 255", np.uint8), ("0 256", np.float32), ("0 0.5", np.float32), ("0 0.1", np.float64)]
)
def test_features_are_kept_in_the_smallest_type_that_holds_them_exactly(tmp_path, values, dtype):
    rows = [f"{value},{word}" for value, word in zip(values.split(), "ab")]
    table, _ = read(write(tmp_path, "\n".join(["x,y", *rows])))
    assert table.images.dtype == dtype
    np.testing.assert_array_equal(table.images[:][:, 0], np.array(values.split(), float))


def test_parquet_gives_what_csv_gives(tmp_path):
    columns = {
        "size": [1, 2, 300, 4],
        "colour": pyarrow.array(["red", "blue", "red", None]).dictionary_encode(),
        "weight": [0.5, np.nan, 1.5, 2.5],  # a NaN is missing
        "kind": ["cat", "dog", "cat", "owl"],
    }
    path = tmp_path / "table.parquet"
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    (table, encoding), (other, _) = read(path), read(write(tmp_path))
    np.testing.assert_array_equal(table.images, other.images)
    np.testing.assert_array_equal(table.labels, other.labels)
    assert classes_of(path) == ["cat", "dog", "owl"] and encoding.targets == ["kind"]


def test_classes_that_are_numbers_are_in_their_order(tmp_path):
    assert classes_of(write(tmp_path, "x,y\n1,10\n2,9\n3,-1\n")) == ["-1", "9", "10"]


def test_another_column_may_be_the_target(tmp_path):
    table, encoding = read(write(tmp_path, "y,x\na,1\nb,2\n"), target="y")
    assert (encoding.targets, encoding.names) == (["y"], ["x"])
    np.testing.assert_array_equal(table.labels, [0, 1])


def test_an_encoding_comes_back_from_its_description_and_encodes_another_table_alike(tmp_path):
    table, encoding = read(write(tmp_path))
    again = Encoding.from_dict(encoding.to_dict())
    assert again == encoding
    other = write(tmp_path, "kind,weight,colour,size\ndog,3,green,5\ncat,,red,6\n", "other.csv")
    encoded = read_table(other, again, target_of(tmp_path / "table.csv"), np.float64)
    # a word that training lacks is none of its words; the columns may be in another order
    np.testing.assert_array_equal(encoded.images, [[5, 0, 0, 0, 3, 0], [6, 0, 1, 0, 1.5, 1]])
    np.testing.assert_array_equal(encoded.labels, [1, 0])
    assert table.images.shape[1] == encoded.images.shape[1]


def test_fields_in_quotes_may_hold_what_separates_them(tmp_path):
    _, encoding = read(write(tmp_path, 'x;y\n"a;b";1\n"c\nd";2\n'))
    assert encoding.feature_names == ["x=a;b", "x=c\nd"]


@pytest.mark.parametrize("change", [("\n", "\r\n"), ("\n", "\r"), (",", ", "), ("size", "\ufeffsize"), ("\n", "\n\n")])
def test_ends_of_lines_spaces_and_a_byte_order_mark_change_nothing(tmp_path, change):
    first, *rest = TEXT.splitlines(keepends=True)
    header, rows = first.replace(*change), "".join(rest).replace(*change)
    (table, encoding), (expected, names) = read(write(tmp_path, header + rows)), read(write(tmp_path, name="other.csv"))
    assert encoding == names
    np.testing.assert_array_equal(table.images, expected.images)


def written(folder, **columns):
    path = folder / "table.parquet"
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


def test_integers_that_float64_does_not_hold_are_rounded(tmp_path):
    table, _ = read(written(tmp_path, x=[2**53 + 1, 2**62], y=["a", "b"]))
    np.testing.assert_array_equal(table.images, [[2.0**53], [2.0**62]])


def test_classes_may_be_true_and_false_or_bytes_of_text(tmp_path):
    assert classes_of(written(tmp_path, x=[1, 2], y=[True, False])) == ["false", "true"]
    assert classes_of(written(tmp_path, x=[1, 2], y=[b"b", b"a"])) == ["a", "b"]


def test_classes_that_are_one_number_in_float64_have_an_order(tmp_path):
    classes = [f"{10**22 + k}" for k in range(20)]
    rows = "".join(f"{k},{name}\n" for k, name in enumerate(reversed(classes)))
    assert classes_of(write(tmp_path, "x,y\n" + rows)) == classes


@pytest.mark.parametrize("values", [[[1], [2]], [{"k": 1}, {"k": 2}], [b"\xff", b"\xfe"]])
@pytest.mark.parametrize("name", ["x", "y"])
def test_a_column_of_neither_numbers_nor_text_is_refused(tmp_path, values, name):
    path = written(tmp_path, **{"x": [1, 2], "y": ["a", "b"], name: values})
    with pytest.raises(FormatError, match=f"column '{name}' holds .*, neither numbers nor text: leave it out"):
        read(path)


def test_a_frame_that_has_a_column_twice_is_refused(tmp_path):
    _, encoding = read(write(tmp_path, "x,z,y\n1,2,a\n2,3,b\n"))
    frame = pyarrow.table([[1.0], [1.0], [2.0]], names=["x", "x", "z"])
    with pytest.raises(FormatError, match="the table: has two columns named 'x'"):
        encode_frame(frame, encoding)


NAMES = "".join(f"{k % 2},name {k}\n" for k in range(60))


@pytest.mark.parametrize(
    "text, problem",
    [
        ("", "is empty"),
        ("x" * 200_000 + ",y\n1,2\n", "cannot be read"),
        ("x,y\n", "holds no row"),
        ("1,2\n3,4\n", r"begins with numbers \(1, 2\), not with the names of columns"),
        ("0.5,1.5,cat\n0.25,2.5,owl\n", r"begins with numbers \(0.5, 1.5\), not with the names of columns"),
        ("x,x,y\n1,2,3\n", "has two columns named 'x'"),
        ("x;y\n1,5;a\n2;b\n", "column 'x' holds numbers written as '1,5': write them as 1234.5"),
        ('x,y\n"1,234.5",a\n12,b\n', "column 'x' holds numbers written as '1,234.5'"),
        ('x,y\n1,"1,234"\n2,17\n', "column 'y', the target, holds numbers written as '1,234'"),
        ("x,y\n1,2020-01-31\n2,2020-02-01\n", "column 'y', the target, holds dates or times, such as 2020-01-31"),
        ("x,y\n" + NAMES, "column 'y', the target, holds 60 different values in 60 rows, too few of each"),
        (
            "x,y\n" + "".join(f"name {k},{k % 2}\n" for k in range(60)),
            "column 'x' holds 60 different texts in 60 rows, such as 'name 0': leave the column",
        ),
        ('x,w,y\n1,2,"a\n3,4,b\n5,6,a\n', "column 'y' holds a text of several rows, 'a.*3,4,b.*: close its quote"),
        ("x,y\n1,a\n2\n", "Expected 2 columns, got 1"),
        (
            "x,day,y\n1,2020-01-31,a\n2,2020-02-01,b\n",
            "column 'day' holds dates or times, such as 2020-01-31: leave the column",
        ),
        ("x,y\n1,a\n2,a\n", "column 'y', the target, holds nothing but 'a'"),
        ("x,y\n1,a\n2,\n", "column 'y', the target, lacks a value in 1 rows, first in row 2: leave them out"),
        ("x,y\n1,a\n1,b\n", "no column beside 'y' varies"),
        ("x,y\n" + "".join(f"word {k},{k % 2}\n" for k in range(1001)), "'x' holds more than 1000 different texts"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_one_line_that_names_the_file(tmp_path, text, problem):
    path = write(tmp_path, text)
    with pytest.raises(FormatError, match=problem) as caught:
        read(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_table_in_another_encoding_is_refused_by_its_encoding(tmp_path):
    for place, text in enumerate(("gr\xfcn,y\n1,a\n2,b\n", "x,y\n1,gr\xfcn\n2,b\n")):
        path = tmp_path / f"{place}.csv"
        path.write_bytes(text.encode("latin1"))
        with pytest.raises(FormatError, match="is no text in UTF-8: save it in this encoding"):
            read(path)


def test_times_in_a_parquet_file_are_dates(tmp_path):
    times = pyarrow.array([0, 1], "duration[s]")
    with pytest.raises(FormatError, match="column 'x' holds dates or times, such as 0"):
        read(written(tmp_path, x=times, y=["a", "b"]))
    with pytest.raises(FormatError, match="column 'y', the target, holds dates or times"):
        read(written(tmp_path, x=[1, 2], y=times))


def test_the_name_of_a_column_may_have_two_lines(tmp_path):
    table, encoding = read(write(tmp_path, '"size\nin cm",y\n1,a\n2,b\n'))
    assert encoding.names == ["size\nin cm"]
    np.testing.assert_array_equal(table.images[:], [[1], [2]])


def test_an_unknown_target_is_refused_with_the_names_that_there_are(tmp_path):
    with pytest.raises(FormatError, match="has no column 'what', only size, colour, weight, always, kind"):
        read(write(tmp_path), target="what")


@pytest.mark.parametrize(
    "text, problem",
    [
        ("size,colour,kind\n1,red,cat\n", "has no column 'weight'"),
        ("size,colour,weight,kind\n1,red,much,cat\n", "column 'weight' holds words where training had numbers"),
        ("size,colour,weight,kind\n1,red,1,cow\n", "column 'kind' holds 'cow' in row 1, which training lacks"),
        ("size,colour,weight,kind\n1,red,1,\n", "column 'kind' is missing in row 1"),
    ],
)
def test_another_table_that_does_not_fit_the_encoding_is_refused(tmp_path, text, problem):
    encoding, target, _ = survey_table(write(tmp_path))
    other = write(tmp_path, text, "other.csv")
    with pytest.raises(FormatError, match=problem):
        read_table(other, encoding, target, np.float64)


def test_a_file_that_is_no_table_is_refused(tmp_path):
    for name in ("table.csv.gz", "table.parquet"):
        path = tmp_path / name
        path.write_bytes(b"\x1f\x8b no table at all")
        with pytest.raises(FormatError, match="cannot be read"):
            read(path)


def test_without_pyarrow_the_extra_is_named(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r'pip install "isgd_mpi\[tables\]"'):
        TableFile(write(tmp_path))


MANY = "x,y\n" + "".join(f"{k},{k}\n" for k in range(101))
TWO = "x,a,b\n1,0,1\n2,1,0\n3,0.0,1\n"
UNLIKE = "x,a,b\n1,0,1.5\n2,1,0\n"


@pytest.mark.parametrize(
    "text, wanted, loss, expected",
    [
        ("x,y\n1,0.5\n2,0.6\n", None, "auto", Target("numbers", 1, ("y",))),
        (MANY, None, "auto", Target("numbers", 1, ("y",))),
        (MANY.replace("100,100\n", ""), None, "auto", Target("classes", 100, tuple(map(str, range(100))))),
        (MANY, None, "cross-entropy", Target("classes", 101, tuple(map(str, range(101))))),
        ("x,y\n1,3\n2,5\n", None, "squared", Target("numbers", 1, ("y",))),
        ("x,y\n1,3\n2,5\n", None, "huber", Target("numbers", 1, ("y",))),
        ("x,y\n1,3\n2,5\n", None, "logistic", Target("labels", 1, ("3", "5"))),
        (TWO, "a,b", "auto", Target("labels", 2, ("a", "b"))),
        (TWO, "b, a", "squared", Target("numbers", 2, ("b", "a"))),
        (UNLIKE, "a,b", "auto", Target("numbers", 2, ("a", "b"))),
        ('x,"y,z"\n1,a\n2,b\n', "y,z", "auto", Target("classes", 2, ("a", "b"))),
    ],
)
def test_columns_to_predict_are_read_by_their_values_unless_a_loss_says_otherwise(
    tmp_path, text, wanted, loss, expected
):
    assert target_of(write(tmp_path, text), wanted, loss) == expected


def test_columns_to_predict_are_no_features_and_are_kept_in_the_order_of_their_names(tmp_path):
    table, encoding = read(write(tmp_path, UNLIKE), "b,a")
    assert (encoding.targets, encoding.names) == (["b", "a"], ["x"])
    np.testing.assert_array_equal(table.labels, [[1.5, 0], [0, 1]])
    labels, _ = read(write(tmp_path, TWO), "a,b")
    assert labels.labels.dtype == np.float32
    np.testing.assert_array_equal(labels.labels, [[0, 1], [1, 0], [0, 1]])
    single, _ = read(write(tmp_path, "x,y\n1,no\n2,yes\n"), None, "logistic")
    np.testing.assert_array_equal(single.labels, [[0], [1]])
    booleans, _ = read(written(tmp_path, x=[1, 2], a=[True, False], b=[True, True]), "a,b")
    np.testing.assert_array_equal(booleans.labels, [[1, 1], [0, 1]])


@pytest.mark.parametrize(
    "text, wanted, loss, problem",
    [
        (TEXT, "size,what", "auto", "has no column 'what', only size, colour, weight, always, kind"),
        (TEXT, "size,size", "auto", "column 'size' is named twice by --target size,size"),
        (TEXT, "kind", "squared", "the target, holds words, such as 'cat': leave --loss squared out"),
        (
            TEXT,
            "size,kind",
            "auto",
            "column 'kind', the target, holds words, such as 'cat': give one",
        ),
        (
            TEXT,
            "size,always",
            "cross-entropy",
            "is for one column of classes, not for size, always",
        ),
        (TEXT, "size,always", "logistic", "column 'size', the target, holds more than 0 and 1"),
        (
            TEXT,
            "kind",
            "logistic",
            "holds 3 different values, and --loss logistic is for two",
        ),
        ("x,y\n1,0.5\n2,1\n", None, "cross-entropy", "holds numbers that are not whole, which are no classes"),
        (
            "x,y\n" + "".join(f"{k},{k}\n" for k in range(1001)),
            None,
            "cross-entropy",
            "more than 1000 different",
        ),
        ("x,y\n1,0.5\n2,\n3,\n", None, "auto", "lacks a value in 2 rows, first in row 2"),
        ("x,y\n1,3\n2,inf\n3,4\n", None, "auto", "column 'y' holds inf in row 2: leave such rows out"),
        ("x,y\n1,3\n2,inf\n", None, "cross-entropy", "holds numbers that are not whole, which are no classes"),
        ("x,y\n1,0.5\n2,inf\n", None, "auto", "column 'y' holds inf in row 2: leave such rows out"),
    ],
)
def test_a_target_that_cannot_be_is_refused_in_one_line(tmp_path, text, wanted, loss, problem):
    with pytest.raises(FormatError) as caught:
        read(write(tmp_path, text), wanted, loss)
    assert problem in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text, problem",
    [
        ("x,a,b\n1,0,\n", "column 'b' is missing in row 1"),
        ("x,a,b\n1,0,-inf\n", "column 'b' holds -inf in row 1"),
        ("x,a,b\n1,0,much\n", "column 'b' holds words where training had numbers"),
        ("x,a\n1,0\n", "has no column 'b', the target"),
        ("x,a,b\n1,0,1\n1,2,1\n", "column 'a' holds 2 in row 2, neither 0 nor 1"),
    ],
)
def test_another_table_whose_target_does_not_fit_is_refused(tmp_path, text, problem):
    survey = survey_table(write(tmp_path, TWO), "a,b")
    with pytest.raises(FormatError, match=problem):
        read_table(write(tmp_path, text, "other.csv"), *survey)


def test_a_column_is_either_target_or_weight(tmp_path):
    with pytest.raises(FormatError, match="column 'weight' cannot be both --target and --weight"):
        survey_table(write(tmp_path), "weight", weight="weight")


def test_an_unclosed_quote_in_a_column_that_is_not_wanted_is_refused_too(tmp_path):
    table = TableFile(write(tmp_path, 'x,w,y\n1,2,"a\n3,4,b\n5,6,a\n'))
    with pytest.raises(FormatError, match="close its quote"):
        list(table.batches(["x"]))
