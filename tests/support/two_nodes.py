"""Play two nodes on one machine: namespaces with a host name, /dev/shm and network of their own, joined by a cable."""

import shutil
import subprocess
import sys
from pathlib import Path

from launch import ENVIRONMENT, MPICH, MPIRUN
from processes import run_to_end, wait_for

NODES = ("nodea", "nodeb")
PROGRAMS = ("unshare", "nsenter", "ip", "tc")

NODE = """
hostname $0 && mount -t tmpfs -o size=256m tmpfs /dev/shm && mount --bind $1 /etc/hosts && ip link set lo up &&
echo ready && exec sleep infinity
"""
REMOTE_SHELL = """#!/bin/bash
# as ssh: [OPTIONS] HOST COMMAND...
while [[ $1 == -* ]]; do shift; done
declare -A nodes=({nodes})
node=${{nodes[$1]}}; shift
exec nsenter -t "$node" -n -u -m -i -w"$PWD" -- bash -c "$*"
"""


def missing():
    """Return the reason why no nodes can be made here, with the remedy; None if they can."""
    for program in PROGRAMS:
        if shutil.which(program) is None:
            return f"no {program}: apt-get install -y --no-install-recommends iproute2 util-linux"
    if not MPICH and " " in str(MPIRUN):
        return f"Open MPI starts nothing on another node from a path with spaces: not from {MPIRUN}"
    trial = "mount -t tmpfs tmpfs /dev/shm && ip link add isgd0 type veth"
    words = ["unshare", "-n", "-u", "-i", "-m", "bash", "-c", trial]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return f"namespaces need root ({done.stderr.strip()}): run the tests as root" if done.returncode else None


class TwoNodes:
    """Makes the nodes on entry, and ends them on exit.

    Parameters
    ----------
    folder : pathlib.Path
        An empty one.
    delay_ms, mbit : float, optional
        Delay and rate of the cable, through a program that costs time itself; by default the kernel's, without limit.
    """

    def __init__(self, folder, delay_ms=None, mbit=0):
        self._folder = folder
        self._limits = None if delay_ms is None else (delay_ms, mbit)
        self._nodes = {}
        self._cable = None

    def __enter__(self):
        hosts = self._folder / "hosts"
        hosts.write_text("127.0.0.1 localhost\n10.77.0.1 nodea\n10.77.0.2 nodeb\n")
        words = ["setpriv", "--pdeathsig", "KILL", "unshare", "-n", "-u", "-i", "-m", "--propagation", "private"]
        for name in NODES:
            node = subprocess.Popen([*words, "bash", "-c", NODE, name, hosts], stdout=subprocess.PIPE, text=True)
            self._nodes[name] = node
            assert node.stdout.readline() == "ready\n"
        a, b = (str(node.pid) for node in self._nodes.values())
        self._join(a, b)
        for number, name in enumerate(NODES, start=1):
            self.on(name, "ip", "addr", "add", f"10.77.0.{number}/24", "dev", "eth0")
            self.on(name, "ip", "link", "set", "eth0", "up")
        for name in NODES:
            wait_for(lambda name=name: "LOWER_UP" in self.on(name, "ip", "link", "show", "eth0"))
        shell = self._folder / "ssh"
        shell.write_text(REMOTE_SHELL.format(nodes=f"[nodea]={a} [nodeb]={b} [10.77.0.1]={a} [10.77.0.2]={b}"))
        shell.chmod(0o755)
        return self

    def _join(self, a, b):
        """Join the nodes of two processes by a cable."""
        if self._limits is None:
            self._run("ip", "link", "add", "eth0", "netns", a, "type", "veth", "peer", "name", "eth0", "netns", b)
            return
        words = [sys.executable, Path(__file__).with_name("cable.py"), a, b, *map(str, self._limits)]
        self._cable = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert self._cable.stdout.readline() == "ready\n"
        for name in NODES:
            self.on(name, "ip", "link", "set", "eth0", "mtu", "9000")

    def __exit__(self, *exception):
        for node in [self._cable] * bool(self._cable) + list(self._nodes.values()):
            node.kill()
            node.wait()
            node.stdout.close()

    def _run(self, *words):
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _enter(self, name):
        return ["nsenter", "-t", str(self._nodes[name].pid), "-n", "-u", "-m", "-i", f"-w{Path.cwd()}", "--"]

    def on(self, name, *words):
        """Run a command on a node; return what it prints."""
        return self._run(*self._enter(name), *words)

    def limit(self, mbit):
        """Limit the rate of the cable, in each direction."""
        for name in NODES:
            self.on(name, *f"tc qdisc add dev eth0 root tbf rate {mbit}mbit burst 128kb latency 20ms".split())

    def cut(self):
        """Cut the cable: what is sent from now on is lost."""
        self.on("nodea", "ip", "link", "set", "eth0", "down")

    def bytes_sent(self, name):
        """Return the number of bytes that a node has sent through the cable."""
        counters = self.on(name, "cat", "/proc/net/dev").split("eth0:")[1].split()
        return int(counters[8])

    def command(self, n_each, *options, program=("-m", "isgd_mpi")):
        """Return the command line of a job, with a number of ranks on each node."""
        hosts = ",".join(f"{name}:{n}" for name, n in zip(NODES, n_each))
        shell = self._folder / "ssh"
        where = ["-launcher", "ssh", "-launcher-exec", shell, "-hosts", hosts]
        if not MPICH:
            where = ["--prtemca", "plm_ssh_agent", shell, "--prefix", Path(MPIRUN).parents[1], "--host", hosts]
            where += ["--map-by", "slot:nooversubscribe"]  # fill the first node up to its number
        return [*self._enter("nodea"), MPIRUN, *where, "-n", sum(n_each), sys.executable, *program, *options]

    def launch(self, n_each, *options, **kwargs):
        """Run a job to its end; return it with its output as text."""
        return run_to_end(self.command(n_each, *options, **kwargs), env=ENVIRONMENT)
