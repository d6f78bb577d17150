"""Download a data set from its official place: ``python -m isgd_mpi.fetch NAME``.

An interrupted download goes on where it stopped when the command is run again. Each file is
checked against its known MD5, and gets its name only if it is right. ``--list`` tells which data
sets are on this machine, and ``--clean`` removes converted copies.
"""

import shutil
import sys
import tarfile
from dataclasses import dataclass
from functools import partial

import pooch

from isgd_mpi.data.download import NetworkError, ResumingDownloader
from isgd_mpi.data.files import write_atomically
from isgd_mpi.data.folders import data_folder
from isgd_mpi.data.held import clean, held, in_words
from isgd_mpi.settings.commands import complain, make_parser, run
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.exit_codes import DONE, FAILED


@dataclass(frozen=True)
class Download:
    """A file to download, with its address and its checksum."""

    base_url: str  # ends in a slash
    file_name: str
    md5: str  # 32 hexadecimal digits
    members: tuple[str, ...] = ()  # if it is a tar archive: the files to unpack beside it


_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"
_CIFAR10 = "https://www.cs.toronto.edu/~kriz/"
_SVHN = "http://ufldl.stanford.edu/housenumbers/"  # the official address has no https
_CIFAR10_BATCHES = (*(f"data_batch_{k}" for k in (1, 2, 3, 4, 5)), "test_batch")
_CIFAR10_MEMBERS = tuple(f"cifar-10-batches-bin/{batch}.bin" for batch in _CIFAR10_BATCHES)
_SVHN_TRAIN = Download(_SVHN, "train_32x32.mat", "e26dedcc434d2e4c54c9b2d4a06d8373")
_SVHN_EXTRA = Download(_SVHN, "extra_32x32.mat", "a93ce644f1a588dc4d68dda5feec44a7")
_SVHN_TEST = Download(_SVHN, "test_32x32.mat", "eb5a983be6a315427106f1b164d9cef3")

