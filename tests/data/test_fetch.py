import hashlib
import io
import re
import subprocess
import sys
import tarfile

import pytest
from file_server import serving

from isgd_mpi import fetch as fetch_module
from isgd_mpi.data import download as download_module
from isgd_mpi.data.download import NetworkError
from isgd_mpi.data.folders import SUBFOLDERS
from isgd_mpi.fetch import DOWNLOADS, Download, fetch, main
from isgd_mpi.settings.errors import InputError

FILES = {"a.gz": b"first" * 100_000, "b.mat": b"second" * 1000}


def download_of(server, file_name, members=()):
    md5 = hashlib.md5(server.files[file_name]).hexdigest()
    return Download(server.url, file_name, md5, members)


@pytest.fixture
def server():
    with serving(dict(FILES)) as server:
        yield server


@pytest.fixture
def downloads(server):
    return {"mnist": tuple(download_of(server, file_name) for file_name in FILES)}


@pytest.fixture
def official(downloads, monkeypatch):
    """Let the command line know the test's files as mnist."""
    monkeypatch.setitem(DOWNLOADS, "mnist", downloads["mnist"])


def test_success(downloads, tmp_path, capsys):
    assert fetch("mnist", tmp_path, downloads=downloads) == tmp_path / "mnist"
    assert {path.name: path.read_bytes() for path in (tmp_path / "mnist").iterdir()} == FILES
    assert "a.gz from http://127.0.0.1" in capsys.readouterr().err


def test_what_is_there_and_right_is_not_downloaded_again(server, downloads, tmp_path, capsys):
    fetch("mnist", tmp_path, downloads=downloads)
    server.requested.clear()
    capsys.readouterr()
    fetch("mnist", tmp_path, downloads=downloads)
    assert server.requested == []
    assert capsys.readouterr().err.count("is there already, and right") == 2


def test_what_is_there_and_wrong_is_replaced(downloads, tmp_path):
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "b.mat").write_bytes(b"wrong")
    fetch("mnist", tmp_path, downloads=downloads)
    assert (tmp_path / "mnist" / "b.mat").read_bytes() == FILES["b.mat"]


def test_wrong_checksum_removes_the_file(server, downloads, tmp_path):
    server.files["b.mat"] = b"other"
    with pytest.raises(NetworkError) as caught:
        fetch("mnist", tmp_path, downloads=downloads)
    assert re.fullmatch(r"http://127.*/b.mat: what came has the wrong checksum \(not MD5 .{32}\).*", str(caught.value))
    assert [path.name for path in (tmp_path / "mnist").iterdir()] == ["a.gz"]


def test_interrupted_and_resumed(server, downloads, tmp_path):
    server.break_after = 300_000
    with pytest.raises(NetworkError, match="run the same command again to go on"):
        fetch("mnist", tmp_path, downloads=downloads)
    assert [path.name for path in (tmp_path / "mnist").iterdir()] == ["a.gz.part"]
    server.break_after = None
    fetch("mnist", tmp_path, downloads=downloads)
    assert {path.name: path.read_bytes() for path in (tmp_path / "mnist").iterdir()} == FILES
    assert ("/a.gz", "bytes=300000-") in server.requested


def test_a_part_of_something_else_ends_in_the_checksum_and_then_succeeds(downloads, tmp_path):
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "a.gz.part").write_bytes(b"x" * 1000)
    with pytest.raises(NetworkError, match="wrong checksum"):
        fetch("mnist", tmp_path, downloads=downloads)
    fetch("mnist", tmp_path, downloads=downloads)
    assert (tmp_path / "mnist" / "a.gz").read_bytes() == FILES["a.gz"]


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_mirror_stands_for_the_official_place(server, downloads, tmp_path, slash):
    elsewhere = tuple(Download("http://127.0.0.1:9/", item.file_name, item.md5) for item in downloads["mnist"])
    fetch("mnist", tmp_path, mirror=server.url.rstrip("/") + slash, downloads={"mnist": elsewhere})
    assert (tmp_path / "mnist" / "a.gz").is_file()


# CIFAR-10's archive


