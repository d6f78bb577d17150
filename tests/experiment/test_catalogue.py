"""The catalogue of experiments: that each description can be run as it stands."""

from dataclasses import fields

import pytest

from isgd_mpi.data.sources import NAMES
from isgd_mpi.experiment.catalogue import EXPERIMENTS
from isgd_mpi.experiment.description import SCALES
from isgd_mpi.experiment.plan import slug
from isgd_mpi.settings.config import LIMITS, Config
from isgd_mpi.settings.options import parse, to_toml

FIGURES = {"loss", "traces", "versus", "final", "per_second", "timeline"}
ANNOTATIONS = {item.name: item.type for item in fields(Config)}

EACH = [pytest.param(EXPERIMENTS[name], scale, id=f"{name}-{scale}") for name in EXPERIMENTS for scale in SCALES]
for_each = pytest.mark.parametrize(("experiment", "scale"), EACH)


def settings(scale, group):
    """A group's options."""
    return {"data": scale.data[0], **scale.options, **group.options}


@for_each
def test_every_group_has_valid_options(experiment, scale, tmp_path):
    description, file = experiment.scales[scale], tmp_path / "config.toml"
    for group in description.groups:
        config = Config(**settings(description, group))
        file.write_text(to_toml(config))
        assert parse([f"--config={file}"]) == config


@for_each
def test_every_run_ends_and_is_measured_some_twenty_times(experiment, scale):
    description = experiment.scales[scale]
    options = description.options
    (limit,) = [name for name in LIMITS if name in options]
    assert "eval_every" in options
    if limit == "steps":
        assert 20 <= options["steps"] // options["eval_every"] <= 25
    assert description.timeout_seconds >= 2 * options.get("seconds", 0)


@for_each
def test_groups_can_be_told_apart(experiment, scale):
    groups = experiment.scales[scale].groups
    labels = [group.label.format(trainers=group.trainers, scorers=1 - group.trainers) for group in groups]
    assert len(set(map(slug, labels))) == len(labels)
    assert all(slug(label) not in ("launch", "report", "set-aside") for label in labels)


@for_each
def test_the_report_is_told_what_it_knows(experiment, scale):
    groups = experiment.scales[scale].groups
    on_axis = any(group.x is not None or group.minibatch_per_trainer for group in groups)
    assert set(experiment.figures) <= FIGURES
    assert (experiment.x_label is not None) == on_axis == ("versus" in experiment.figures)
    assert set(experiment.scales[scale].data) <= set(NAMES) and experiment.question.endswith("?")


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_small_scale_runs_on_what_there_is_with_five_seeds(experiment):
    assert experiment.scales["small"].data[-1] == "mnist10k"
    assert experiment.scales["small"].seeds == 5


def test_settings_of_alain2015_are_those_of_the_paper():
    scale = EXPERIMENTS["alain2015"].scales["paper"]
    assert scale.data == ("svhn",) and scale.ranks == 4
    common = {"hidden": [2048] * 4, "init": 0.01, "momentum": 0.95, "minibatch_size": 128, "refresh_every": 32}
    assert scale.options.items() >= (common | {"mixture": 0.0}).items()
    constants = {group.options["lr"]: group.options["smoothing"] for group in scale.groups if "ISSGD" in group.label}
    assert constants == {0.01: 10.0, 0.001: 1.0}
