"""The experiment command: planning, and what it does about runs that are there, half there, or fail."""

import errno
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from experiments import NAMES, TINY, tiny_plan, write_run

from isgd_mpi.experiment import __main__ as command
from isgd_mpi.experiment import launcher as launcher_module
from isgd_mpi.experiment.conduct import conduct
from isgd_mpi.experiment.description import Group
from isgd_mpi.experiment.launcher import Mpirun, command_line
from isgd_mpi.experiment.plan import choose_data, make_plan, slug
from isgd_mpi.experiment.status import ABSENT, COMPLETE, DIVERGED, INCOMPLETE, state_of
from isgd_mpi.experiment.table import table
from isgd_mpi.settings import commands
from isgd_mpi.settings.config import Config
from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.options import parse


class Fake:
    """A launcher that only pretends; `outcomes` says for which runs something goes wrong."""

    def __init__(self, **outcomes):
        self.outcomes = {name.replace("rate_", "rate-0.").replace("_", "-"): how for name, how in outcomes.items()}
        self.launched = []

    def run(self, config_file, folder, ranks):
        self.launched.append(folder.name)
        how = self.outcomes.get(folder.name, "complete")
        if how == "slow":
            raise TimeoutError("it took more than 600 s")
        if how == "refused":
            config_file.with_suffix(".log").write_text("isgd_mpi: --lr must be positive, not 0\n")
            return 2
        if how == "crash":
            folder.mkdir()
            (folder / "config.toml").write_text("")
            return 9
        stopped = {"complete": None, "interrupt": "SIGINT", "diverged": "the loss is not finite at step 3"}[how]
        write_run(folder, config_file, stopped, ranks)
        if how == "interrupt":
            raise KeyboardInterrupt
        return 0 if how == "complete" else 1


def test_each_groups_first_seed_comes_first(tmp_path):
    plan = tiny_plan(tmp_path)
    assert [run.name for run in plan.runs] == NAMES
    assert [(run.config.seed, run.config.lr) for run in plan.runs] == [(0, 0.1), (0, 0.2), (1, 0.1), (1, 0.2)]
    assert all(run.ranks == 2 and run.config.steps == 40 for run in plan.runs)


