"""The job scripts under a real SLURM: they start, and whatever stops them, they go on until the run is complete."""

import json
import os
import re
import shutil
import signal
import stat
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import slurm_cluster
from experiments import TINY
from launch import ENVIRONMENT, MPICH, MPIRUN, Run, complaint, has_refreshed, train
from processes import all_processes, run_to_end, shared_segments, wait_for
from slurm_cluster import Cluster

from isgd_mpi.experiment import __main__ as experiment
from isgd_mpi.experiment import queue
from isgd_mpi.experiment.pays import queue as pays_queue
from isgd_mpi.kernels.code_cache import find_folder
from isgd_mpi.report.pays.record import read_record

pytestmark = pytest.mark.skipif(
    slurm_cluster.missing() is not None, reason=f"needs SLURM on this machine: {slurm_cluster.missing()}"
)

JOBS = Path(__file__).parents[2] / "jobs"
RANKS = 3
OPTIONS = ("--hidden", 16, "--schedule", "pipelined", "--seed", 3, "--threads", 1)
PROGRAM = (sys.executable, "-m", "isgd_mpi", "--hidden", 8, "--steps", 5, "--run-dir")
by_srun = pytest.mark.skipif(not MPICH, reason="Open MPI needs a PMIx in SLURM, for srun --mpi=pmix")


@pytest.fixture(scope="module")
def cluster():
    """Run a SLURM of two pretended nodes, n1 and n2; compiled kernels are copied there, but for optimisers."""
    folder = tempfile.mkdtemp(prefix="isgd_mpi-slurm-")  # short: a socket's path has 108 letters at most
    try:
        with Cluster(folder) as running:
            running.environment |= ENVIRONMENT | {"PATH": running.environment["PATH"], "TMPDIR": folder}
            running.environment["PATH"] = f"{Path(sys.executable).parent}:{running.environment['PATH']}"
            running.environment.pop("NUMBA_CACHE_DIR", None)
            if compiled := find_folder(os.environ):
                shutil.copytree(compiled, cache_of(folder), ignore=shutil.ignore_patterns("optim.*"))
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def cache_of(folder):
    """Return where the job scripts keep compiled kernels in a folder for temporary files."""
    return Path(folder) / f"isgd_mpi-numba-{os.getuid()}"


class Job:
    """A submitted job; its log is in the folder that it was submitted from."""

    def __init__(self, cluster, folder, script, *arguments, sbatch=(), **variables):
        self._cluster = cluster
        export = ",".join(["ALL", *(f"{name}={value}" for name, value in variables.items())])
        options = [f"--ntasks={RANKS}", f"--chdir={folder}", f"--output={folder}/%A_%a.log", f"--export={export}"]
        self.id = cluster.ask("sbatch", "--parsable", *options, *sbatch, JOBS / script, *arguments)
        self._folder = folder

    def log(self):
        """Return the lines that the job, or its array's tasks, have printed."""
        return "".join(path.read_text() for path in sorted(self._folder.glob(f"{self.id}_*.log")))

    def listing(self):
        """Return what SLURM tells of the job, or of each task of an array, in a line."""
        return self._cluster.ask("scontrol", "-o", "show", "job", self.id)

    def facts(self):
        """Return the fields that SLURM lists of the job."""
        return dict(re.findall(r"(\S+?)=(\S*)", self.listing()))

    def ended(self):
        """Return whether the job is over, for good."""
        return not self._cluster.ask("squeue", "-h", "-j", self.id)

    def restarted(self):
        """Return whether SLURM has started the job again."""
        return int(self.facts()["Restarts"]) > 0

    def wait(self, condition=None, seconds=120):
        """Wait until the job has ended, or until another condition holds; return the job."""
        wait_for(condition or self.ended, seconds, lambda: f"{self.facts()}\n{self.log()}")
        return self

    def ranks(self):
        """Return the process id of each rank."""
        return {
            int(environment.get("PMI_RANK", environment.get("OMPI_COMM_WORLD_RANK", -1))): pid
            for pid, words, environment in all_processes()
            if environment.get("SLURM_JOB_ID") == self.id and words[1:3] == ["-m", "isgd_mpi"]
        }


