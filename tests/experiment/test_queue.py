"""An experiment in SLURM's queue, with a SLURM that only pretends; the real one is in test_slurm.py."""

import json
import shlex
import sys
from pathlib import Path

import pytest
from experiments import NAMES, tiny_plan, write_run

from isgd_mpi.experiment import __main__ as experiment
from isgd_mpi.experiment import queue, slurm
from isgd_mpi.experiment.conduct import conduct
from isgd_mpi.experiment.slurm import Slurm, find_script
from isgd_mpi.settings.errors import InputError


class Pretended:
    """A SLURM whose tasks end one at each look, in order; `outcomes` says how, if not well."""

    def __init__(self, interrupt_after=None, **outcomes):
        self.outcomes = {name.replace("rate_", "rate-0.").replace("_", "-"): how for name, how in outcomes.items()}
        self.submitted, self.left, self.looks, self.interrupt_after = {}, {}, 0, interrupt_after

    def submit(self, configurations, folder, n_tasks, ranks):
        lines = [shlex.split(line) for line in configurations.read_text().splitlines()]
        assert len(lines) == n_tasks and ranks == 2
        job = str(7 + len(self.submitted))
        self.submitted[job] = [(folder / name, Path(options[1])) for name, *options in lines]
        self.left[job] = list(range(n_tasks))
        return job

    def unfinished(self, job):
        self.looks += 1
        if self.looks == 2:
            return None  # the controller is busy
        if self.looks == self.interrupt_after:
            raise KeyboardInterrupt
        left = self.left.get(job, [])
        if left:
            folder, config_file = self.submitted[job][left.pop(0)]
            how = self.outcomes.get(folder.name)
            if how == "refused":
                log = config_file.parent / f"{job}_{len(self.submitted[job]) - len(left) - 1}.log"
                log.write_text("isgd_mpi: --lr must be positive, not 0\n")
            else:
                write_run(folder, config_file, how)
        return set(left)

    def names(self):
        return [folder.name for tasks in self.submitted.values() for folder, _ in tasks]


@pytest.fixture(autouse=True)
def impatience(monkeypatch):
    monkeypatch.setattr(queue, "_POLL_SECONDS", 0)


def do(plan, pretended):
    return conduct(plan, pretended, "x", queue.in_queue)


def test_all_runs_that_are_due_are_one_array(tmp_path):
    first, second = Pretended(rate_2_1="it diverged"), Pretended()
    assert do(tiny_plan(tmp_path), first) == {"rate-0.2-1": "it diverged"}
    assert first.names() == NAMES and len(first.submitted) == 1
    assert do(tiny_plan(tmp_path), second) == {"rate-0.2-1": "it diverged"} and not second.submitted
    do(tiny_plan(tmp_path, seeds=3), third := Pretended())
    assert third.names() == ["rate-0.1-2", "rate-0.2-2"]


def test_a_task_that_left_nothing_is_told_in_its_own_words_and_submitted_again(tmp_path):
    plan = tiny_plan(tmp_path)
    assert do(plan, Pretended(rate_2_0="refused")) == {"rate-0.2-0": "--lr must be positive, not 0"}
    assert do(plan, again := Pretended()) == {}
    assert again.names() == ["rate-0.2-0"]


def test_what_is_in_the_queue_is_collected_and_not_submitted_twice(tmp_path, capsys):
    pretended = Pretended(interrupt_after=3)
    with pytest.raises(KeyboardInterrupt):
        do(tiny_plan(tmp_path), pretended)
    assert "scancel 7" in capsys.readouterr().err
    assert do(tiny_plan(tmp_path), pretended) == {}
    assert pretended.names() == NAMES and len(pretended.submitted) == 1


def test_an_incomplete_run_goes_on_if_it_was_saved_and_else_is_set_aside(tmp_path):
    plan = tiny_plan(tmp_path)
    for name, file in (("rate-0.1-0", "checkpoint.npz"), ("rate-0.2-0", "config.toml")):
        (plan.folder / name).mkdir(parents=True)
        (plan.folder / name / file).write_text("")
    pretended = Pretended()
    pretended.unfinished = lambda job: set()
    problems = do(plan, pretended)
    assert pretended.names() == NAMES and set(problems) == set(NAMES)
    assert (plan.folder / "rate-0.1-0/checkpoint.npz").exists()
    assert [path.name for path in (plan.folder / "set-aside").iterdir()] == ["rate-0.2-0-0"]


@pytest.mark.parametrize("text", ["", "[]", '{"rate-0.1-0": 3}', '{"rate-0.1-0": ["7", "a", 1]}'])
def test_a_broken_record_of_the_queue_counts_for_nothing(tmp_path, text):
    plan = tiny_plan(tmp_path)
    (plan.folder / "launch").mkdir(parents=True)
    (plan.folder / "launch" / queue.QUEUED).write_text(text)
    assert do(plan, pretended := Pretended()) == {}
    assert pretended.names() == NAMES
    assert json.loads((plan.folder / "launch" / queue.QUEUED).read_text())["rate-0.2-1"] == ["7", 3]


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Put a shell script in the place of one of SLURM's commands."""

    def place(name, script):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return place


def test_sbatch_gets_the_size_the_limit_and_the_users_options(tmp_path, command):
    command("sbatch", f"printf '%s\\n' \"$@\" \"$PATH\" > {tmp_path}/got; echo '12;cluster'")
    file = tmp_path / "array.txt"
    assert Slurm(["--account=A B"], 90).submit(file, tmp_path / "out", 5, 3) == "12"
    got = (tmp_path / "got").read_text().splitlines()
    assert got[:6] == ["--parsable", f"--output={tmp_path}/%A_%a.log", "--time=2", "--account=A B", "--array=0-4",
                       "--ntasks=3"]  # fmt: skip
    assert got[6:9] == [str(find_script()), str(file), str(tmp_path / "out")]
    assert got[9].startswith(f"{Path(sys.executable).parent}:")


def test_slurms_answers_are_told_apart(command):
    command("squeue", "echo 3; echo 4")
    assert Slurm([], 60).unfinished("12") == {3, 4}
    command("squeue", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
    assert Slurm([], 60).unfinished("12") == set()
    command("squeue", "echo 'Unable to contact slurm controller' >&2; exit 1")
    assert Slurm([], 60).unfinished("12") is None


def test_what_slurm_refuses_is_one_line(tmp_path, command, monkeypatch):
    command("sbatch", "echo 'sbatch: error: invalid account' >&2; exit 1")
    with pytest.raises(InputError, match="invalid account; see --sbatch-options"):
        Slurm([], 60).submit(tmp_path / "a.txt", tmp_path, 1, 1)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(slurm.sys, "executable", str(tmp_path / "nothing/python"))
    with pytest.raises(InputError, match="squeue cannot be run"):
        Slurm([], 60).unfinished("12")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--sbatch-options=--account=A"], "--launcher slurm"),
        (["--launcher", "slurm", "--sbatch-options='"], "No closing quotation"),
        (["--launcher", "ssh"], "ssh"),
    ],
)
def test_bad_arguments_are_one_line_and_exit_code_2(arguments, named, capsys):
    assert experiment.main(["staleness", "--data", "mnist10k", *arguments]) == 2
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1 and named in errors