def test_seeds_ranks_and_data_can_be_chosen(tmp_path):
    plan = tiny_plan(tmp_path, seeds=3, ranks=1, data="synthetic")
    assert len(plan.runs) == 6 and {run.ranks for run in plan.runs} == {1}
    assert {run.config.data for run in plan.runs} == {"synthetic"}


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [(1, [(1, 16)]), (2, [(2, 32), (1, 16)]), (3, [(3, 48), (1, 16), (2, 32)]), (4, [(4, 64), (1, 16), (2, 32)])],
)
def test_shares_become_trainers_and_equal_splits_one_group(ranks, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(Config, "check_ranks", lambda *_: None)
    groups = tuple(Group("{trainers} of them, {scorers} not", {}, None, share, True) for share in (1.0, 0.0, 0.5))
    scale = replace(TINY.scales["small"], groups=groups)
    plan = make_plan("tiny", replace(TINY, scales={"small": scale}), "small", tmp_path, ranks=ranks)
    configs = [group.runs[0].config for group in plan.groups]
    assert [(config.trainers, config.minibatch_size) for config in configs] == expected
    assert [group.x for group in plan.groups] == [trainers for trainers, _ in expected]
    assert plan.groups[0].label == f"{ranks} of them, 0 not"


def test_more_ranks_than_cores_are_noted(tmp_path):
    cores = len(os.sched_getaffinity(0))
    assert not tiny_plan(tmp_path, ranks=cores).notes
    assert f"{cores + 1} ranks shared {cores} cores" in tiny_plan(tmp_path, ranks=cores + 1).notes[0]


def test_the_first_data_set_that_is_there_is_used_and_said(tmp_path):
    name, notes = choose_data(("mnist", "mnist10k"), str(tmp_path))
    assert name == "mnist10k" and "mnist10k instead of mnist" in notes[0]
    assert choose_data(("mnist10k", "mnist")) == ("mnist10k", [])
    with pytest.raises(InputError, match="fetch svhn"):
        choose_data(("svhn",), str(tmp_path))


def test_slugs_keep_signs_and_points():
    assert slug("loss, k = -0.5") == "loss-k--0.5" != slug("loss, k = 0.5")


def test_the_command_line_repeats_the_run(tmp_path):
    run = tiny_plan(tmp_path, data_dir="a folder").runs[3]
    words = shlex.split(command_line(run, tmp_path / "run"))
    assert words[:6] == ["mpirun", "-n", "2", "python", "-m", "isgd_mpi"]
    whole = {"run_dir": str(tmp_path / "run"), "data_dir": os.path.abspath("a folder")}
    assert parse(words[6:]) == replace(run.config, quiet=False, **whole)


def test_what_is_complete_is_not_run_again(tmp_path):
    first, second, third = Fake(), Fake(), Fake()
    assert conduct(tiny_plan(tmp_path), first, "x") == {}
    assert first.launched == NAMES
    assert conduct(tiny_plan(tmp_path), second, "x") == {}
    assert second.launched == []
    conduct(tiny_plan(tmp_path, seeds=3), third, "x")
    assert third.launched == ["rate-0.1-2", "rate-0.2-2"]


def test_the_record_says_what_belongs_together(tmp_path):
    plan = tiny_plan(tmp_path)
    conduct(plan, Fake(), "the command")
    record = json.loads((plan.folder / "experiment.json").read_text())
    assert record == {
        "name": "tiny", "title": "Tiny", "question": "Does it work?", "notes": [], "command": "the command",
        "groups": [
            {"label": "rate 0.1", "options": {"lr": 0.1}, "x": 0.1, "runs": ["rate-0.1-0", "rate-0.1-1"]},
            {"label": "rate 0.2", "options": {"lr": 0.2}, "x": 0.2, "runs": ["rate-0.2-0", "rate-0.2-1"]},
        ],
        "x_label": "learning rate", "figures": ["loss", "versus"],
    }  # fmt: skip


def test_an_interrupted_run_is_kept_aside_and_the_next_call_goes_on(tmp_path):
    plan = tiny_plan(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        conduct(plan, Fake(rate_2_0="interrupt"), "x")
    assert len(json.loads((plan.folder / "experiment.json").read_text())["groups"][0]["runs"]) == 1
    with pytest.raises(KeyboardInterrupt):
        conduct(plan, Fake(rate_2_0="interrupt"), "x")
    again = Fake()
    conduct(plan, again, "x")
    assert again.launched == NAMES[1:]
    for n in range(2):  # nothing is lost
        summary = json.loads((plan.folder / f"set-aside/rate-0.2-0-{n}/summary.json").read_text())
        assert summary["stopped"] == "SIGINT"


def test_a_diverged_run_is_a_result(tmp_path):
    plan, again = tiny_plan(tmp_path), Fake()
    reason = {"rate-0.2-0": "the loss is not finite at step 3"}
    first = Fake(rate_2_0="diverged")
    assert conduct(plan, first, "x") == reason
    assert first.launched == NAMES  # the others went on
    assert conduct(plan, again, "x") == reason
    assert again.launched == []
    record = json.loads((plan.folder / "experiment.json").read_text())
    assert record["notes"] == ["rate-0.2-0 failed: the loss is not finite at step 3"]
    assert record["groups"][1]["runs"] == ["rate-0.2-0", "rate-0.2-1"]
    assert "1 of 2" in table(plan).splitlines()[2]


@pytest.mark.parametrize(("how", "said"), [("crash", "exit code 9"), ("slow", "more than 600 s; see --timeout")])
def test_a_failed_run_is_told_and_tried_again(how, said, tmp_path):
    plan, again = tiny_plan(tmp_path), Fake()
    (problem,) = conduct(plan, Fake(rate_1_0=how), "x").values()
    assert said in problem
    assert conduct(plan, again, "x") == {}
    assert again.launched == ["rate-0.1-0"]


def test_refused_options_end_it(tmp_path):
    launcher = Fake(rate_1_0="refused")
    with pytest.raises(InputError, match="rate-0.1-0: --lr must be positive"):
        conduct(tiny_plan(tmp_path), launcher, "x")
    assert len(launcher.launched) == 1


def test_the_result_of_other_settings_is_never_touched(tmp_path):
    conduct(tiny_plan(tmp_path), Fake(), "x")
    launcher = Fake()
    with pytest.raises(InputError, match="rate-0.1-0 holds another run .2 ranks there, 1 here"):
        conduct(tiny_plan(tmp_path, ranks=1), launcher, "x")
    with pytest.raises(InputError, match="--data is mnist10k there, synthetic here"):
        conduct(tiny_plan(tmp_path, data="synthetic"), launcher, "x")
    conduct(tiny_plan(tmp_path, data_dir=str(tmp_path)), launcher, "x")  # where the files lie is no matter
    assert launcher.launched == []


def test_the_folder_of_another_experiment_is_refused(tmp_path):
    conduct(tiny_plan(tmp_path), Fake(), "x")
    with pytest.raises(InputError, match="holds the experiment tiny"):
        conduct(replace(tiny_plan(tmp_path), name="other"), Fake(), "x")


def test_two_at_a_time_are_refused(tmp_path):
    class Nested(Fake):
        def run(self, *args):
            with pytest.raises(InputError, match="another experiment command is at work"):
                conduct(tiny_plan(tmp_path), Fake(), "x")
            return super().run(*args)

    assert conduct(tiny_plan(tmp_path), Nested(), "x") == {}


@pytest.mark.parametrize(
    ("stopped", "state"), [(None, COMPLETE), ("SIGTERM", INCOMPLETE), ("the loss is not finite", DIVERGED)]
)
def test_state_is_told_by_the_summary(stopped, state, tmp_path):
    plan = tiny_plan(tmp_path)
    conduct(plan, Fake(), "x")
    run = plan.runs[0]
    summary = plan.folder_of(run) / "summary.json"
    summary.write_text(json.dumps(json.loads(summary.read_text()) | {"stopped": stopped}))
    assert state_of(plan.folder_of(run), run) == state


@pytest.mark.parametrize("text", ["", "{", "[]", "{}"])
def test_a_run_with_a_broken_summary_is_incomplete(text, tmp_path):
    run = tiny_plan(tmp_path).runs[0]
    assert state_of(tmp_path / "none", run) == ABSENT
    (tmp_path / "summary.json").write_text(text)
    assert state_of(tmp_path, run) == INCOMPLETE


@pytest.fixture
def fake_mpirun(tmp_path, monkeypatch):
    """Put a shell script in mpirun's place, and say which files it gets."""

    def place(script):
        path = tmp_path / "mpirun"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setattr(launcher_module.shutil, "which", lambda *_, **__: str(path))
        return tmp_path / "a.toml", tmp_path / "run", 3

    return place


def test_a_job_is_started_with_its_files(fake_mpirun):
    config, folder, ranks = job = fake_mpirun("printf '%s ' \"$@\"; exit 7")
    assert Mpirun(10).run(*job) == 7
    expected = f"-n {ranks} {sys.executable} -m isgd_mpi --config {config} --run-dir {folder} --quiet "
    assert config.with_suffix(".log").read_text() == expected


ENDS_ON_SIGTERM = 'trap "echo ended; exit 1" TERM; echo started; while :; do sleep 0.05; done'


def test_a_job_that_takes_too_long_is_ended(fake_mpirun):
    job = fake_mpirun(ENDS_ON_SIGTERM)
    with pytest.raises(TimeoutError, match="more than 2 s"):
        Mpirun(2).run(*job)
    assert job[0].with_suffix(".log").read_text() == "started\nended\n"


def test_a_job_that_does_not_end_is_killed(fake_mpirun, monkeypatch):
    monkeypatch.setattr(launcher_module, "_GRACE_SECONDS", 0.2)
    job = fake_mpirun('trap "" TERM; while :; do sleep 0.05; done')
    with pytest.raises(TimeoutError):
        Mpirun(0.5).run(*job)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_job(number, fake_mpirun):
    job, before = fake_mpirun(ENDS_ON_SIGTERM), [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGHUP)]
    command.interrupt_on_signals()
    timer = threading.Timer(2, os.kill, (os.getpid(), number))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            Mpirun(30).run(*job)
    finally:
        timer.join()
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGHUP, before[1])
    assert job[0].with_suffix(".log").read_text() == "started\nended\n"


