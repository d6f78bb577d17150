"""Jobs on two nodes, which are namespaces of this machine: the same bits, and parameters cross the cable once."""

import json
import subprocess
import sys

import numpy as np
import pytest
import two_nodes
from launch import ENVIRONMENT, complaint, has_refreshed, saved_step, succeeded, train
from processes import Job, alive, wait_for

pytestmark = pytest.mark.skipif(two_nodes.missing() is not None, reason=f"{two_nodes.missing()}")
each_kind, any_mpi = pytest.mark.each_kind, pytest.mark.any_mpi

OPTIONS = ("--hidden", 512, "--steps", 150, "--seed", 3, "--threads", 1)


@pytest.fixture
def nodes(tmp_path):
    """Make two nodes that nobody else uses."""
    folder = tmp_path / "nodes"
    folder.mkdir()
    with two_nodes.TwoNodes(folder) as made:
        yield made


@pytest.mark.parametrize(
    ("n_each", "options"),
    [
        # one trainer: four ranks on the cores of one node are a crowd, and on two nodes they are not
        pytest.param((2, 2), ("--schedule", "pipelined", "--trainers", 1), marks=[each_kind, any_mpi]),
        ((1, 3), ("--schedule", "pipelined", "--trainers", 1)),
    ],
)
def test_two_nodes_train_to_the_bits_of_one_and_send_parameters_once(nodes, tmp_path, n_each, options):
    alone = train(tmp_path / "alone", sum(n_each), *OPTIONS, *options)
    before = nodes.bytes_sent("nodea")
    done = nodes.launch(n_each, "--run-dir", tmp_path / "run", *OPTIONS, *options)
    n_bytes = nodes.bytes_sent("nodea") - before
    run = succeeded(done, tmp_path / "run")
    np.testing.assert_array_equal(run.params, alone.params)
    described = json.loads((tmp_path / "run/environment.json").read_text())
    assert described["hosts"] == n_each[0] * ["nodea"] + n_each[1] * ["nodeb"]
    assert described["transport"] == "SharedMemory"
    n_records = len(run.of_kind("refresh")) + 1
    assert n_bytes < 1.3 * n_records * run.params.nbytes + 500_000


KNOCK = """
import socket, time
begin = time.monotonic()
try:
    socket.create_connection(("nodeb", 9), 30)
except ConnectionRefusedError:
    print(time.monotonic() - begin)
"""


def test_a_cable_delays_what_crosses_it(tmp_path):
    with two_nodes.TwoNodes(tmp_path, delay_ms=30, mbit=100) as nodes:
        assert 0.06 < float(nodes.on("nodea", sys.executable, "-c", KNOCK)) < 20


def test_trainers_share_a_net_on_each_node_and_go_on_to_the_same_bits(nodes, tmp_path):
    def train_on_nodes(name, *options):
        done = nodes.launch((2, 2), *options, "--threads", 1, "--trainers", 4)
        assert "share the net on each of 2 nodes" in done.stdout
        return succeeded(done, tmp_path / name)

    options = ("--hidden", 128, "--seed", 3, "--schedule", "pipelined", "--train-precision", "f32")
    whole = train_on_nodes("whole", "--run-dir", tmp_path / "whole", *options, "--steps", 100)
    train_on_nodes("halves", "--run-dir", tmp_path / "halves", *options, "--steps", 60)
    halves = train_on_nodes("halves", "--resume", tmp_path / "halves", "--steps", 100)
    np.testing.assert_array_equal(halves.params, whole.params)
    assert whole.summary["train"]["loss"] < 0.5


def test_data_that_one_node_lacks_is_told_with_rank_and_host(nodes, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    arrays = np.zeros((40, 4), np.float32), np.arange(40) % 2
    np.savez(data / "set.npz", x_train=arrays[0], y_train=arrays[1], x_test=arrays[0], y_test=arrays[1])
    nodes.on("nodeb", "mount", "-t", "tmpfs", "tmpfs", data)
    done = nodes.launch((1, 2), "--data", data / "set.npz", "--run-dir", tmp_path / "run")
    assert done.returncode == 2 and not (tmp_path / "run").exists()
    assert "(on ranks 1, 2 (nodeb); the other ranks succeeded)" in complaint(done.stderr)


def test_ranks_on_both_sides_of_a_cut_cable_end(nodes, tmp_path):
    folder = tmp_path / "run"
    words = nodes.command((2, 2), "--run-dir", folder, "--seconds", 1000, "--hidden", 16, "--scorer-timeout", 8)
    with Job(words, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as job:
        wait_for(lambda: job.poll() is not None or has_refreshed(folder))
        ranks = job.rank_pids().values()
        nodes.cut()
        wait_for(lambda: not any(map(alive, ranks)), 60)
        job.kill()
        output, errors = job.wait_for_end()
    assert "no answer from rank " in errors and "(nodeb) for 8 s" in errors, errors
    assert saved_step(folder) > 0
