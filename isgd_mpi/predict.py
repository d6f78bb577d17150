"""Predict the rows of a table or of arrays with a run's model: ``python -m isgd_mpi.predict RUN --data FILE``.

Prints CSV, or writes it to a file: for each row the predicted class, and the probability of each class; or whether
each label holds, and the probability that it does; or numbers in the target's units.
"""

import csv
import io
import sys
from itertools import chain, islice
from pathlib import Path

from isgd_mpi.data.files import write_atomically
from isgd_mpi.data.unseen import ENDINGS, feature_batches
from isgd_mpi.model.trained import load
from isgd_mpi.settings.commands import discard_output, make_parser, run
from isgd_mpi.settings.errors import InputError


def predictions(model, path):
    """Yield the predictions for a file, row by row.

    Parameters
    ----------
    model : isgd_mpi.model.trained.TrainedMLP
    path : str or Path
        A table, or a file of arrays; see :func:`isgd_mpi.data.unseen.feature_batches`.

    Yields
    ------
    list of str
        First the names of the columns; then for each row the predictions, and the probabilities of classes or labels.

    Raises
    ------
    InputError
        The file does not fit the model, or is damaged.
    """
    batches = feature_batches(path, model.encoding, model.mean.size)
    first = list(islice(batches, 1))  # a file that does not fit is refused before anything is written
    yield _header(model.target)
    for features in chain(first, batches):
        yield from _answers(model, features)


def _header(target):
    """Return the names of the columns that are written."""
    if target.n_classes:
        return ["prediction", *(f"probability of {name}" for name in target.classes)]
    if target.kind == "numbers" and target.n_outputs == 1:
        return ["prediction"]
    kinds = ("prediction", "probability") if target.kind == "labels" else ("prediction",)
    return [f"{kind} of {name}" for kind in kinds for name in target.output_names]


def _answers(model, features):
    """Yield the row that is written for each row of features."""
    if model.target.kind == "numbers":
        for row in model.predict(features).reshape(len(features), -1).tolist():
            yield [f"{number:.9g}" for number in row]
        return
    for row in model.predict_probabilities(features):
        answer = [model.classes[row.argmax()]] if model.target.n_classes else (row > 0.5).astype(int).tolist()
        yield [*answer, *(f"{probability:.6g}" for probability in row.tolist())]


def _predict(settings):
    """Do what the arguments say."""
    folder = Path(settings.run)
    path = folder / "model.npz" if folder.is_dir() else folder
    rows = predictions(load(path), settings.data)
    if settings.out is None:
        _print(rows)
        return
    _check_out(settings.out, settings.data)
    try:
        write_atomically(Path(settings.out), lambda file: _write(rows, file))
    except OSError as error:
        raise InputError(f"--out {settings.out} cannot be written ({error.strerror})") from None


def _print(rows):
    """Print rows as CSV."""
    try:
        csv.writer(sys.stdout, lineterminator="\n").writerows(rows)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard_output()
        raise InputError(f"standard output cannot be written ({error.strerror}): see --out") from None


def _check_out(out, data):
    """Refuse to replace the table itself, a pipe or a device by the predictions."""
    path = Path(out)
    if path.exists() and path.samefile(data):
        raise InputError(f"--out {out} is the file that --data names: name another file")
    if path.exists() and not path.is_file():
        raise InputError(f"--out {out} is not a regular file: name one, or leave --out out to print the predictions")


def _write(rows, file):
    """Write rows as CSV to a binary file."""
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    text.detach()


def main(arguments=None):
    """Run the command; return its exit code."""
    parser = make_parser("isgd_mpi.predict", "Predict the rows of a table or of arrays with the model of a run.")
    parser.add_argument("run", metavar="RUN", help="folder of the run, or its model.npz or best.npz")
    parser.add_argument(
        "--data", metavar="FILE", required=True, help=f"table or arrays to predict: {', '.join(ENDINGS)}"
    )
    parser.add_argument("--out", metavar="FILE", help="file to write, CSV; printed if not given")
    return run(parser, _predict, "nothing was written", arguments)


if __name__ == "__main__":
    sys.exit(main())