def tar_of(members):
    """Return a tar.gz; a member is bytes, or the target of a symbolic link."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                tar.addfile(entry)
            else:
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def fetch_archive(server, folder, content, members):
    server.files["set.tar.gz"] = content
    return fetch("cifar10", folder, downloads={"cifar10": (download_of(server, "set.tar.gz", members),)})


def test_only_the_named_members_are_unpacked(server, tmp_path):
    content = tar_of({"in/one": b"1", "in/two": b"22", "../evil": b"!", "/tmp/evil": b"!", "readme": b"r"})
    folder = fetch_archive(server, tmp_path, content, ("in/one", "in/two"))
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {"cifar10/set.tar.gz", "cifar10/in/one", "cifar10/in/two"}
    assert (folder / "in/two").read_bytes() == b"22"


def test_a_member_that_was_deleted_is_unpacked_again(server, tmp_path, capsys):
    content = tar_of({"in/one": b"1", "in/two": b"22"})
    fetch_archive(server, tmp_path, content, ("in/one", "in/two"))
    (tmp_path / "cifar10/in/one").unlink()
    fetch_archive(server, tmp_path, content, ("in/one", "in/two"))
    assert (tmp_path / "cifar10/in/one").read_bytes() == b"1"
    assert len([path for path, _ in server.requested if path == "/set.tar.gz"]) == 1


@pytest.mark.parametrize("members", [{"in/one": "/etc/passwd"}, {"in/two": b"2"}], ids=["link", "missing"])
def test_a_member_that_is_no_regular_file(server, tmp_path, members):
    with pytest.raises(InputError, match="set.tar.gz: has no regular file in/one"):
        fetch_archive(server, tmp_path, tar_of(members), ("in/one",))
    assert not (tmp_path / "cifar10/in/one").exists()


# the command line


def one_line(capsys):
    """Return the last line of the output, which tells the end; lines before it tell what was being done."""
    return capsys.readouterr().err.splitlines()[-1]


def test_command_line(official, tmp_path, capsys):
    assert main(["mnist", "--data-dir", str(tmp_path)]) == 0
    assert one_line(capsys) == f"mnist is in {tmp_path}/mnist"


def test_command_line_follows_the_variable(official, tmp_path, monkeypatch):
    monkeypatch.setenv("ISGD_MPI_DATA", str(tmp_path))
    assert main(["mnist"]) == 0
    assert (tmp_path / "mnist" / "b.mat").is_file()


def test_official_checksums_refuse_other_files(tmp_path, capsys):
    with serving({DOWNLOADS["mnist"][0].file_name: b"not MNIST"}) as server:
        assert main(["mnist", "--data-dir", str(tmp_path), "--mirror", server.url]) == 1
    assert "wrong checksum (not MD5 f68b3c2dcbeaaa9fbdd348bbdeb94873)" in one_line(capsys)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["mnits"], "unknown data set 'mnits': choose mnist, cifar10, svhn, svhn-small"),
        (["mnist", "--bogus"], "unknown option --bogus; see --help"),
        ([], "name a data set: mnist, cifar10, svhn, svhn-small; or --list, or --clean"),
        (["mnist", "--mirror", "ftp://x"], "--mirror ftp://x: give a URL that starts with http:// or https://"),
    ],
)
def test_bad_usage(arguments, problem, capsys):
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"isgd_mpi: {problem}\n"


def test_a_folder_that_cannot_be_written(official, tmp_path, capsys):
    (tmp_path / "file").write_text("x")
    assert main(["mnist", "--data-dir", str(tmp_path / "file")]) == 2
    assert one_line(capsys) == f"isgd_mpi: cannot write to {tmp_path}/file/mnist (Not a directory); " + (
        "choose another --data-dir"
    )


def test_network_failure(tmp_path, capsys):
    assert main(["mnist", "--data-dir", str(tmp_path), "--mirror", "http://127.0.0.1:9"]) == 1
    assert "Connection refused; run the same command again to go on" in one_line(capsys)


@pytest.mark.parametrize("name", ["mnist10k", "synthetic"])
def test_nothing_to_download(name, capsys):
    assert main([name]) == 0
    assert one_line(capsys).endswith("nothing to download")


def test_interrupt_keeps_the_part(official, tmp_path, capsys, monkeypatch):
    def interrupt(self, n_bytes):
        raise KeyboardInterrupt

    monkeypatch.setattr(download_module._ProgressLines, "update", interrupt)
    assert main(["mnist", "--data-dir", str(tmp_path)]) == 130
    assert one_line(capsys) == "isgd_mpi: interrupted; run the same command again to go on"
    assert [path.name for path in (tmp_path / "mnist").iterdir()] == ["a.gz.part"]


def test_as_a_module():
    command = [sys.executable, "-m", "isgd_mpi.fetch", "mnits"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (2, "", 1)


# the table


@pytest.mark.parametrize("name", DOWNLOADS)
def test_table(name):
    assert name in SUBFOLDERS and fetch_module._FOLDERS.get(name, name) in SUBFOLDERS[name]
    for item in DOWNLOADS[name]:
        assert re.fullmatch("[0-9a-f]{32}", item.md5) and re.fullmatch("https?://.*/", item.base_url)
