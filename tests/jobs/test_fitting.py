"""The effects of isgd_mpi.fit on the process that calls it."""

import subprocess
import sys
import threading
import time

import pytest
from launch import ENVIRONMENT, MPICH, command, complaint, launch
from processes import patience, run_to_end

from isgd_mpi import Config, InputError, Model, __all__, fit, load
from isgd_mpi.settings.keywords import config_of

COMMON = """
import os, signal, sys, threading, time
import numpy as np
import isgd_mpi
x, y = np.random.default_rng(0).standard_normal((500, 4)), np.arange(500) % 3
"""


def run(tmp_path, ranks, program, *arguments):
    path = tmp_path / "program.py"
    path.write_text(COMMON + program)
    return launch(ranks, *arguments, program=(path,), cwd=tmp_path)


def test_importing_initialises_no_mpi():
    program = "import isgd_mpi, sys; isgd_mpi.load, isgd_mpi.Model, isgd_mpi.Config; print('mpi4py.MPI' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False\n"


def test_public_names_are_there():
    assert {"fit", "load", "Model", "Config", "InputError"} <= set(__all__)
    assert callable(load) and Model.scores and isinstance(config_of({}, own_model=False), Config)


def test_processes_that_should_have_been_ranks_are_refused(monkeypatch):
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "4")
    with pytest.raises(InputError, match="started 4 processes"):
        fit([[0.0]], [0])


def test_a_communicator_that_is_none_is_refused():
    with pytest.raises(InputError, match="must be a communicator of mpi4py, not 5"):
        fit([[0.0]], [0], comm=5)


def test_a_thread_other_than_the_main_one_is_refused():
    errors = []

    def call():
        with pytest.raises(InputError) as caught:
            fit([[0.0]], [0])
        errors.append(str(caught.value))

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert "main thread" in errors[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("isgd_mpi.fit(x, y, batch_size=3)", "unknown option 'batch_size': did you mean minibatch_size?"),
        ("isgd_mpi.fit(x, y, run_dir='.')", "run_dir . holds a run or other files, which are never overwritten"),
        ("isgd_mpi.fit(x, y, hidden=[4], run_dir='new', steps=1)", "the run directory new cannot be written (Is a"),
        ("isgd_mpi.fit(x, y, comm=5)", "comm must be a communicator of mpi4py, not 5"),
    ],
)
def test_bad_input_that_nobody_catches_is_one_line_and_exit_code_2(tmp_path, call, message):
    ranks = 1 if "comm" in call else 3
    done = run(tmp_path, ranks, BLOCKED_AS_IT_OPENS + call if "new" in call else call)
    ours = [line for line in done.stderr.splitlines() if "isgd_mpi" in line or "Traceback" in line]
    assert done.returncode == 2, done.stderr
    assert len(ours) == 1 and ours[0].startswith(f"isgd_mpi: {message}"), done.stderr


BLOCKED_AS_IT_OPENS = """
from isgd_mpi.run import leader
describe = leader._describe_run
def block_and_describe(setup, folder):
    (folder / "config.toml").mkdir()
    describe(setup, folder)
leader._describe_run = block_and_describe
"""


def test_fit_initialises_mpi_as_the_command_line_does_and_leaves_nothing_behind(tmp_path):
    program = """
isgd_mpi.fit(x, y, steps=3, hidden=[4])
from mpi4py import MPI
ok = MPI.Query_thread() == MPI.THREAD_FUNNELED and os.environ["MPIR_CVAR_IBCAST_INTRA_ALGORITHM"] == "tsp_tree"
sys.exit(0 if ok and sys.excepthook is sys.__excepthook__ and os.listdir() == ["program.py"] else 9)
"""
    done = run(tmp_path, 2, program)
    assert done.returncode == 0 and not done.stdout, done.stdout + done.stderr


RAISES = """
class Own:
    def __init__(self, n_features, n_classes, max_rows):
        self.params, self.n_calls = np.ones(5, np.float32), 0
    def answer(self, n):
        self.n_calls += 1
        from mpi4py import MPI
        if self.n_calls > 5 and MPI.COMM_WORLD.rank == int(sys.argv[1]):
            open("planted-at", "w").write(str(time.monotonic()))
            raise RuntimeError("planted")
        return np.ones(n)
    def scores(self, x, y):
        return self.answer(len(x)), np.ones(len(x)), np.ones(len(x), bool)
    def gradient(self, x, y, weights):
        return 1.0, np.zeros(5), self.answer(len(x))
try:
    isgd_mpi.fit(x, y, model=Own, seconds=1000, refresh_every=2)
except Exception:
    time.sleep(1000)  # what is caught would leave the other ranks waiting
"""


@pytest.mark.parametrize("rank", [0, 1])
def test_an_exception_on_one_of_several_ranks_ends_the_job(tmp_path, rank):
    done = run(tmp_path, 3, RAISES, rank)
    assert time.monotonic() - float((tmp_path / "planted-at").read_text()) < patience(60)
    assert done.returncode != 0
    assert f"rank {rank} of 3 failed" in done.stderr and "RuntimeError: planted" in done.stderr


