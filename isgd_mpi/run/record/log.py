"""The log of a run: its folder, the metrics file, and the lines and the progress bar on the terminal."""

import json
import os
import re
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from isgd_mpi.data.files import finite_or_none
from isgd_mpi.ranks.timeline import Timeline
from isgd_mpi.run.record.metrics_file import MetricsFile, MetricsInMemory
from isgd_mpi.settings.errors import InputError

_LINE_EVERY_SECONDS = 10.0  # between progress lines where there is no terminal
_LAUNCHERS = re.compile("mpi|prte|prun|hydra|srun|slurm|orted")


def create_run_dir(path, default_stem):
    """Create the folder of a new run.

    Parameters
    ----------
    path : str or None
        The folder; must not exist, or be empty. If not given, ``runs/<default_stem>-<n>`` with
        the smallest n that is free.
    default_stem : str

    Returns
    -------
    pathlib.Path

    Raises
    ------
    InputError
        If the folder holds something, or cannot be made.
    """
    try:
        if path is None:
            return _first_free(Path("runs"), default_stem)
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise InputError(f"--run-dir {path} holds a run or other files, which are never overwritten: name another")
        with open(folder / "metrics.jsonl", "x"):
            return folder
    except OSError as error:
        place = path or "runs (in the working directory)"
        raise InputError(
            f"the run directory {place} cannot be written ({error.strerror}): name another with --run-dir"
        ) from None


def _first_free(parent, stem):
    """Make the first of stem-0, stem-1, ... that is free; two runs may try at once."""
    parent.mkdir(exist_ok=True)
    n = 0
    while True:
        folder = parent / f"{stem}-{n}"
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            n += 1


class RunLog:
    """The metrics file and the progress of one run.

    Parameters
    ----------
    folder : pathlib.Path or None
        The run's; without one the metrics stay in memory.
    n_steps : int or None
        Where the progress bar ends.
    quiet : bool
        Whether to print nothing.
    timeline : timeline.Timeline, optional
        Of this rank.
    """

    def __init__(self, folder, n_steps=None, quiet=False, timeline=None):
        self._file = MetricsFile(folder / "metrics.jsonl") if folder else MetricsInMemory()
        self.timeline = Timeline() if timeline is None else timeline
        self._quiet = quiet
        self._n_steps = n_steps
        self._begin = time.perf_counter()
        self._last_line = self._begin
        columns = None if quiet else terminal_columns()
        self._bar = _progress_bar(n_steps, columns) if columns else None

    @property
    def seconds(self):
        """Seconds since training began."""
        return time.perf_counter() - self._begin

    @property
    def n_lines(self):
        """Lines of the metrics so far."""
        return self._file.n_lines

    def start_clock(self, seconds=0.0):
        """Let training begin now, or so many seconds ago."""
        self._begin = time.perf_counter() - seconds

    def lock(self):
        """Keep other jobs out of the run's folder until the log is closed.

        Raises
        ------
        InputError
            Another job is at work there.
        """
        self._file.lock()

    def cut(self, n_lines, step):
        """Go on behind the first lines of an earlier run's metrics; what follows them is cut off.

        Parameters
        ----------
        n_lines : int
        step : int
            Where the progress bar begins.

        Raises
        ------
        InputError
            There are fewer lines: nothing is changed.
        """
        self._file.cut(n_lines)
        if self._bar is not None:
            self._bar.initial = self._bar.n = self._bar.last_print_n = step

    def sync(self):
        """Bring the metrics so far to the disk.

        Raises
        ------
        OSError
            It does not take them.
        """
        self._file.sync()

    def write(self, kind, step, **fields):
        """Append one line to the metrics, at once; what is not finite becomes null."""
        line = {"kind": kind, "step": step, "seconds": round(self.seconds, 6), **fields}
        self._file.append(json.dumps(finite_or_none(line), allow_nan=False), droppable=kind == "refresh")
        if n_dropped := self._file.take_dropped():
            self.event(step, f"{n_dropped} refreshes before this line are missing: they could not be written in time")

    def event(self, step, message):
        """Record an event."""
        self.write("event", step, message=message)

    def refreshed(self, step, figures):
        """Record a refresh and show how far the run is."""
        self.write("refresh", step, **figures)
        if self._bar is not None:
            with self._stdout_may_be_gone():
                self._bar.set_postfix_str(_progress(figures), refresh=False)
                self._bar.update(step - self._bar.n)
        elif time.perf_counter() - self._last_line > _LINE_EVERY_SECONDS:
            self._last_line = time.perf_counter()
            self.say(f"step {step}{f'/{self._n_steps}' if self._n_steps else ''}  {_progress(figures)}")

    def evaluated(self, step, splits, staleness):
        """Record an evaluation and print it."""
        for split, figures in splits.items():
            self.write("eval", step, split=split, **figures, staleness=staleness)
        text = "  ".join(f"{split} {f['loss']:.4f} / {f['error']:.2%}" for split, f in splits.items())
        self.say(f"step {step - staleness}  loss / error:  {text}")

    def say(self, text):
        """Print a line, above the progress bar if there is one."""
        if self._quiet:
            return
        with self._stdout_may_be_gone():
            if self._bar is not None:
                self._bar.write(text, file=sys.stdout)
            else:
                print(text, flush=True)

    @contextmanager
    def _stdout_may_be_gone(self):
        """Go on in silence where printing fails: a dead pipe or a full disk must not cost the run."""
        try:
            yield
        except OSError:
            self._quiet, self._bar = True, None
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still in its buffer

    def lines(self):
        """Return all lines of the metrics so far, as dicts. Also when closed."""
        return [json.loads(line) for line in self._file.text().splitlines()]

    def close(self):
        """End the bar and the file."""
        if self._bar is not None:
            with self._stdout_may_be_gone():
                self._bar.close()
        self._file.close()

    @property
    def problem(self):
        """Why lines of the metrics are not written yet, or None."""
        return self._file.problem


