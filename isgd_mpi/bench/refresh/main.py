"""``python -m isgd_mpi.bench refresh``: the trainer's time for the reports of a refresh, and for a draw.

No scorer runs and no model is trained: the reports are made up, so that those of 15 scorers can be had anywhere. The
first table has the parts of a refresh in which all scores are new or a part of them is; its last column is the share
of the time of the steps from one refresh to the next, which a run in `relaxed` bounds by refreshing less often. As in
a run, minibatches are drawn and learnt from in between, parameters are changed and published, a probe comes back, and
a line of metrics is written to a file. What passes over MPI costs more. Times are those of the processor, which other
processes do not prolong. The second table has a step's draw and what is learnt from it, by the clock.

The third table is of two ranks: a trainer 0 that feeds another one, whose steps are made up and take a given time.
There the loop of a run publishes, merges and draws, and the table has what that costs the fed trainer.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import threadpoolctl
from jsonargparse.typing import ClosedUnitInterval, NonNegativeFloat, PositiveFloat, PositiveInt

from isgd_mpi.bench import output
from isgd_mpi.bench.jobs import measure_on_ranks
from isgd_mpi.bench.refresh.trainer_side import Learner, TrainerSide
from isgd_mpi.ranks.records import fresh_batches
from isgd_mpi.run.record.log import RunLog

OPTIONS = {
    "--examples": ([60_000, 574_168, 10_000_000], PositiveInt, "training examples"),
    "--scorers": (15, PositiveInt, "reports of a refresh"),
    "--fresh": ([1.0, 0.25], ClosedUnitInterval, "shares of the training set that are scored in a refresh"),
    "--refresh-every": (32, PositiveInt, "steps from one refresh to the next"),
    "--minibatch-size": (128, PositiveInt, "examples"),
    "--params": (669_706, PositiveInt, "parameters of the model"),
    "--step-ms": (1.0, PositiveFloat, "a step of the trainer, for the shares [ms]"),
    "--repeat": (15, PositiveInt, "refreshes behind each median"),
    "--seconds": (3.0, NonNegativeFloat, "length of each run with a trainer 0 that feeds another; 0: none [s]"),
}

PARTS = ("publish", "pick", "learn", "probe", "figures", "log", "renew", "all")
"""The parameters and a probe; the new batches in the reports; scores, moments and mixture; the probe that is back; the
metrics, and their line; the proposal; all of it, measured as a whole."""

COLUMNS = ("examples", "fresh/%", *(f"{part}/ms" for part in PARTS), "share/%")
_DRAW_COLUMNS = ("examples", "draw/us", "learn/us", "share/%")
_DRAWS = 2000
_FED_COLUMNS = (
    "examples", "fresh/%", "steps ahead", "from refresh to refresh", "idle/ms", "copy/ms", "lost/%",
    "beside a step/us", "steps/s", "of 1 / step", "trainer 0 busy/%",
)  # fmt: skip


def run(settings):
    """Measure, print the tables, and return what ``--json`` writes."""
    with threadpoolctl.threadpool_limits(1):
        results = _measure(settings)
    return results | {"fed": _measure_fed(settings) if settings.seconds else []}


def _measure(settings):
    header = output.machine(1)
    output.print_lines(header)
    rows, draws = [], []
    for n_examples in settings.examples:
        for fresh in settings.fresh:
            with TemporaryDirectory() as folder:
                log = RunLog(Path(folder), quiet=True)
                side = TrainerSide(n_examples, fresh, settings, log, Learner(settings.params))
                rows.append({"examples": n_examples, "fresh": fresh} | refresh_seconds(side, settings.repeat))
                log.close()
        draws.append({"examples": n_examples} | draw_seconds(side))
    between, step = settings.refresh_every * settings.step_ms * 1e-3, settings.step_ms * 1e-3
    print(f"\na refresh with {settings.scorers} reports; share of {settings.refresh_every} steps")
    output.print_table(COLUMNS, [refresh_line(row, between) for row in rows])
    print(f"\na step with {settings.minibatch_size} examples; share of {settings.step_ms:g} ms")
    output.print_table(_DRAW_COLUMNS, [draw_line(row, step) for row in draws])
    return {"environment": header, "refreshes": rows, "draws": draws}


def _measure_fed(settings):
    """Measure a trainer 0 that feeds another one, on two ranks; print the table."""
    rows = measure_on_ranks("isgd_mpi.bench.refresh.ranks", 2, settings.as_dict())["rows"]
    print(f"\na trainer fed by another, a step of {settings.step_ms:g} ms; idle and copying for each refresh")
    output.print_table(_FED_COLUMNS, [fed_line(row, settings.step_ms * 1e-3) for row in rows])
    return rows


def refresh_seconds(side, repeat):
    """Return the median seconds of the parts of a refresh, and of all of it.

    Parameters
    ----------
    side : trainer_side.TrainerSide
    repeat : int
    """
    parts = np.median([part_seconds(side) for _ in range(repeat + 1)][1:], axis=0)
    wholes = np.median([whole_seconds(side) for _ in range(repeat + 1)][1:])
    return dict(zip(PARTS, [*parts.tolist(), float(wholes)]))


def part_seconds(side):
    """Return the seconds of the parts of one refresh, in the order in which a trainer does them."""
    reports, trainer, sampler = side.reports(), side.trainer, side.sampler
    marks = [time.thread_time()]
    trainer.publish(side.exchange)
    marks.append(time.thread_time())
    batches = list(fresh_batches(reports, side.known_steps, side.shards))
    marks.append(time.thread_time())
    sampler.learn_from_scores(batches)
    marks.append(time.thread_time())
    sampler.learn_from_probe(*reports[0]["squared_mean_gradient"].tolist(), side.age)
    marks.append(time.thread_time())
    figures = trainer.figures | sampler.figures(trainer.step)
    marks.append(time.thread_time())
    side.log.write("refresh", trainer.step, **figures)
    marks.append(time.thread_time())
    sampler.renew(trainer.step, 0.0)
    marks.append(time.thread_time())
    return np.diff(marks)


def whole_seconds(side):
    """Return the seconds of one refresh, whose line of metrics does not wait for another."""
    reports = side.reports()
    begin = time.thread_time()
    side.trainer.publish(side.exchange)
    side.trainer.merge(reports)
    side.log.write_waiting()
    return time.thread_time() - begin


def draw_seconds(side):
    """Return the mean seconds of a draw, and of learning from the minibatch."""
    totals = np.zeros(2)
    for _ in range(_DRAWS):
        begin = time.perf_counter()
        indices, weights = side.sampler.draw()
        drawn = time.perf_counter()
        minibatch = side.minibatch(indices, weights)
        ready = time.perf_counter()
        side.sampler.learn_from_minibatch(minibatch, side.trainer.step)
        totals += drawn - begin, time.perf_counter() - ready
    return dict(zip(("draw", "learn"), (totals / _DRAWS).tolist()))


def refresh_line(row, seconds):
    """Return a row of the first table."""
    parts = [output.short(1e3 * row[part]) for part in PARTS]
    return [f"{row['examples']:,}", f"{100 * row['fresh']:g}", *parts, output.short(100 * row["all"] / seconds)]


def draw_line(row, seconds):
    """Return a row of the second table."""
    times = row["draw"], row["learn"]
    return [f"{row['examples']:,}", *(output.short(1e6 * each) for each in times),
            output.short(100 * sum(times) / seconds)]  # fmt: skip


def fed_line(row, step_seconds):
    """Return a row of the third table."""
    times = [output.short(1e3 * row[name]) for name in ("idle", "copy")]
    rates = row["rate"], row["rate"] * step_seconds, 100 * row["busy"]
    return [f"{row['examples']:,}", f"{100 * row['fresh']:g}", row["ahead"], output.short(row["interval"]), *times,
            output.short(100 * row["lost"]), output.short(1e6 * row["beside"]), *map(output.short, rates)]  # fmt: skip
