"""Start a real SLURM on this machine: munged, slurmctld, and a slurmd for each of two pretended nodes."""

import os
import shutil
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from processes import wait_for

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "scancel", "squeue", "sinfo", "setpriv")
SEARCH_PATH = os.environ["PATH"] + os.pathsep + "/usr/sbin"
CPUS = 16  # of each node, pretended

CONF = """
ClusterName=isgd
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort={ports[0]}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SwitchType=switch/none
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0,sched_interval=2,bf_interval=1
SlurmdParameters=config_overrides
ReturnToService=2
JobRequeue=1
KillWait=5
SlurmdTimeout=120
MessageTimeout=60
MailProg=/bin/true
NodeName=n[1-2] NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]},{ports[2]} CPUs={cpus} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing():
    """Return the reason why no SLURM can be started here, with the remedy; None if one can."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=SEARCH_PATH) is None]
    if absent:
        return f"no {absent[0]}: apt-get install -y --no-install-recommends slurm-wlm munge"
    if os.geteuid() != 0:
        return "slurmd starts jobs as root only: run the tests as root, in a container"
    try:
        socket.gethostbyname(socket.gethostname())
    except OSError:
        return f"the host name does not resolve: echo '127.0.0.1 {socket.gethostname()}' >> /etc/hosts"
    return None


class Cluster:
    """Starts the daemons on entry, and stops them by their process ids on exit."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.log = self.folder / "daemons.log"
        self.environment = {**os.environ, "PATH": SEARCH_PATH, "SLURM_CONF": str(self.folder / "slurm.conf")}
        self._daemons = []

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception):
        with suppress(subprocess.SubprocessError):
            self._cancel_all()
        for daemon in reversed(self._daemons):
            daemon.terminate()
            try:
                daemon.wait(20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def _start(self):
        for name in ("munge", "state", "spool.n1", "spool.n2"):
            (self.folder / name).mkdir(mode=0o700)
        self._write_configuration()
        munge = self.folder / "munge"
        (munge / "key").write_bytes(os.urandom(1024))
        (munge / "key").chmod(0o400)
        files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        self._daemon("munged", "--foreground", "--force", *(f"--{name}={munge / at}" for name, at in files.items()))
        wait_for((munge / "socket").exists, 20, self._say_why)
        self._daemon("slurmctld", "-D")
        self._daemon("slurmd", "-D", "-N", "n1")
        self._daemon("slurmd", "-D", "-N", "n2")
        wait_for(self._is_up, 60, self._say_why)

    def _write_configuration(self):
        text = CONF.format(folder=self.folder, host=socket.gethostname(), ports=free_ports(3), cpus=CPUS)
        (self.folder / "slurm.conf").write_text(text)
        if not os.path.ismount("/sys/fs/cgroup"):  # without it slurmd ends, whatever tracks processes
            (self.folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")

    def _daemon(self, *words):
        with open(self.log, "ab") as log:
            # should these tests be killed, the daemons go with them
            command = ["setpriv", "--pdeathsig", "TERM", *words]
            self._daemons.append(subprocess.Popen(command, env=self.environment, stdout=log, stderr=log))

    def _say_why(self):
        return "SLURM did not start:\n" + self.log.read_text()[-3000:]

    def _is_up(self):
        listing = self.ask("sinfo", "-h", "-N", "-o", "%N %t", check=False).split("\n")
        return {"n1 idle", "n2 idle"} <= set(listing)

    def _cancel_all(self):
        if jobs := self.ask("squeue", "-h", "-o", "%A", check=False).split():
            self.ask("scancel", *jobs, check=False)
            wait_for(lambda: not self.ask("squeue", "-h"), 30)

    def ask(self, *words, check=True):
        """Run one of SLURM's commands; return what it prints."""
        done = subprocess.run(
            list(map(str, words)), env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()


def free_ports(n):
    """Return the numbers of n free ports."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    try:
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