def _progress(figures):
    """Return a refresh in a few words."""
    return (
        f"loss {figures['minibatch_loss']:.4f}  {figures['steps_per_second']:.0f} steps/s  "
        f"variance gain {figures['variance_gain']:.2f}  staleness {figures['staleness_mean']:.0f}"
    )


def _progress_bar(n_steps, columns):
    """Return a bar that ends at n_steps, or counts where there is no such end."""
    end = "{desc}{percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt}" if n_steps else "{desc}{n_fmt} steps"
    bar_format = end + " [{elapsed}<{remaining}{postfix}]" if n_steps else end + " [{elapsed}{postfix}]"
    return tqdm(total=n_steps, file=sys.stdout, ncols=columns - 1, bar_format=bar_format, leave=False)


def terminal_columns():
    """Return the width of the terminal that stdout ends on, or None.

    Under mpirun stdout is a pipe, also when mpirun's own stdout is a terminal: the launcher's counts.
    """
    pid = os.getpid()
    try:
        while pid > 1:
            name, parent = _name_and_parent(pid)
            if pid != os.getpid() and not _LAUNCHERS.search(name):
                return None
            stdout = os.readlink(f"/proc/{pid}/fd/1")
            if re.match("/dev/(pts/|tty)", stdout):
                return _columns_of(f"/proc/{pid}/fd/1")
            if not re.match("pipe:|socket:", stdout):
                return None
            pid = parent
    except (OSError, ValueError):
        pass
    return None


def _name_and_parent(pid):
    """Return a process's name and its parent's id."""
    name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
    return name, int(rest.split()[1])


def _columns_of(path):
    descriptor = os.open(path, os.O_WRONLY | os.O_NOCTTY)
    try:
        return os.get_terminal_size(descriptor).columns or 80
    finally:
        os.close(descriptor)
