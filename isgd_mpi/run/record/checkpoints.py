"""Save the state of a run in a checkpoint, at intervals and when the run stops."""

import json
import threading
from dataclasses import asdict

import numpy as np

from isgd_mpi.ranks.states import flatten
from isgd_mpi.run.record.checkpoint_file import write_checkpoint

FILE = "checkpoint.npz"
"""Name of the checkpoint in a run's folder."""


class Checkpoints:
    """Saves a state at intervals. A thread writes it: only copying it stops the trainer.

    Parameters
    ----------
    folder : pathlib.Path or None
        The run's folder; nothing is saved if None.
    config : config.Config
        Gives the interval, and is saved with the state.
    log : log.RunLog
        Its clock counts, and its lines so far belong to the state.
    state : callable
        Returns the state at a step boundary; see :mod:`isgd_mpi.ranks.states`.
    step : int, optional
        Step of the checkpoint that the run is resumed from.

    Attributes
    ----------
    step : int or None
        Step of the last checkpoint that is whole.
    """

    def __init__(self, folder, config, log, state, step=None):
        self._path = folder and folder / FILE
        self._config = config
        self._log = log
        self._state = state
        self._due = log.seconds + config.checkpoint_every
        self._writer = self._writing_step = self._problem = None
        self.step = step

    @property
    def due(self):
        """Return whether it is time for a checkpoint."""
        return self._path is not None and self._log.seconds >= self._due

    def save(self, step):
        """Copy the state, and begin to write it once the checkpoint before is written.

        Parameters
        ----------
        step : int
            Steps taken.
        """
        if self._path is None:
            return
        self.finish()
        self._due = self._log.seconds + self._config.checkpoint_every
        self._writing_step = step
        arrays = {name: np.array(array) for name, array in flatten(self._state(), "run/").items()}
        self._log.event(step, "checkpoint")
        try:
            self._log.metrics.sync()
        except OSError as error:  # the metrics would lack lines that belong to the state
            self._problem = error.strerror
            self._report_problem()
            return
        arrays |= flatten({"log": {"seconds": self._log.seconds, "n_lines": self._log.metrics.n_lines}})
        arrays["config"] = text_array(json.dumps(asdict(self._config)))
        self._writer = threading.Thread(target=self._write, args=(arrays,))
        self._writer.start()

    def finish(self):
        """Wait until the checkpoint that is being written, if any, is on the disk or has failed.

        Returns
        -------
        str or None
            The reason if the last checkpoint failed.
        """
        if self._writer is not None:
            self._writer.join()
            self._writer = None
            if self._problem is None:
                self.step = self._writing_step
            else:
                self._report_problem()
        return self._problem

    def _report_problem(self):
        reason = f"could not be written ({self._problem})"
        self._log.event(self._writing_step, f"the checkpoint {reason}")
        self._log.print(f"the checkpoint of step {self._writing_step} {reason}; {self.describe()}")

    def describe(self):
        """Return in words which checkpoint the run can be resumed from."""
        if self._path is None:
            return "nothing was saved"
        return f"the checkpoint of step {self.step} stays" if self.step is not None else "there is no checkpoint yet"

    def _write(self, arrays):
        self._problem = "see the traceback"  # of an exception other than OSError, which ends this thread
        try:
            write_checkpoint(self._path, arrays)
            self._problem = None
        except OSError as error:
            self._problem = error.strerror or str(error)


def text_array(text):
    """Return a text as an array of bytes; NumPy would cut trailing zeros off a string."""
    return np.frombuffer(text.encode(), np.uint8)