DOWNLOADS = {
    "mnist": (
        Download(_MNIST, "train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        Download(_MNIST, "train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        Download(_MNIST, "t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        Download(_MNIST, "t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    ),
    "cifar10": (Download(_CIFAR10, "cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", _CIFAR10_MEMBERS),),
    "svhn": (_SVHN_TRAIN, _SVHN_EXTRA, _SVHN_TEST),
    "svhn-small": (_SVHN_TRAIN, _SVHN_TEST),
}
"""The files of each data set."""

_FOLDERS = {"svhn-small": "svhn"}  # the folder of any other data set has its name
_NOTHING_TO_FETCH = {"mnist10k": "comes with isgd_mpi", "synthetic": "is made when it is first used"}


def fetch(name, data_dir=None, mirror=None, downloads=DOWNLOADS):
    """Download the files of a data set that are not there yet.

    Parameters
    ----------
    name : str
        A key of `downloads`.
    data_dir : str or Path, optional
        Files go to the folder NAME in it; see :func:`isgd_mpi.data.folders.data_folder` for the default.
    mirror : str, optional
        URL of another folder with files of the same names.
    downloads : dict of str to tuple of Download
        The files of each data set.

    Returns
    -------
    pathlib.Path
        The folder with the files.

    Raises
    ------
    InputError
        The name is unknown, or the folder cannot be written.
    NetworkError
        A server does not deliver the right file.
    """
    if name not in downloads:
        raise InputError(f"unknown data set {name!r}: choose {', '.join(downloads)}")
    if mirror and not mirror.startswith(("http://", "https://")):
        raise InputError(f"--mirror {mirror}: give a URL that starts with http:// or https://")
    folder = data_folder(data_dir) / _FOLDERS.get(name, name)
    try:
        for download in downloads[name]:
            _fetch_file(download, folder, mirror)
            _unpack(folder / download.file_name, download.members)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"cannot write to {folder} ({reason}); choose another --data-dir") from None
    return folder


def _fetch_file(download, folder, mirror):
    base_url = f"{mirror.rstrip('/')}/" if mirror else download.base_url
    known_hash = f"md5:{download.md5}"
    pooch.get_logger().setLevel("WARNING")  # _say prints the same, shorter
    files = pooch.create(folder, base_url, registry={download.file_name: known_hash})
    path = folder / download.file_name
    if path.is_file() and pooch.hashes.hash_matches(path, known_hash):
        return _say(f"{path} is there already, and right")
    _say(f"{path} from {files.get_url(download.file_name)}")
    try:
        files.fetch(download.file_name, downloader=ResumingDownloader(path.with_name(path.name + ".part")))
    except ValueError:  # what pooch raises for a wrong hash, after removing the file
        raise NetworkError(
            f"{files.get_url(download.file_name)}: what came has the wrong checksum (not MD5 {download.md5}) "
            "and was removed; try again, or another --mirror"
        ) from None


def _unpack(archive, members):
    """Copy the named regular files out of a tar archive; paths in the archive do not decide where they go."""
    missing = [member for member in members if not (archive.parent / member).is_file()]
    if not missing:
        return
    with tarfile.open(archive) as tar:
        regular = {entry.name: entry for entry in tar if entry.isfile()}
        for member in missing:
            if member not in regular:
                raise InputError(f"{archive}: has no regular file {member}; delete it and try again")
            path = archive.parent / member
            path.parent.mkdir(exist_ok=True)
            with tar.extractfile(regular[member]) as content:
                write_atomically(path, partial(shutil.copyfileobj, content))
    _say(f"{archive} unpacked")


def _say(line):
    print(line, file=sys.stderr)


def main(arguments=None):
    """Run the command line and return the exit code.

    Parameters
    ----------
    arguments : list of str, optional
        ``sys.argv[1:]`` if not given.

    Returns
    -------
    int
        0; 1 if the network fails; 2 if the input is at fault; 130 if interrupted.
    """
    return run(_parser(), _fetch, "run the same command again to go on", arguments)


def _parser():
    description = "Download a data set from its official place, or go on where it was interrupted."
    parser = make_parser("isgd_mpi.fetch", description)
    parser.add_argument("name", metavar="NAME", nargs="?", help=f"data set: {', '.join(DOWNLOADS)}")
    parser.add_argument("--list", action="store_true", help="tell which data sets are here, of one NAME or of all")
    parser.add_argument(
        "--clean",
        action="store_true",
        help="remove converted copies that nobody uses, of one NAME or of all; they are made again when needed",
    )
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        help="folder for original data files, made if missing (default: $ISGD_MPI_DATA or isgd_mpi in the cache)",
    )
    parser.add_argument("--mirror", metavar="URL", help="another folder with files of the same names")
    return parser


def _fetch(options):
    """Do what the arguments say."""
    if options.list or options.clean:
        return _keep_house(options)
    if options.name is None:
        raise InputError(f"name a data set: {', '.join(DOWNLOADS)}; or --list, or --clean")
    if options.name in _NOTHING_TO_FETCH:
        _say(f"{options.name} {_NOTHING_TO_FETCH[options.name]}: nothing to download")
        return DONE
    try:
        _say(f"{options.name} is in {fetch(options.name, options.data_dir, options.mirror)}")
    except NetworkError as error:
        complain(error)
        return FAILED
    return DONE


def _keep_house(options):
    """List or remove data sets."""
    if options.list and options.clean:
        raise InputError("--list and --clean exclude each other: --clean tells what it removes")
    if options.mirror:
        raise InputError(f"--mirror {options.mirror} is for downloads: omit it")
    if options.clean and options.data_dir:
        raise InputError(f"--data-dir {options.data_dir} is for downloads, which --clean leaves alone: omit it")
    return _clean(options.name) if options.clean else _list(options.name, options.data_dir)


def _list(name, data_dir):
    """Print a table of what is here."""
    rows = [one.columns for one in held(data_dir) if name in (None, one.name)]
    table = [["data set", "state", "size", "age", "folder"], *rows]
    widths = [max(map(len, column)) for column in zip(*table)]
    for row in table:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())


def _clean(name):
    """Remove converted copies, and print which, and which not."""
    removed, kept = clean(name)
    for word, copies in (("removed", removed), ("kept, in use:", kept)):
        for copy in copies:
            print(f"{word} {copy.name}, {in_words(copy.n_bytes)}, {copy.path}")
    print(f"{in_words(sum(copy.n_bytes for copy in removed))} freed")


if __name__ == "__main__":
    sys.exit(main())
