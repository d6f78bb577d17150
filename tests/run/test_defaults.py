from types import SimpleNamespace

import pytest

from isgd_mpi.run.defaults import limited
from isgd_mpi.settings.config import Config


def dataset_of(n_train=1000, table=True):
    return SimpleNamespace(n_train=n_train, encoding=table or None)


@pytest.mark.parametrize(
    ("options", "dataset", "steps", "epochs"),
    [
        ({}, dataset_of(), 3000, None),
        ({}, dataset_of(n_train=10**6), None, 5.0),
        ({}, dataset_of(table=False), None, 5.0),
        ({"steps": 10}, dataset_of(), 10, None),
        ({"epochs": 2.0}, dataset_of(), None, 2.0),
        ({"seconds": 9.0}, dataset_of(), None, None),
    ],
)
def test_a_small_table_gets_more_steps_than_five_epochs_unless_a_limit_is_given(options, dataset, steps, epochs):
    config = limited(Config(**options), dataset)
    assert (config.steps, config.epochs) == (steps, epochs)
    assert limited(config, dataset) == config