def test_an_exception_on_a_single_rank_is_the_callers(tmp_path):
    done = run(tmp_path, 1, RAISES.replace("time.sleep(1000)", "raise SystemExit(7)"), 0)
    assert done.returncode == 7 and "failed" not in done.stderr


SIGNALLED = """
def kill_when_training():
    while not os.path.exists("run/metrics.jsonl") or "refresh" not in open("run/metrics.jsonl").read():
        time.sleep(0.05)
    os.kill(os.getpid(), signal.Signals[sys.argv[1]])
threading.Thread(target=kill_when_training).start()
try:
    isgd_mpi.fit(x, y, seconds=1000, hidden=[4], run_dir="run")
except KeyboardInterrupt:
    print("interrupted", os.path.exists("run/model.npz"))
    sys.exit(5)
"""


def test_ctrl_c_ends_training_and_is_then_raised(tmp_path):
    done = run(tmp_path, 1, SIGNALLED, "SIGINT")
    assert done.returncode == 5 and done.stdout == "interrupted True\n", done.stderr


def test_other_signals_end_the_process_when_the_files_are_written(tmp_path):
    done = run(tmp_path, 1, SIGNALLED, "SIGTERM")
    assert done.returncode != 0 and "interrupted" not in done.stdout
    assert (tmp_path / "run/model.npz").exists()


STOPS = """
import isgd_mpi.training.scorer as scorer
advance, calls = scorer.Scorer.advance, []
def stop(*args, **kwargs):
    calls.append(1)
    if len(calls) > 5:
        os.kill(os.getpid(), signal.SIGSTOP)
    return advance(*args, **kwargs)
from mpi4py import MPI
if MPI.COMM_WORLD.rank == 1:
    scorer.Scorer.advance = stop
isgd_mpi.fit(x, y, seconds=1000, hidden=[4], refresh_every=2, scorer_timeout=3, run_dir="run")
"""


def test_a_silent_rank_is_one_line_and_code_75(tmp_path):
    done = run(tmp_path, 2, STOPS)
    assert done.returncode == 75
    assert "no answer from rank 1" in complaint(done.stderr)
    assert "go on with python -m isgd_mpi --resume run --data FILE, with the same arrays in FILE" in done.stderr
    assert (tmp_path / "run/checkpoint.npz").exists()


CRASHES = """
isgd_mpi.fit
from mpi4py import MPI
from isgd_mpi.training.trainer import Trainer
import ctypes
take_step, calls = Trainer.take_step, []
def crash(*args):
    calls.append(1)
    if len(calls) > 5:
        ctypes.string_at(8) if sys.argv[1] == "SIGSEGV" else os._exit(3)
    return take_step(*args)
isgd_mpi.fit(x, y, steps=2, hidden=[4])
Trainer.take_step = crash
isgd_mpi.fit(x, y, seconds=1000, hidden=[4])
"""


@pytest.mark.parametrize("how", ["SIGSEGV", "3"])
def test_a_rank_that_crashes_is_named_with_its_place(tmp_path, how):
    done = run(tmp_path, 2, CRASHES, how)
    assert done.returncode != 0 and "rank 0 of 2 ended without a word" in complaint(done.stderr)
    if how == "SIGSEGV":
        assert "in rank 0 of 2" in done.stderr and "in crash" in done.stderr


def test_too_little_shared_memory_is_one_line_and_exit_code_2(tmp_path):
    words = ["unshare", "-m", "bash", "-c", 'mount -t tmpfs -o size=2m tmpfs /dev/shm && exec "$@"', "bash"]
    if not MPICH or subprocess.run([*words, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs MPICH, and root to mount a small /dev/shm")
    program = tmp_path / "program.py"
    program.write_text(COMMON + "isgd_mpi.fit(x, y, steps=2)")
    done = run_to_end([*words, *command(4, program=(program,))], env=ENVIRONMENT)
    assert done.returncode == 2 and "/dev/shm of" in complaint(done.stderr)


SUM_WITHOUT_END = """
class Own:
    def __init__(self, n_features, n_classes, max_rows):
        self.params = np.ones(500, np.float32)
    def scores(self, x, y):
        return np.ones(len(x)), np.ones(len(x)), np.ones(len(x), bool)
    def gradient(self, x, y, weights):
        return 1.0, np.zeros(500), np.ones(len(x))
isgd_mpi.fit
from mpi4py import MPI
from isgd_mpi.ranks.watchdog import Watchdog
watching, calls = Watchdog.watching, []
def stop(self):
    calls.append(1)
    if len(calls) > 50 and MPI.COMM_WORLD.rank == 1:
        os.kill(os.getpid(), signal.SIGSTOP)
    return watching(self)
Watchdog.watching = stop
isgd_mpi.fit(x, y, model=Own, trainers=2, threads=1, seconds=1000, scorer_timeout=2, run_dir="run")
"""


def test_a_sum_of_gradients_that_never_ends_is_one_line_and_code_75(tmp_path):
    done = run(tmp_path, 2, SUM_WITHOUT_END)
    line = complaint(done.stderr)
    assert "rank 0 (" in line and "the sum of gradients has taken 2 s (scorer_timeout)" in line, line
    assert "resume" not in line  # a model of one's own cannot be
    assert done.returncode == 75
