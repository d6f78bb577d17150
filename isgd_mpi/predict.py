"""Predict the rows of a table with a run's model: ``python -m isgd_mpi.predict RUN --data FILE``.

Prints CSV, or writes it to a file: for each row the predicted class, and the probability of each class.
"""

import csv
import io
import sys
from pathlib import Path

from isgd_mpi.data.files import write_atomically
from isgd_mpi.data.tables.files import TableFile
from isgd_mpi.model.trained import TrainedMLP, load
from isgd_mpi.settings.commands import make_parser, run
from isgd_mpi.settings.errors import InputError


def predictions(model, table):
    """Yield the predictions for a table, row by row.

    Parameters
    ----------
    model : isgd_mpi.model.trained.TrainedMLP
        Trained on a table.
    table : isgd_mpi.data.tables.files.TableFile

    Yields
    ------
    list of str
        First the names of the columns; then for each row the predicted class, and the probabilities.

    Raises
    ------
    InputError
        The table lacks a column, or holds words where training had numbers.
    """
    encoding = model.encoding
    encoding.check_names(table.names, table.path)
    yield ["prediction", *(f"probability of {name}" for name in encoding.classes)]
    for batch in table.batches(encoding.names):
        probabilities = model.predict_probabilities(encoding.encode(batch, float, table.path))
        for number, row in zip(probabilities.argmax(axis=1), probabilities.tolist()):
            yield [encoding.classes[number], *(f"{probability:.6g}" for probability in row)]


def _predict(settings):
    """Do what the arguments say."""
    folder = Path(settings.run)
    path = folder / "model.npz" if folder.is_dir() else folder
    model = load(path)
    if not (isinstance(model, TrainedMLP) and model.encoding):
        raise InputError(f"{path} was not trained on a table: use isgd_mpi.load({str(path)!r}).predict(x) in Python")
    rows = predictions(model, TableFile(settings.data))
    if settings.out is None:
        csv.writer(sys.stdout, lineterminator="\n").writerows(rows)
        return
    try:
        write_atomically(Path(settings.out), lambda file: _write(rows, file))
    except OSError as error:
        raise InputError(f"--out {settings.out} cannot be written ({error.strerror})") from None


def _write(rows, file):
    """Write rows as CSV to a binary file."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    text.detach()


def main(arguments=None):
    """Run the command; return its exit code."""
    parser = make_parser("isgd_mpi.predict", "Predict the classes of a table's rows with the model of a run.")
    parser.add_argument("run", help="folder of the run, or its model.npz")
    parser.add_argument("--data", required=True, help="table to predict: .csv, .csv.gz or .parquet")
    parser.add_argument("--out", help="file to write, CSV; printed if not given")
    return run(parser, _predict, "nothing was written", arguments)


if __name__ == "__main__":
    sys.exit(main())
