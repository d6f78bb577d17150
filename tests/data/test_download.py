import sys

import pytest
from file_server import serving

from isgd_mpi.data.download import NetworkError, ResumingDownloader

CONTENT = bytes(range(256)) * 4000


@pytest.fixture
def server():
    with serving({"file": CONTENT}) as server:
        yield server


@pytest.fixture
def download(server, tmp_path):
    """Download the server's file; return what arrived."""

    def run(name="file"):
        ResumingDownloader(tmp_path / "file.part")(server.url + name, str(tmp_path / "file"), None)
        return (tmp_path / "file").read_bytes()

    return run


@pytest.fixture
def part(tmp_path):
    return tmp_path / "file.part"


def test_a_whole_file(server, download, part):
    assert download() == CONTENT
    assert not part.exists() and server.requested == [("/file", None)]


def test_interrupted_and_resumed(server, download, part):
    server.break_after = 300_000
    with pytest.raises(NetworkError, match="run the same command again to go on"):
        download()
    assert part.read_bytes() == CONTENT[:300_000]
    server.break_after = None
    assert download() == CONTENT
    assert server.requested[1] == ("/file", "bytes=300000-")


def test_interrupted_many_times(server, download, part):
    server.break_after = 200_000
    for k in range(1, 6):
        with pytest.raises(NetworkError):
            download()
        assert part.stat().st_size == k * 200_000
    assert download() == CONTENT


def test_a_server_without_ranges_sends_all_again(server, download, part):
    part.write_bytes(CONTENT[:1000])
    server.knows_ranges = False
    assert download() == CONTENT
    assert server.requested == [("/file", "bytes=1000-")]


def test_a_complete_part_needs_no_more_bytes(server, download, part):
    part.write_bytes(CONTENT)
    assert download() == CONTENT


def test_bytes_are_stored_as_sent_whatever_the_server_calls_them(server, download):
    server.headers = {"Content-Encoding": "gzip"}
    assert download() == CONTENT


def test_a_missing_file(download, part):
    with pytest.raises(NetworkError, match="/none: 404 Client Error"):
        download("none")
    assert not part.exists()


def test_no_server(tmp_path):
    with pytest.raises(NetworkError) as caught:
        ResumingDownloader(tmp_path / "part")("http://127.0.0.1:9/file", str(tmp_path / "file"), None)
    assert "Connection refused" in str(caught.value) and "\n" not in str(caught.value)


def test_lines_of_progress_without_a_terminal(download, capfd):
    download()
    lines = capfd.readouterr().err.splitlines()
    assert 3 <= len(lines) <= 10 and lines[-1] == "file: 1.0 of 1.0 MB"


def test_a_bar_on_a_terminal(server, download, capfd, part, monkeypatch):
    part.write_bytes(CONTENT[:512_000])
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert download() == CONTENT
    bar = capfd.readouterr().err
    assert bar.startswith("\rfile:  50%") and "100%" in bar
