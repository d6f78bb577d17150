"""The log of a run: its folder, the metrics file, lines and a progress bar on the terminal."""

import json
import math
import os
import re
import sys
import time
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from tqdm import tqdm

from isgd_mpi.data.files import finite_or_none
from isgd_mpi.data.measure import measure_of
from isgd_mpi.ranks.timeline import Timeline
from isgd_mpi.run.record.metrics_file import MetricsFile
from isgd_mpi.run.record.words import with_error
from isgd_mpi.settings.errors import InputError

_TOGETHER_SECONDS = 0.1  # of refreshes that are written as one: alone between steps of training a line costs 120 us
_LINE_EVERY_SECONDS = 10.0  # between progress lines where there is no terminal
_EVALUATION_EVERY_SECONDS = 1.0  # between evaluations that are printed
_LINE_EVERY_SHARE = 1 / 50  # and of the time so far: a day's log file is read in a minute
_COLUMNS_OF_BAR = 100  # of a terminal, at least, for a bar beside the figures
_ROWS = 20  # of a terminal, for tqdm: it shows nothing where the terminal does not tell, and a bar takes one
_encode = json.JSONEncoder(allow_nan=False).encode
_LAUNCHERS = re.compile("mpi|prte|prun|hydra|srun|slurm|orted")


