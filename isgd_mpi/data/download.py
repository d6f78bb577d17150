"""Download a file over HTTP; an interrupted download continues where it stopped."""

import os
import sys

import requests
import urllib3
from tqdm import tqdm

from isgd_mpi.data.safe_files import open_own

_CONNECT_SECONDS, _READ_SECONDS = 20, 60  # without an answer, before giving up
_CHUNK_BYTES = 2**18
_LINES = 10  # of progress, where there is no terminal for a bar


class NetworkError(Exception):
    """A fault of a server or of the network, told in one line."""


class ResumingDownloader:
    """A downloader for pooch that continues an interrupted download.

    Parameters
    ----------
    part : Path
        File that collects the bytes; if it exists, the download continues at its end.
    """

    def __init__(self, part):
        self._part = part

    def __call__(self, url, output_file, pooch):
        """Download `url` to `output_file`, which pooch then checks.

        Parameters
        ----------
        url : str
            HTTP or HTTPS.
        output_file : str
            Replaced when all bytes are there; on the same file system.
        pooch : pooch.Pooch
            Not used.

        Raises
        ------
        NetworkError
            The server refuses or the connection breaks; the part stays.
        """
        try:
            self._complete_part(url)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise NetworkError(f"{url}: {_reason(error)}; run the same command again to go on") from None
        os.replace(self._part, output_file)

    def _complete_part(self, url):
        n_have = self._part.stat().st_size if self._part.exists() else 0
        with _get(url, n_have) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                # nothing after our end: the part is complete, and if it is not the checksum tells
                return
            response.raise_for_status()
            if response.status_code != requests.codes.partial_content:
                n_have = 0  # the server sends the whole file
            self._receive(response, n_have)

    def _receive(self, response, n_have):
        length = response.headers.get("Content-Length")
        n_total = n_have + int(length) if length else None
        flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if n_have else os.O_TRUNC)
        with (
            open_own(self._part, flags, "wb", buffering=-1) as file,
            _progress(self._part.stem, n_have, n_total) as progress,
        ):
            # the bytes as sent: decoding would unpack a .gz that a server labels as compressed
            for chunk in response.raw.stream(_CHUNK_BYTES, decode_content=False):
                file.write(chunk)
                progress.update(len(chunk))
        n_have = self._part.stat().st_size
        if n_total is not None and n_have != n_total:
            raise requests.ConnectionError(f"the connection closed after {n_have} of {n_total} bytes")


def _get(url, n_have):
    headers = {"Accept-Encoding": "identity"}
    if n_have:
        headers["Range"] = f"bytes={n_have}-"
    return requests.get(url, headers=headers, stream=True, timeout=(_CONNECT_SECONDS, _READ_SECONDS))


def _reason(error):
    """Return the innermost reason of a failed request, on one line."""
    while isinstance(inner := getattr(error, "reason", None) or next(iter(error.args), None), Exception):
        error = inner
    return " ".join(str(error).split())


def _progress(name, n_have, n_total):
    if sys.stderr.isatty():
        return tqdm(desc=name, initial=n_have, total=n_total, unit="B", unit_scale=True)
    return _ProgressLines(name, n_have, n_total)


class _ProgressLines:
    """Print the progress of a download in a few lines, with the interface of a tqdm bar."""

    def __init__(self, name, n_have, n_total):
        self._name, self._n_have, self._n_total = name, n_have, n_total

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def update(self, n_bytes):
        before, self._n_have = self._n_have, self._n_have + n_bytes
        if self._n_total and self._n_have * _LINES // self._n_total > before * _LINES // self._n_total:
            print(f"{self._name}: {self._n_have / 1e6:.1f} of {self._n_total / 1e6:.1f} MB", file=sys.stderr)
