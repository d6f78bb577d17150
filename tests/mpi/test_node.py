"""Set-up that is collective: order on a node, and errors that all ranks share."""

import os
import time

import pytest

from isgd_mpi.kernels.limits import MACHINE
from isgd_mpi.ranks import node as node_module
from isgd_mpi.ranks.agreement import on_all_ranks
from isgd_mpi.ranks.node import _count_cores, find_node, memory_shortage
from isgd_mpi.ranks.priority import Priority, scorer_niceness
from isgd_mpi.settings.errors import InputError


@pytest.fixture
def node(comm):
    node = find_node(comm, threads=1)
    yield node
    node.comm.Free()


def test_first_rank_runs_before_the_others(node, everywhere):
    with node.first_rank_first():
        begin = time.monotonic()
        if node.comm.rank == 0:
            time.sleep(0.05)
        end = time.monotonic()
    spans = node.comm.allgather((begin, end))
    everywhere(all(spans[0][1] <= other[0] for other in spans[1:]), "a rank did not wait")


def test_a_failure_of_the_first_rank_does_not_strand_the_others(node, everywhere):
    failed = False
    try:
        with node.first_rank_first():
            if node.comm.rank == 0:
                raise InputError("planted")
    except InputError:
        failed = True
    everywhere(failed == (node.comm.rank == 0), "wrong rank failed")


def test_an_input_error_on_one_rank_is_raised_on_all(comm, everywhere):
    guilty = comm.size - 1

    def action():
        if comm.rank == guilty:
            raise InputError(f"planted on {guilty}")
        return comm.rank

    with pytest.raises(InputError) as caught:
        on_all_ranks(comm, action)
    everywhere(str(caught.value) == f"planted on {guilty}", str(caught.value))


def test_without_an_error_each_rank_gets_its_own_result(comm, everywhere):
    everywhere(on_all_ranks(comm, lambda: 10 * comm.rank) == 10 * comm.rank)


def test_threads_default_to_the_cores_of_each_rank(comm, everywhere):
    node = find_node(comm)
    n_cores = len(set().union(*node.comm.allgather(os.sched_getaffinity(0))))
    own = len(os.sched_getaffinity(0))
    everywhere(node.threads == max(1, min(own, n_cores // node.comm.size)))
    everywhere(node.crowded == (node.comm.size * node.threads > n_cores))
    everywhere(len(node.hosts) == comm.size)


def test_a_rank_that_gave_way_takes_its_priority_back(node, everywhere):
    before, lower = os.getpriority(os.PRIO_PROCESS, 0), scorer_niceness(1, node.comm.size)
    priority = Priority(node, 1, node.comm.size)
    priority.give_way()
    everywhere(os.getpriority(os.PRIO_PROCESS, 0) == max(before, lower))
    priority.take_back()
    everywhere(os.getpriority(os.PRIO_PROCESS, 0) in (before, lower))  # lower: not permitted to this user


@pytest.mark.parametrize("threads", [10**5, 10**9])
def test_more_threads_than_cores_are_refused_on_all_ranks(comm, everywhere, threads):
    with pytest.raises(InputError) as caught:
        find_node(comm, threads)
    everywhere(f"--threads {threads}: the ranks of " in str(caught.value), str(caught.value))


def test_a_quota_counts_as_fewer_cores_for_the_ranks_that_share_it():
    everyone, a, b = list(range(8)), {("g", 1): 2.5}, {("g", 2): 1.0}
    assert _count_cores([everyone] * 3, [{}, {}, {}]) == 8
    assert _count_cores([everyone] * 3, [a, a, a]) == 2
    assert _count_cores([[0, 1, 2, 3], [4, 5, 6, 7]], [a, b]) == 3
    assert _count_cores([everyone], [{("g", 1): 0.5}]) == 1


def test_memory_is_asked_of_all_ranks_of_a_node_together(comm, everywhere, monkeypatch):
    shared, own = {("g", 1): 1000}, {("g", 2 + comm.rank): 900}
    monkeypatch.setattr(node_module, "memory_limits", lambda: {MACHINE: 10**6} | shared | own)
    everywhere(memory_shortage(comm, 900 // comm.size) is None)
    shortage = memory_shortage(comm, 1000 // comm.size + 1)
    everywhere(shortage and "GB, and a control group of" in shortage, str(shortage))


def test_memory_is_asked_of_ulimit(comm, everywhere, monkeypatch):
    monkeypatch.setattr(node_module, "free_address_space", lambda: 100)
    everywhere(memory_shortage(comm, 100) is None and "ulimit -v leaves" in memory_shortage(comm, 101))
