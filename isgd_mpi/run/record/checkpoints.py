"""When a run's state is saved: at intervals, and when it stops."""

import json
import threading
from dataclasses import asdict

import numpy as np

from isgd_mpi.ranks.states import flatten
from isgd_mpi.run.record.checkpoint_file import write_checkpoint

FILE = "checkpoint.npz"
"""Name of the checkpoint in a run's folder."""


class Checkpoints:
    """Saves a state now and then, beside training: only copying it stops the trainer.

    Parameters
    ----------
    folder : pathlib.Path or None
        The run's; nothing is saved if None.
    config : config.Config
        Saved with the state, and the interval.
    log : log.RunLog
        Its clock counts, and its lines so far belong to the state.
    state : callable
        Returns the state at a step boundary; see :mod:`isgd_mpi.ranks.states`.
    step : int, optional
        Of the checkpoint that the run goes on from.

    Attributes
    ----------
    step : int or None
        Of the last checkpoint that is whole.
    """

    def __init__(self, folder, config, log, state, step=None):
        self._path = folder and folder / FILE
        self._config = config
        self._log = log
        self._state = state
        self._due = log.seconds + config.checkpoint_every
        self._writer = None
        self._problem = None
        self._writing_step = None
        self.step = step

    @property
    def due(self):
        """Whether it is time for one."""
        return self._path is not None and self._log.seconds >= self._due

    def save(self, step):
        """Copy the state, and begin to write it; wait first where the one before is still being written.

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
        self._log.event(step, "checkpoint")
        try:
            self._log.sync()
        except OSError as error:
            self._fail(error)
            return
        arrays = {name: np.array(array) for name, array in flatten(self._state(), "run/").items()}
        arrays |= flatten({"log": {"seconds": self._log.seconds, "n_lines": self._log.n_lines}})
        arrays["config"] = text_array(json.dumps(asdict(self._config)))
        self._writer = threading.Thread(target=self._write, args=(arrays,))
        self._writer.start()

    def finish(self):
        """Wait until the checkpoint that is being written, if any, is on the disk or has failed.

        Returns
        -------
        str or None
            Why the last one failed.
        """
        if self._writer is not None:
            self._writer.join()
            self._writer = None
            if self._problem is None:
                self.step = self._writing_step
            else:
                self._tell()
        return self._problem

    def _fail(self, error):
        """Do without a checkpoint of which the metrics would lack lines."""
        self._problem = error.strerror
        self._tell()

    def _tell(self):
        self._log.event(self._writing_step, f"the checkpoint could not be written ({self._problem})")
        self._log.say(
            f"the checkpoint of step {self._writing_step} could not be written ({self._problem}); {self.describe()}"
        )

    def describe(self):
        """Say what there is to go on from."""
        if self._path is None:
            return "nothing was saved"
        return f"the checkpoint of step {self.step} stays" if self.step is not None else "there is no checkpoint yet"

    def _write(self, arrays):
        self._problem = "see the traceback"  # of any other exception, which ends this thread
        try:
            write_checkpoint(self._path, arrays)
            self._problem = None
        except OSError as error:
            self._problem = error.strerror or str(error)


def text_array(text):
    """Return a text as an array of bytes, which no trailing zero is cut off of."""
    return np.frombuffer(text.encode(), np.uint8)
