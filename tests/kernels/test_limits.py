"""Limits of control groups, of both versions and as containers show them, in made-up folders."""

import os
import resource
import subprocess
import sys

import pytest

from isgd_mpi.kernels import limits
from isgd_mpi.kernels.limits import MACHINE, core_limits, memory_limits


@pytest.fixture
def groups(tmp_path):
    """Return a function that writes the files of a process's control groups, and returns the process's folder."""

    def make(membership, mount, files):
        (tmp_path / "cgroup").write_text(membership)
        (tmp_path / "mountinfo").write_text(f"25 1 0:1 / /proc rw - proc proc rw\n30 25 0:26 {mount}\n")
        for name, content in files.items():
            (tmp_path / "sys" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "sys" / name).write_text(content)
        return tmp_path

    return make


def found(limits):
    return sorted(amount for group, amount in limits.items() if group != MACHINE)


def test_version_2_counts_each_group_above(groups, tmp_path):
    process = groups(
        "0::/job/step\n",
        f"/ {tmp_path}/sys rw shared:9 - cgroup2 cgroup2 rw",
        {"job/memory.max": "3000000\n", "job/step/memory.max": "max\n", "job/step/cpu.max": "150000 100000\n",
         "job/cpu.max": "max 100000\n"},
    )  # fmt: skip
    assert found(memory_limits(process)) == [3_000_000] and found(core_limits(process)) == [1.5]


def test_version_1_has_a_hierarchy_for_each_controller(groups, tmp_path):
    process = groups(
        "5:cpu,cpuacct:/slurm/7\n4:memory:/slurm/7\n1:name=systemd:/x\n0::/\n",
        f"/ {tmp_path}/sys rw - cgroup cgroup rw,memory,cpu,cpuacct",
        {"slurm/7/memory.limit_in_bytes": "5000000\n", "slurm/memory.limit_in_bytes": "9223372036854771712\n",
         "slurm/7/cpu.cfs_quota_us": "200000\n", "slurm/7/cpu.cfs_period_us": "100000\n",
         "slurm/cpu.cfs_quota_us": "-1\n", "slurm/cpu.cfs_period_us": "100000\n"},
    )  # fmt: skip
    assert found(memory_limits(process))[0] == 5_000_000 and found(core_limits(process)) == [2.0]


def test_a_container_shows_its_own_group_as_the_root(groups, tmp_path):
    process = groups(
        "0::/docker/abc\n", f"/docker/abc {tmp_path}/sys rw - cgroup2 cgroup rw", {"memory.max": "7000000\n"}
    )
    assert found(memory_limits(process)) == [7_000_000]


@pytest.mark.parametrize("content", ["", "many", "1 2 3 4", "-5"])
def test_strange_files_are_no_limits(groups, tmp_path, content):
    files = {"memory.max": content, "cpu.max": content}
    process = groups("0::/\n", f"/ {tmp_path}/sys rw - cgroup2 cgroup rw", files)
    assert found(memory_limits(process)) == [] and core_limits(process) == {}
    assert memory_limits(process)[MACHINE] > 10**8 and memory_limits(tmp_path / "none").keys() == {MACHINE}


def test_ulimit_counts_what_is_left():
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33))\n"
        "from isgd_mpi.kernels.limits import free_address_space, usable_memory; print(free_address_space())"
    )
    left = int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
    assert 2**32 < left < 2**33
    if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
        assert limits.free_address_space() == float("inf")
    assert limits.usable_memory() <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
