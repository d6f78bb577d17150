"""The lines at the start of a run and at its end, as far as they need no ranks."""

import shlex
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from isgd_mpi.data.arrays import from_arrays
from isgd_mpi.run.record.next_steps import next_steps
from isgd_mpi.run.record.opening import describe_job, notes
from isgd_mpi.run.record.words import COLUMNS, aligned, count, with_error
from isgd_mpi.sampling.gain import MeanGain
from isgd_mpi.settings.config import Config
from isgd_mpi.settings.options import parse, to_toml

RUN = Path("runs/a run")
ROWS = np.arange(60.0).reshape(30, 2)


def setup_of(size=4, crowded=False, why="ranks outnumber cores", targets=None, **options):
    """Return a setup, as far as the lines see it, of some ranks, of which one trains unless options say otherwise."""
    config = Config(**{"trainers": 1, "steps": 300, "lr": 0.1, "data": "table.csv"} | options)
    targets = np.arange(30) % 3 if targets is None else targets
    models = SimpleNamespace(
        text="MLP 2-512-512-3", n_params=266_243, arithmetic="float32", train_arithmetic="float32", notices=["told"],
        descends=False,
    )  # fmt: skip
    return SimpleNamespace(
        config=config, size=size, why_trainers=why, n_scorers=config.n_scorers(size), models=models,
        predictor_rank=config.predictor_rank(size), trainers_share=config.trainers > 1, has_validation=False,
        n_models=1, feeds=config.feeder == "on",
        node=SimpleNamespace(threads=1, crowded=crowded), dataset=from_arrays(ROWS, targets),
        grid=SimpleNamespace(batch_size=8, n_batches=lambda n: 8),
    )  # fmt: skip


def test_a_run_begins_with_aligned_lines():
    lines = describe_job(setup_of(crowded=True), RUN, resumed_at=64).splitlines()
    assert lines == [
        "data       arrays: 30 training examples; 2 features; 3 classes",
        "features   each less its mean, over its standard deviation",
        "model      MLP 2-512-512-3, 266,243 parameters",
        "training   sgd, learning rate 0.1, minibatches of 128, 300 steps (1.28e+03 epochs); in float32",
        "sampling   by each example's gradient norm, computed in float32; relaxed schedule",
        "ranks      4 with 1 thread each: 1 trainer (ranks outnumber cores), 3 scorers (giving way to",
        "           training)",
        "folder     runs/a run, resumed at step 64",
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": 1}, "ranks      1 with 1 thread each: 1 trainer, no scorers: scores come from the minibatches alone"),
        ({"size": 1, "schedule": "exact"}, "no scorers: training stops at each refresh"),
        ({"trainers": 3, "why": None}, "3 trainers that share the net, 1 scorer"),
        ({"trainers": 3, "feeder": "on"}, "3 trainers that share the net, the first of which feeds the others (ranks"),
        ({"score": "uniform", "trainers": 4, "why": None}, "sampling   uniform: no importance sampling"),
        ({"score": "predicted-loss"}, "2 scorers, rank 3 predicts losses (lstm)"),
        ({"steps": None, "seconds": 60.0}, "minibatches of 128, 60 s; in float32"),
        ({"lr_schedule": "cosine"}, "learning rate 0.1 (cosine)"),
        ({"lr": "auto"}, "learning rate 0.1, raised with the gain, minibatches"),
    ],
)
def test_roles_and_lengths_are_said_with_their_reason(options, words):
    assert words in " ".join(describe_job(setup_of(**options), None).replace("\n" + 11 * " ", " ").split("\n"))


def test_without_a_folder_no_line_names_one():
    assert "folder" not in describe_job(setup_of(), None)


def test_notes_stand_apart():
    far = np.r_[np.zeros(29), 1e6] + np.random.default_rng(1).normal(size=30)
    arithmetic, *others = notes(setup_of(why=None, refresh_every=10**6, optimizer="adamw"))
    assert arithmetic == "told" and len(others) == 2 and "is adam" in others[0]
    far = np.repeat(far, 40)
    setup = setup_of()
    setup.dataset = from_arrays(np.arange(2400.0).reshape(1200, 2), np.r_[far[:1199], 1e9])
    assert "standard deviations from the mean" in notes(setup)[1]


GAINS = {gain: MeanGain(gain, 0.01, 3.0) for gain in (1.05, 2.5)}


@pytest.mark.parametrize(
    ("setup", "gain", "words"),
    [
        (setup_of(), GAINS[2.5], "plain SGD, to compare with:   mpirun -n 4 python -m isgd_mpi --config 'runs/a run/c"),
        (setup_of(), GAINS[1.05], "try plain SGD on the same ranks:"),
        (
            setup_of(target="a b"),
            GAINS[1.05],
            "pays --quick --ranks 4 --data table.csv --target 'a b'",
        ),
        (setup_of(), None, "--score uniform --trainers 4"),
        (setup_of(size=1), None, "  python -m isgd_mpi --config 'runs/a run/config.toml' --score uniform"),
        (setup_of(score="uniform"), None, "config.toml' --score grad-norm --trainers auto"),
    ],
)
def test_the_commands_to_type_next_follow_from_the_end(setup, gain, words):
    text = next_steps(setup, RUN, gain, {})
    assert words in text and "python -m isgd_mpi.report 'runs/a run'" in text and "isgd_mpi.predict" in text
    assert text.startswith("next       ") and all(line.startswith(11 * " ") for line in text.splitlines()[1:])
    assert "srun -n" in next_steps(setup, RUN, gain, {"SLURM_JOB_ID": "7"}) or setup.size == 1


@pytest.mark.parametrize(
    "options",
    [{"lr": "auto"}, {"compat": "alain2015"}, {"sampling": "rank"}, {"sampling": "rho", "reference_model": "m.npz"}],
)
def test_plain_sgd_goes_by_the_options_of_the_run_as_far_as_they_are_not_of_its_method(options, tmp_path):
    setup = setup_of(**options)
    (tmp_path / "config.toml").write_text(to_toml(setup.config))
    command = next(line for line in next_steps(setup, tmp_path, None, {}).splitlines() if "uniform" in line)
    config = parse(shlex.split(command.partition("isgd_mpi ")[2]))
    assert (config.score, config.sampling, config.bias_exponent, config.lr_scaling) == (
        "uniform", "proportional", 1.0, "none",
    )  # fmt: skip


def test_arrays_in_memory_and_runs_without_a_folder_have_no_command_that_repeats_them():
    assert "--config" not in next_steps(setup_of(data="arrays"), RUN, None, {})
    assert next_steps(setup_of(), None, None, {}) == ""


def test_lines_are_at_most_so_wide_and_their_parts_stand_below_each_other():
    first, *others = aligned("note", "some words " * 30).splitlines()
    assert first.startswith("note       some") and all(line.startswith("           ") for line in others)
    assert others and max(map(len, [first, *others])) <= COLUMNS


def test_numbers_have_the_digits_that_their_error_leaves():
    assert [count(1, "rank"), count(0, "rank"), count(1200, "rank")] == ["1 rank", "0 ranks", "1,200 ranks"]
    assert [with_error(2.4567, 0.001), with_error(2.4567, 0.3), with_error(24.567, 30)] == [
        "2.46 ± 0.01", "2.46 ± 0.30", "25 ± 30",
    ]  # fmt: skip