def create_run_dir(path, default_stem):
    """Create the folder of a new run.

    Parameters
    ----------
    path : str or None
        The folder; must be missing or empty. If not given, ``runs/<default_stem>-<n>`` with
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
    """Create the first folder of stem-0, stem-1, ... that is free; two runs may try at once."""
    parent.mkdir(exist_ok=True)
    for n in count():
        with suppress(FileExistsError):
            folder = parent / f"{stem}-{n}"
            folder.mkdir()
            return folder


class RunLog:
    """The metrics of one run, and its progress on the terminal.

    Parameters
    ----------
    folder : pathlib.Path or None
        The run's folder; without one the metrics stay in memory.
    n_steps : int or None
        Steps at which the progress bar ends.
    quiet : bool
        Whether to print nothing.
    timeline : timeline.Timeline, optional
        The timeline of this rank.
    events : event_file.EventFile, optional
        Gets each line, too.

    Attributes
    ----------
    timeline : timeline.Timeline
    """

    def __init__(self, folder, n_steps=None, quiet=False, timeline=None, events=None):
        self._metrics = MetricsFile(folder and folder / "metrics.jsonl")
        self._waiting, self._written_at = [], -math.inf  # lines that are not written yet; when the last ones were
        self.timeline = Timeline() if timeline is None else timeline
        self._events = events
        self._quiet = quiet
        self._n_steps = n_steps
        self._begin = time.perf_counter()
        self._last_line = self._begin
        self._last_evaluation = self._evaluation = None  # when one was printed; the text of one that was not
        columns = None if quiet else terminal_columns()
        self._bar = _progress_bar(n_steps, columns) if columns else None

    @property
    def metrics(self):
        """The metrics with all lines so far, a :class:`metrics_file.MetricsFile`."""
        self.write_waiting()
        return self._metrics

    @property
    def seconds(self):
        """Seconds since training began."""
        return time.perf_counter() - self._begin

    def start_clock(self, seconds=0.0):
        """Set the clock: training begins now, or began `seconds` ago."""
        self._begin = time.perf_counter() - seconds

    def cut(self, n_lines, step):
        """Cut off the metrics behind the first lines, and begin the progress bar at a step.

        Raises InputError if there are fewer lines, or these are no metrics; nothing is changed then.
        """
        for number, line in enumerate(self.metrics.text().splitlines()[:n_lines], start=1):
            if not _is_metrics(line):
                raise InputError(
                    f"{self.metrics.path}, line {number} is no line of metrics: put the run's own file back"
                )
        self.metrics.cut(n_lines)
        if self._events:
            self._events.cut(step)
        if self._bar is not None:
            self._bar.initial = self._bar.n = self._bar.last_print_n = step

    def write(self, kind, step, **fields):
        """Append one line to the metrics; numbers that are not finite become null."""
        self._add(kind, step, fields)
        self.write_waiting()

    def _add(self, kind, step, fields):
        self._waiting.append({"kind": kind, "step": step, "seconds": round(self.seconds, 6), **fields})

    def write_waiting(self):
        """Write the lines that wait, if there are any."""
        lines, self._waiting = self._waiting, []
        for line in lines:
            self._metrics.append(_encode(finite_or_none(line)))
            if self._events:
                self._events.add(line)
        self._written_at = time.perf_counter()

    def event(self, step, message):
        """Write an event to the metrics."""
        self.write("event", step, message=message)

    def tell(self, step, message):
        """Write an event to the metrics, and print it."""
        self.event(step, message)
        self.print(message)

    def refreshed(self, step, figures):
        """Write a refresh to the metrics, or with the next line if one was just written; show how far the run is."""
        self._add("refresh", step, figures)
        if time.perf_counter() - self._written_at > _TOGETHER_SECONDS:
            self.write_waiting()
        if self._bar is not None:
            with self._stdout_may_be_gone():
                self._bar.set_postfix_str(_progress(figures), refresh=False)
                self._bar.update(step - self._bar.n)
        elif self._is_due(self._last_line, _LINE_EVERY_SECONDS):
            self._last_line = time.perf_counter()
            self.print(f"step {step}{f'/{self._n_steps}' if self._n_steps else ''}  {_progress(figures)}")

    def _is_due(self, last, seconds):
        """Return whether another line of a kind is due, given the time of the last one, or None."""
        return last is None or time.perf_counter() - last > max(seconds, _LINE_EVERY_SHARE * self.seconds)

    def evaluated(self, step, splits, staleness):
        """Write an evaluation to the metrics, and print it, unless another one was printed just before."""
        for split, figures in splits.items():
            self.write("eval", step, split=split, **figures, staleness=staleness)
        measure = measure_of(next(iter(splits.values())))
        values = [f"{split} {f['loss']:.4f} / {measure.words(f[measure.name])}" for split, f in splits.items()]
        self._evaluation = f"step {step - staleness}  loss / {measure.text}:  {'  '.join(values)}"
        if self._is_due(self._last_evaluation, _EVALUATION_EVERY_SECONDS):
            self._print_evaluation()

    def _print_evaluation(self):
        self._last_evaluation = time.perf_counter()
        self.print(self._evaluation)
        self._evaluation = None

    def conclude(self, text):
        """Print the last evaluation, if it was not, and the last lines."""
        if self._evaluation:
            self._print_evaluation()
        self.print(text)

    def print(self, text):
        """Print a line unless the run is quiet, above the progress bar if there is one."""
        if self._quiet:
            return
        with self._stdout_may_be_gone():
            if self._bar is not None:
                self._bar.write(text, file=sys.stdout)
            else:
                print(text, flush=True)

    @contextmanager
    def _stdout_may_be_gone(self):
        """Print nothing more once printing fails: a dead pipe or a full disk must not end the run."""
        try:
            yield
        except OSError:
            self._quiet, self._bar = True, None
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still in its buffer

    def lines(self):
        """Return all lines of the metrics so far, as dicts, also after :meth:`close`."""
        return [json.loads(line) for line in self.metrics.text().splitlines()]

    def close(self):
        """Close the progress bar and the files."""
        if self._bar is not None:
            with self._stdout_may_be_gone():
                self._bar.close()
        self.metrics.close()  # first, for lines that wait are events, too
        if self._events:
            self._events.close()


def _is_metrics(line):
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(content, dict) and {"kind", "step"} <= content.keys()


def _progress(figures):
    """Return the figures of a refresh in a few words."""
    parts = [f"loss {figures['minibatch_loss']:.4f}"] if math.isfinite(figures["minibatch_loss"]) else []
    parts.append(f"{figures['steps_per_second']:.0f} steps/s")
    if not figures["importance_sampling"]:
        return "  ".join([*parts, "uniform sampling"])
    gain, error = figures["variance_gain"], figures["variance_gain_error"]
    parts.append(f"gain {'not known yet' if math.isnan(gain) else with_error(gain, error)}")
    return "  ".join([*parts, f"staleness {figures['staleness_mean']:.0f}"])


def _progress_bar(n_steps, columns):
    """Return a progress bar that ends at n_steps, or only counts if that is None, or if there is no room for a bar."""
    if n_steps and columns >= _COLUMNS_OF_BAR:
        bar_format = "{desc}{percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
    elif n_steps:
        bar_format = "{desc}{n_fmt}/{total_fmt} [{remaining}{postfix}]"
    else:
        bar_format = "{desc}{n_fmt} steps [{elapsed}{postfix}]"
    size = {"ncols": columns - 1, "nrows": _ROWS}
    return tqdm(total=n_steps, file=sys.stdout, bar_format=bar_format, leave=False, **size)


def terminal_columns():
    """Return the width of the terminal that shows stdout, or None if no terminal does.

    Under mpirun stdout is a pipe, also if mpirun's own stdout is a terminal: so launchers are asked, too.
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
