from pathlib import Path

import numpy as np
import pytest

from isgd_mpi.settings.errors import InputError
from isgd_mpi.settings.keywords import config_of, in_python


def test_plain_values_and_numpys_are_taken():
    config = config_of(
        {
            "lr": 1, "steps": np.int64(7), "momentum": np.float32(0.5), "hidden": (3, np.int32(4)), "init": 0.1,
            "mixture": "auto", "run_dir": Path("runs/a"), "epochs": None, "feedback": np.False_,
        },
        own_model=False,
    )  # fmt: skip
    assert (config.lr, config.steps, config.momentum, config.hidden) == (1, 7, 0.5, [3, 4])
    assert (config.init, config.mixture, config.run_dir, config.epochs) == (0.1, "auto", "runs/a", None)
    assert config.feedback is False


def test_a_library_is_quiet_unless_it_is_told_to_speak():
    assert config_of({}, own_model=False).quiet
    assert not config_of({"quiet": False}, own_model=False).quiet


@pytest.mark.parametrize(
    "options, message",
    [
        ({"learning_rate": 1}, "unknown option 'learning_rate': did you mean lr?"),
        ({"batch_size": 1}, "unknown option 'batch_size': did you mean minibatch_size?"),
        ({"validation_data": 1}, "unknown option 'validation_data': did you mean validation?"),
        ({"Refresh-Every": 1}, "unknown option 'Refresh-Every': did you mean refresh_every?"),
        ({"qwertz": 1}, "unknown option 'qwertz': python -m isgd_mpi --help-all lists them"),
        ({"data": "mnist"}, "data is about data files"),
        ({"data_dir": "/"}, "data_dir is about data files"),
        ({"target": "y"}, "target is about data files"),
        ({"valid": 0.1}, "valid is about data files"),
        ({"lr": "fast"}, "lr must be 'auto' or float, not 'fast'"),
        ({"lr": None}, "lr must be 'auto' or float, not None"),
        ({"lr": True}, "lr must be 'auto' or float, not True"),
        ({"steps": 1.5}, "steps must be int or None, not 1.5"),
        ({"hidden": 5}, "hidden must be a list of int, not 5"),
        ({"hidden": ["a"]}, "hidden must be a list of int"),
        ({"hidden": [[1], [1, 2]]}, "hidden must be a list of int"),
        ({"schedule": "now"}, "schedule must be 'exact' or 'pipelined' or 'relaxed', not 'now'"),
        ({"mixture": "some"}, "mixture must be 'auto' or float, not 'some'"),
        ({"quiet": 1}, "quiet must be bool, not 1"),
        ({"seed": np.arange(2)}, r"seed must be int, not \[0, 1\]"),
    ],
)
def test_bad_options_are_told_of_in_one_line(options, message):
    with pytest.raises(InputError, match=message) as caught:
        config_of(options, own_model=False)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("options", [{"hidden": [5]}, {"init": "he"}, {"score": "grad-norm"}])
def test_options_of_the_mlp_are_refused_beside_an_own_model(options):
    config_of(options, own_model=False)
    (name,) = options
    with pytest.raises(InputError, match=f"{name}=.* for isgd_mpi's own MLP"):
        config_of(options, own_model=True)
    assert config_of({"score": "uniform"}, own_model=True).score == "uniform"


def test_messages_name_keywords():
    assert in_python("give one of --steps, --epochs; --refresh-every 3") == "give one of steps, epochs; refresh_every 3"
    assert in_python("mpirun --oversubscribe") == "mpirun --oversubscribe"
