import threading

import numpy as np
import pytest

from isgd_mpi.run.record.best_file import BestFile
from isgd_mpi.run.record.log import RunLog
from isgd_mpi.training.best import Best


class Trained:
    """A trained model that writes its step, or fails, once it may."""

    def __init__(self, step, may_write, error):
        self.step, self.may_write, self.error = step, may_write, error

    def save(self, path):
        assert self.may_write.wait(10)
        if self.error:
            raise self.error
        path.write_text(str(self.step))


@pytest.fixture
def planted(tmp_path):
    """A file, its best parameters, its log, the event that lets it be written, and a list of errors to come."""
    best, log, may_write, errors = Best(3, "loss"), RunLog(None, quiet=True), threading.Event(), []
    make = lambda params, step: Trained(step, may_write, errors.pop() if errors else None)  # noqa: E731
    return BestFile(tmp_path, best, make, log), best, log, may_write, errors


def better(best, step):
    best.update(step, {"loss": 1 / step}, np.zeros(3, np.float32))


def test_what_is_better_is_written_beside_training_and_the_best_at_the_end(planted, tmp_path):
    file, best, _, may_write, _ = planted
    file.write_if_new()
    assert file.finish() is None and not (tmp_path / "best.npz").exists()  # none was found
    for step in (1, 2, 3):
        better(best, step)
        file.write_if_new()  # returns while the first is being written
    assert not (tmp_path / "best.npz").exists()
    may_write.set()
    assert file.finish() is None and (tmp_path / "best.npz").read_text() == "3"
    (tmp_path / "best.npz").unlink()
    assert file.finish() is None and not (tmp_path / "best.npz").exists()  # nothing new


def test_a_full_disk_is_told_of_in_one_line_and_tried_again(planted, tmp_path):
    file, best, log, may_write, errors = planted
    may_write.set()
    errors += [OSError(28, "No space left on device")] * 2
    better(best, 1)
    file.write_if_new()
    while not log.lines():
        file.write_if_new()
    (line,) = log.lines()
    assert line["message"] == "best.npz could not be written (No space left on device): tried again at the end"
    assert file.finish() == "No space left on device"
    assert file.finish() is None and (tmp_path / "best.npz").read_text() == "1" and len(log.lines()) == 1


@pytest.mark.parametrize("has_folder, has_best", [(False, True), (True, False)])
def test_without_a_folder_or_a_validation_set_nothing_is_written(tmp_path, has_folder, has_best):
    best = Best(3, "loss")
    better(best, 1)
    file = BestFile(tmp_path if has_folder else None, best if has_best else None, None, None)
    file.write_if_new()
    assert file.finish() is None and not list(tmp_path.iterdir())