@pytest.fixture
def swept():
    """Return a set for the files of shared memory that killed ranks leave behind; remove them at the end."""
    segments = set()
    yield segments
    for segment in segments:
        Path(segment).unlink(missing_ok=True)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Return a function that trains with the same options outside of SLURM, for a number of steps."""
    runs = {}

    def of_steps(steps):
        if steps not in runs:
            folder = tmp_path_factory.mktemp("undisturbed") / "run"
            runs[steps] = train(folder, RANKS, *OPTIONS, "--steps", steps)
        return runs[steps]

    return of_steps


@pytest.mark.parametrize("nodes", [1, 2])
@pytest.mark.parametrize("launcher", [pytest.param("srun", marks=by_srun), "mpirun"])
def test_a_job_trains_as_mpirun_does_outside(cluster, tmp_path, undisturbed, launcher, nodes):
    options = (*OPTIONS, "--steps", 100, "--run-dir", "run")
    job = Job(cluster, tmp_path, "train.sbatch", "--", *options, sbatch=[f"--nodes={nodes}"], LAUNCHER=launcher).wait()
    assert job.facts()["JobState"] == "COMPLETED", job.log()
    np.testing.assert_array_equal(Run(tmp_path / "run").params, undisturbed(100).params)
    assert list(cache_of(cluster.folder).rglob("optim.*.nbi"))


def lose_a_node(cluster, job):
    cluster.ask("scontrol", "update", "nodename=n2", "state=down", "reason=test")
    job.wait(job.restarted)

    def is_back():  # by itself, or told to; that is refused while the node is on its way
        cluster.ask("scontrol", "update", "nodename=n2", "state=resume", check=False)
        return "down" not in cluster.ask("sinfo", "-h", "-N", "-n", "n2", "-o", "%t")

    job.wait(is_back)


def kill_a_rank(cluster, job):
    os.kill(job.ranks()[1], signal.SIGKILL)


def signal_the_ranks(cluster, job):
    cluster.ask("scancel", "--signal=USR1", job.id)


def signal_the_shell(cluster, job):
    cluster.ask("scancel", "--batch", "--signal=USR1", job.id)


@pytest.mark.parametrize(
    ("launcher", "how"),
    [
        pytest.param("srun", signal_the_ranks, marks=by_srun),
        pytest.param("srun", kill_a_rank, marks=by_srun),
        pytest.param("srun", lose_a_node, marks=by_srun),
        ("mpirun", signal_the_shell),
    ],
)
def test_a_job_that_is_stopped_goes_on_to_the_same_result(cluster, tmp_path, undisturbed, swept, launcher, how):
    options, run = tmp_path / "options.toml", tmp_path / "run"
    options.write_text("steps = 100_000_000\n")
    job = Job(
        cluster, tmp_path, "train.sbatch", "--", *OPTIONS, "--config", options, "--run-dir", run,
        "--checkpoint-every", 0.5, sbatch=["--nodes=2"], LAUNCHER=launcher,
    )  # fmt: skip
    job.wait((run / "checkpoint.npz").exists)
    swept |= set().union(*map(shared_segments, job.ranks().values()))
    how(cluster, job)
    job.wait(job.restarted)
    steps = 100 + json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])["step"]
    options.write_text(f"steps = {steps}\n")  # now, so that it could not end before it was stopped
    job.wait()
    assert job.facts()["JobState"] == "COMPLETED", job.log()
    assert "requeued to go on" in job.log() or how is lose_a_node
    np.testing.assert_array_equal(Run(run).params, undisturbed(steps).params)
    told = [line["step"] for line in Run(run).of_kind("refresh")]
    assert told == [line["step"] for line in undisturbed(steps).of_kind("refresh")]


def test_a_cancelled_job_is_saved_and_stays_cancelled(cluster, tmp_path, swept):
    options = (*OPTIONS, "--seconds", 1000, "--run-dir", "run")
    job = Job(cluster, tmp_path, "train.sbatch", "--", *options, LAUNCHER="mpirun")
    job.wait(lambda: has_refreshed(tmp_path / "run"))
    swept |= set().union(*map(shared_segments, job.ranks().values()))
    cluster.ask("scancel", job.id)
    job.wait()
    assert job.facts()["JobState"] == "CANCELLED" and not job.restarted()
    assert Run(tmp_path / "run").summary["stopped"] == "SIGTERM" and (tmp_path / "run/checkpoint.npz").exists()


def test_bad_options_end_a_job_at_once(cluster, tmp_path):
    job = Job(cluster, tmp_path, "train.sbatch", "--", "--lr", -1, LAUNCHER="mpirun", TMPDIR=tmp_path).wait()
    assert job.facts()["ExitCode"] == "2:0" and "isgd_mpi: --lr" in job.log()
    assert stat.S_IMODE(cache_of(tmp_path).stat().st_mode) == 0o700
    stray = Job(cluster, tmp_path, "train.sbatch", "--lr", 1).wait()
    assert stray.facts()["ExitCode"] == "2:0" and "options of isgd_mpi follow after --" in stray.log()


def test_an_array_runs_every_seed_of_every_configuration(cluster, tmp_path):
    configurations = tmp_path / "configurations.txt"
    configurations.write_text('# name and options\nslow --lr 0.05\n\n"very slow" --lr 0.01\n')
    arguments = ("array.sbatch", configurations, "runs", 2, "--", "--hidden", 8, "--steps", 40)
    small = ["--ntasks=1", "--array=0-4"]
    job = Job(cluster, tmp_path, *arguments, sbatch=small, LAUNCHER="mpirun").wait()
    settings = {path.parent.name: path.read_text() for path in tmp_path.glob("runs/*/config.toml")}
    found = {name: re.findall(r"^(lr|seed) = (\S+)$", text, re.M) for name, text in settings.items()}
    assert {name: dict(pairs) for name, pairs in found.items()} == {
        f"{name}-{seed}": {"lr": lr, "seed": str(seed)}
        for name, lr in (("slow", "0.05"), ("very slow", "0.01"))
        for seed in (0, 1)
    }
    assert all(Run(tmp_path / "runs" / name).summary["stopped"] is None for name in settings)
    assert job.log().count("sbatch --array=0-3") == 1  # the fifth is told
    again = Job(cluster, tmp_path, *arguments, sbatch=["--ntasks=1", "--array=3"], LAUNCHER="mpirun").wait()
    assert "very slow-1 is complete at step 40" in again.log() and again.facts()["ExitCode"] == "0:0"


def test_a_stopped_task_of_an_array_is_requeued_alone(cluster, tmp_path, swept):
    configurations = tmp_path / "configurations.txt"
    configurations.write_text("short --steps 20\nlong --seconds 1000\n")
    arguments = ("array.sbatch", configurations, "runs", "--", "--hidden", 8)
    job = Job(cluster, tmp_path, *arguments, sbatch=["--ntasks=2", "--array=0-1"], LAUNCHER="mpirun")
    job.wait(lambda: not cluster.ask("squeue", "-h", "-j", f"{job.id}_0") and has_refreshed(tmp_path / "runs/long"))
    swept |= set().union(*map(shared_segments, job.ranks().values()))
    cluster.ask("scancel", "--signal=USR1", "--batch", f"{job.id}_1")
    job.wait(lambda: re.search(r"ArrayTaskId=1 .* Restarts=1 ", job.listing()))
    assert re.search(r"ArrayTaskId=0 .* Restarts=0 ", job.listing()), job.listing()
    job.wait(lambda: job.log().count("goes on") + job.log().count("resume"))
    cluster.ask("scancel", job.id)
    job.wait()


def test_a_heterogeneous_job_is_refused(cluster, tmp_path):
    words = ["--parsable", f"--chdir={tmp_path}", f"--output={tmp_path}/log", "--ntasks=1", ":", "--ntasks=3"]
    cluster.ask("sbatch", *words, JOBS / "train.sbatch", "--", *OPTIONS)
    log = tmp_path / "log"
    wait_for(lambda: log.exists() and "all ranks are alike: submit it with a single --ntasks=N" in log.read_text())
    parts = ["salloc", "--quiet", "--ntasks=1", ":", "--ntasks=3"]
    launchers = [(MPIRUN, "-n", 1), *([("srun", "--mpi=pmi2")] if MPICH else [])]
    for launcher in launchers:
        done = run_to_end([*parts, *launcher, *PROGRAM, "run"], env=cluster.environment, cwd=tmp_path)
        assert "a heterogeneous job of 4 tasks" in complaint(done.stderr), done.stderr
    assert not (tmp_path / "run").exists()
    done = run_to_end([*parts, *PROGRAM, "alone"], env=cluster.environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr  # a plain run in the allocation's shell is meant


def run_in_allocation(cluster, folder, *words):
    """Run a command in an allocation of four tasks, as in an interactive shell."""
    return run_to_end(["salloc", "--quiet", "--ntasks=4", *words], env=cluster.environment, cwd=folder)


@pytest.mark.parametrize("plugin", ["none", "pmi2"])
def test_a_launch_that_fell_apart_is_refused(cluster, tmp_path, plugin):
    if MPICH and plugin == "pmi2":
        pytest.skip("what MPICH needs")
    done = run_in_allocation(cluster, tmp_path, "srun", f"--mpi={plugin}", "--kill-on-bad-exit=1", *PROGRAM, "run")
    assert done.returncode != 0 and not (tmp_path / "run").exists()
    assert "started 4 processes" in complaint(done.stderr) and "exit code 2" in done.stderr


def test_what_is_meant_to_be_small_is_let_through(cluster, tmp_path):
    for run, launcher in (("alone", ()), ("two", (MPIRUN, "-n", 2)), ("one", (MPIRUN, "-n", 1))):
        done = run_in_allocation(cluster, tmp_path, *launcher, *PROGRAM, run)
        assert done.returncode == 0, done.stderr
    assert [Run(tmp_path / run).summary["ranks"] for run in ("alone", "two", "one")] == [1, 2, 1]


def test_an_experiment_is_done_in_the_queue_and_collected(cluster, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(experiment.EXPERIMENTS, "tiny", TINY)
    monkeypatch.setattr(queue, "_POLL_SECONDS", 0.5)
    for name in ("SLURM_CONF", "PATH", "TMPDIR"):
        monkeypatch.setenv(name, cluster.environment[name])
    monkeypatch.setenv("LAUNCHER", "mpirun")
    monkeypatch.setattr(experiment, "write_report", lambda paths, out: out)
    command = ["tiny", "--out", str(tmp_path / "out"), "--seeds", "1", "--launcher", "slurm"]
    assert experiment.main([*command, "--sbatch-options=--nodelist=n1"]) == 0
    out, errors = capsys.readouterr()
    assert re.search(r"rate 0\.2 +1 of 1 ", out) and "submitted 2 runs as job" in errors
    summaries = [json.loads(path.read_text()) for path in tmp_path.glob("out/rate-*/summary.json")]
    assert [(one["steps"], one["ranks"], one["stopped"]) for one in summaries] == [(40, 2, None)] * 2
    assert experiment.main(command) == 0 and "submitted" not in capsys.readouterr().err
    assert experiment.main([*command, "--seeds", "2", "--sbatch-options=--partition=none"]) == 2
    assert "isgd_mpi: sbatch: " in capsys.readouterr().err


@pytest.mark.slow
def test_whether_it_pays_is_found_out_in_the_queue(cluster, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pays_queue, "_POLL_SECONDS", 0.5)
    for name in ("SLURM_CONF", "PATH", "TMPDIR"):
        monkeypatch.setenv(name, cluster.environment[name])
    monkeypatch.setenv("LAUNCHER", "mpirun")
    words = ["--ranks", "2", "--hidden", "8", "--minutes", "1", "--seeds", "2", "--optimizer", "adam"]
    command = ["pays", *words, "--out", str(tmp_path / "out"), "--launcher", "slurm", "--sbatch-options=--nodelist=n1"]
    assert experiment.main(command) == 0
    out, errors = capsys.readouterr()
    assert "submitted 4 methods as job" in errors and "On mnist10k with 2 ranks" in out
    record = read_record(tmp_path / "out")
    assert record.complete and [len(method.finals) for method in record.methods] == [2] * 4
    assert experiment.main(command) == 0 and "submitted" not in capsys.readouterr().err
