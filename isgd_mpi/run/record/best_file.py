"""Write best.npz, the model with the least validation loss or error so far, beside training."""

import threading

from isgd_mpi.sampling.score_table import NEVER

FILE = "best.npz"
"""Name of the best model in a run's folder."""


class BestFile:
    """Writes the best model when there is a better one. A thread writes: training goes on.

    Parameters
    ----------
    folder : pathlib.Path or None
        The run's folder; nothing is written if None.
    best : best.Best or None
        Nothing is written if None: there is no validation set.
    make_trained : callable
        Takes parameters and their step, returns the :class:`trained.TrainedModel`.
    log : log.RunLog
    """

    def __init__(self, folder, best, make_trained, log):
        self._path = folder and folder / FILE
        self._best = best
        self._make_trained = make_trained
        self._log = log
        self._writer = self._problem = None
        self._step = NEVER  # of the model in the file, or on its way there

    def write_if_new(self):
        """Begin to write the best model if it is a new one, unless one is being written."""
        if self._path is None or self._best is None:
            return
        if self._writer is not None:
            if self._writer.is_alive():
                return
            self._writer = None
            self._report_problem()
        if self._best.step != self._step:
            self._start()

    def _start(self):
        self._step = self._best.step
        model = self._make_trained(self._best.params, self._step)
        self._writer = threading.Thread(target=self._write, args=(model,))
        self._writer.start()

    def finish(self):
        """Write the best model if it is a new one or could not be written, and wait until that is done.

        Returns
        -------
        str or None
            The reason if the file could not be written.
        """
        self._join()
        if self._problem is not None:
            self._step = NEVER  # to be tried once more
        self.write_if_new()
        self._join()
        return self._problem

    def _join(self):
        if self._writer is not None:
            self._writer.join()
            self._writer = None

    def _report_problem(self):
        """Print why the last attempt failed, if it did."""
        if self._problem is not None:
            self._log.tell(self._step, f"{FILE} could not be written ({self._problem}): tried again at the end")

    def _write(self, model):
        self._problem = "see the traceback"  # of an exception other than OSError, which ends this thread
        try:
            model.save(self._path)
            self._problem = None
        except OSError as error:
            self._problem = error.strerror or str(error)