def test_without_mpirun_one_line_says_so(monkeypatch):
    monkeypatch.setattr(launcher_module.shutil, "which", lambda *_, **__: None)
    with pytest.raises(InputError, match="no mpirun"):
        Mpirun(1)


def test_the_users_variables_win(monkeypatch):
    monkeypatch.setenv("PRTE_MCA_rmaps_default_mapping_policy", "slot")
    environment = launcher_module.environment()
    assert environment["PRTE_MCA_rmaps_default_mapping_policy"] == "slot"
    assert environment["PRTE_MCA_hwloc_default_binding_policy"] == "none"


@pytest.fixture
def reports(monkeypatch):
    """Put the tiny experiment into the catalogue, and a list in the report's place."""
    made = []
    monkeypatch.setattr(command, "write_report", lambda paths, out: made.append((paths, out)) or out / "index.html")
    monkeypatch.setitem(command.EXPERIMENTS, "tiny", TINY)
    return made


@pytest.mark.parametrize("arguments", [[], ["--list"], ["staleness", "--list"]])
def test_experiments_are_listed_with_their_time(arguments, capsys):
    assert command.main(arguments) == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out and about.scales["small"].time in out for name, about in command.EXPERIMENTS.items())


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["magic"], "magic"),
        (["tiny", "--seeds", "0"], "seeds"),
        (["tiny", "--scale", "huge"], "huge"),
        (["tiny", "--fast"], "--fast"),
        (["tiny", "--data", "letters"], "'letters'"),
        (["tiny", "--out", "/proc/no"], "/proc/no"),
    ],
)
def test_bad_arguments_are_one_line_and_exit_code_2(arguments, named, reports, capsys):
    assert command.main(arguments) == 2
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1 and named in errors


