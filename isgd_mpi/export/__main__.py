"""Run the command ``python -m isgd_mpi.export RUN --format onnx|safetensors|csv``."""

import re
import sys
from pathlib import Path

from isgd_mpi.data.files import write_atomically
from isgd_mpi.data.npz import read_arrays
from isgd_mpi.export.metrics import csv_texts
from isgd_mpi.export.onnx_graph import onnx_bytes
from isgd_mpi.export.tensors import safetensors_bytes
from isgd_mpi.model.trained import load
from isgd_mpi.settings.commands import make_parser, run
from isgd_mpi.settings.errors import InputError

FORMATS = {"onnx": onnx_bytes, "safetensors": safetensors_bytes}
"""Formats of a model, by their names, which are also the endings of their files."""

_FILES = {"last": "model.npz", "best": "best.npz"}
_KIND = re.compile(r"\w+")  # of a line of metrics, which becomes the name of a file


def _export(settings):
    """Do what the arguments say."""
    written = _export_metrics(settings) if settings.format == "csv" else _export_model(settings)
    print(*written, sep="\n")


def _export_model(settings):
    """Write a model; return the paths of the files."""
    path = _model_path(Path(settings.run), settings.model)
    out = Path(settings.out or path.with_suffix(f".{settings.format}"))
    _write({out: lambda: FORMATS[settings.format](_load(path))})
    return [out]


def _model_path(path, which):
    """Return the path of the model's file, given that or the folder of a run."""
    if not path.is_dir():
        if which:
            raise InputError(f"--model {which} needs the folder of a run, and {path} is none: leave --model out")
        return path
    path = path / _FILES[which or "last"]
    if which == "best" and not path.exists():
        raise InputError(f"{path} is not there: without a validation set no model is the best: leave --model out")
    return path


def _load(path):
    """Return the MLP in a file."""
    if "n_classes" in read_arrays(path, ("n_classes",)):
        raise InputError(f"{path} holds the parameters of a model of your own, whose layers are not known: export it")
    return load(path)


def _export_metrics(settings):
    """Write the metrics; return the paths of the files."""
    if settings.model:
        raise InputError(f"--model {settings.model} is for a model, and csv is of the metrics: leave it out")
    folder = Path(settings.run)
    texts = csv_texts(folder / "metrics.jsonl")
    if not texts:
        raise InputError(f"{folder / 'metrics.jsonl'} has no line yet: wait for the run")
    if strange := [kind for kind in texts if not _KIND.fullmatch(kind)]:
        raise InputError(f"{folder / 'metrics.jsonl'} has a line of kind {strange[0]!r:.40}: it is no run's")
    out = Path(settings.out or folder / "csv")
    if out.exists() and not out.is_dir():
        raise InputError(f"--out {out} is no folder, and the metrics are several files: name one")
    contents = {out / f"{kind}.csv": lambda text=text: text.encode() for kind, text in texts.items()}
    _write(contents, folder=out)
    return list(contents)


def _write(contents, folder=None):
    """Write what functions return to new files, all of which must be free."""
    for path in contents:
        if path.exists() or path.is_symlink():
            raise InputError(f"{path} is there already, and is not overwritten: remove it, or name another with --out")
    try:
        for path, content in contents.items():
            found = content()
            if folder:
                folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, lambda file, found=found: file.write(found))
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror}): name another with --out") from None


def main(arguments=None):
    """Run the command; return its exit code."""
    parser = make_parser("isgd_mpi.export", "Write the model or the metrics of a run for other programs.")
    parser.add_argument("run", metavar="RUN", help="folder of the run; for a model also its model.npz or best.npz")
    parser.add_argument(
        "--format",
        required=True,
        choices=[*FORMATS, "csv"],
        help="onnx, safetensors: the model, with standardisation and labels; csv: the metrics, a file for each kind",
    )
    meaning = "file to write, or the folder of CSV [model.onnx, ..., or csv/ in the run's]"
    parser.add_argument("--out", metavar="PATH", help=meaning)
    parser.add_argument(
        "--model", choices=list(_FILES), help="the last model, or the best on the validation set [last]"
    )
    return run(parser, _export, "nothing was written", arguments)


if __name__ == "__main__":
    sys.exit(main())