def test_dry_run_prints_commands_and_writes_nothing(reports, tmp_path, capsys):
    assert command.main(["tiny", "--dry-run", "--out", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [Path(parse(shlex.split(line)[6:]).run_dir).name for line in lines] == NAMES
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("how", "code"), [("complete", 0), ("diverged", 1), ("interrupt", 130)])
def test_exit_code_tells_how_it_went(how, code, reports, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(command, "Mpirun", lambda timeout: Fake(rate_1_0=how))
    out = tmp_path / "out"
    assert command.main(["tiny", "--out", str(out), "--seeds", "1"]) == code
    assert reports == ([([out], out / "report")] if code != 130 else [])
    captured = capsys.readouterr()
    assert ("rate-0.1-0 failed: the loss is not finite at step 3" in captured.err) == (how == "diverged")
    assert ("rate 0.2" in captured.out) == (code != 130)


def test_real_runs_end_with_a_table_and_a_report(reports, tmp_path, capsys):
    out = tmp_path / "out"
    assert command.main(["tiny", "--out", str(out), "--seeds", "1", "--timeout", "60"]) == 0
    assert reports == [([out], out / "report")]
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3].startswith("rate 0.1") and "1 of 1" in lines[-3] and "–" not in lines[-3].split("  ")[0]
    record = json.loads((out / "experiment.json").read_text())
    for group in record["groups"]:
        summary = json.loads((out / group["runs"][0] / "summary.json").read_text())
        assert summary["steps"] == 40 and summary["ranks"] == 2
    assert command.main(["tiny", "--out", str(out), "--seeds", "1"]) == 0
    assert "2 runs are there already" in capsys.readouterr().err


def test_whoever_reads_only_the_first_line_gets_no_traceback():
    words = f"{shlex.quote(sys.executable)} -m isgd_mpi.experiment alain2015 --dry-run --seeds 1000 | head -1"
    done = subprocess.run(["bash", "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("mpirun -n ") and done.stderr == ""


def test_a_full_disk_is_one_line(capsys):
    def write():
        raise OSError(errno.ENOSPC, "No space left on device", "out/runs.json")

    assert commands.exit_code(write, "") == 1
    assert capsys.readouterr().err == "isgd_mpi: out/runs.json: No space left on device\n"
