"""Conduct all runs on rank 0: trials of all methods by turns, then the best of each with every seed, seed by seed.

By turns, so that a machine that slows down does so for all. What was decided is in the ledger: a job that takes over
from another one repeats it with the results that are there.
"""

import os
from dataclasses import asdict

from isgd_mpi.experiment.pays.judge import curve_of, judge_for
from isgd_mpi.experiment.pays.ledger import agreed
from isgd_mpi.experiment.pays.methods import UNIFORM, options_of, space_of
from isgd_mpi.experiment.pays.plan import axes_of, options_of_trial, write_record
from isgd_mpi.experiment.pays.timing import Costs, Timing, divide
from isgd_mpi.experiment.pays.trials import MethodSearch, Trained
from isgd_mpi.experiment.search import Budget, Trial

_SEARCH_SEED = 0
_PROBE_SECONDS = 0.4
_OF_REFERENCE = 32  # examples in a minibatch of the reference model, which few examples are for
_RESERVED_SECONDS = 6.0  # for the end of the job, and the report
_LATEST = 1.1  # of the minutes, after which no further seed begins
_LEAST_SEEDS = 3
_FEW_TRIALS = 5
_OF_RHO = "a model trained on the validation set is the reference of rho: compare its error on the test set"
_FIGURES = ("variance_gain", "possible_gain", "noise_scale", "staleness", "wait_fraction", "switched_off")


def conduct(plan, runs, ledger, agreed_path=None):
    """Do all runs, and write pays.json after each.

    Parameters
    ----------
    plan : plan.Plan
    runs : object
        Does a run, ``lead(order)``; has ``facts`` of the data, and the ``environment`` of the last run.
    ledger : ledger.Ledger
    agreed_path : pathlib.Path, optional
        File of the times that the jobs of all methods share, where each has its own.
    """
    Conductor(plan, runs, ledger, agreed_path).conduct()


class Conductor:
    """Conducts the runs of a comparison.

    Parameters
    ----------
    plan : plan.Plan
    runs : object
        See :func:`conduct`.
    ledger : ledger.Ledger
    agreed_path : pathlib.Path, optional
        See :func:`conduct`.
    """

    def __init__(self, plan, runs, ledger, agreed_path=None):
        self._plan = plan
        self._agreed = agreed_path
        self._runs = runs
        self._ledger = ledger
        self._facts = runs.facts
        self._judge = judge_for(plan.judge, self._facts)
        self._timing = None
        self._parts = []

    def conduct(self):
        """Do all runs."""
        self._timing = Timing(**self._ledger.note("timing", lambda: agreed(self._agreed, asdict(self._divide()))))
        timing = self._timing
        _say(
            f"{self._facts['data_words']}: runs of {timing.seconds:.3g} s, searches of {timing.search_seconds:.3g} s "
            f"a method, by {self._judge.text}"
        )
        n_trials = timing.trials
        if n_trials < _FEW_TRIALS:
            self._plan.notes.append(
                f"{self._plan.minutes:g} minutes are too few for these data: each method had time for {n_trials} "
                f"trials of {timing.first_seconds:g} s at first; give more --minutes"
            )
        self._parts = [
            Part(method, space_of(method, self._plan.ranks, self._facts["rate"], n_trials), timing)
            for method in self._plan.chosen
        ]
        for part in list(self._parts):
            if part.method.needs_reference:
                self._train_reference(part)
        self._search()
        self._repeat()
        self._write(complete=True)

    def _train_reference(self, part):
        """Train the model that a method compares with, in the time of a run, at the expense of its search."""
        options = self._plan.run_options(UNIFORM, minibatch_size=_OF_REFERENCE, trainers=1, seed=_SEARCH_SEED)
        order = {"options": options, "times": self._timing.times, "test": False}
        order |= {"examples": {"train": self._timing.examples["train"]}}
        order |= {"reference": self._plan.reference_model}
        result, cost = self._ledger.run("reference model", lambda: self._runs.lead(order), self._timing.seconds)
        part.used_seconds += cost
        if result["problem"]:
            self._plan.notes.append(f"{part.method.label} is left out: no reference model ({result['problem']})")
            self._parts.remove(part)
        else:
            self._plan.notes.append(_OF_RHO)

    def _divide(self):
        """Return the times of all runs, given what short ones cost."""
        methods = [method for method in self._plan.chosen if not method.needs_reference] or [UNIFORM]
        costs = [self._cost_of(f"probe {n}", methods[min(n, len(methods) - 1)]) for n in range(3)]
        point = costs[-1].point
        start = max(cost.start for cost in costs[1:])
        left = 60 * self._plan.minutes * self._plan.share - _RESERVED_SECONDS - self._ledger.seconds
        worst = Costs(start, point, point, max(cost.test for cost in costs[1:]))
        return divide(left / self._plan.share, self._plan.n_methods, self._plan.seeds, worst, self._facts["examples"])

    def _cost_of(self, name, method):
        options = self._plan.run_options(method, minibatch_size=128, trainers=1)
        order = {"options": options, "times": [_PROBE_SECONDS / 4, _PROBE_SECONDS]}
        order |= {"examples": self._facts["examples"], "test": self._facts["has_test"]}
        result, cost = self._ledger.run(name, lambda: self._runs.lead(order), _PROBE_SECONDS)
        point, test = result.get("point_seconds", 0.0), result.get("test_seconds", 0.0)
        return Costs(max(0.0, cost - _PROBE_SECONDS - 2 * point - test), point, point, test)

    def _search(self):
        """Do the trials of all methods: next is the one that has used the least time so far."""
        due = {part: part.search.steps() for part in self._parts}
        while due:
            part = min(due, key=lambda part: part.used_seconds)
            try:
                trial, seconds = next(due[part])
            except StopIteration:
                del due[part]
                part.close_round(self._judge)
                _say(f"{part.method.label}: {part.words_of_best(self._judge)}")
                continue
            part.begin(seconds, self._judge)
            self._try(part, trial, seconds)

    def _try(self, part, trial, seconds):
        """Do one trial."""
        name = f"{part.method.name}, {_words(trial)}, {seconds:g} s, trial"
        order = self._order(part.method, trial, _SEARCH_SEED)
        judging = {self._judge.split: self._facts["examples"][self._judge.split]}
        order |= {"times": [seconds], "examples": judging, "test": False}
        result, cost = self._ledger.run(name, lambda: self._runs.lead(order), seconds)
        points = result.get("curve", {}).get("points", [{}])
        loss = points[-1].get(self._judge.split, {}).get("loss")
        found = Trained(seconds, self._judge.of(points[-1]), loss, result.get("steps", 0), cost, result["problem"])
        part.add(trial, found)
        self._write()

    def _repeat(self):
        """Do the best trial of each method with every seed."""
        parts = [part for part in self._parts if part.best is not None]
        for seed in range(1, self._plan.seeds + 1):
            if seed > _LEAST_SEEDS and self._ledger.seconds > _LATEST * 60 * self._plan.minutes * self._plan.share:
                self._plan.notes.append(f"time was over after {seed - 1} of {self._plan.seeds} seeds")
                break
            for part in parts:
                self._do_final(part, seed)
            values = [f"{part.method.name} {self._judge.words(part.last_judged)}" for part in parts]
            _say(f"seed {seed}, {self._judge.text}: {', '.join(values)}")

    def _do_final(self, part, seed):
        timing = self._timing
        name = f"{part.method.name}, {_words(part.best)}, {timing.seconds:g} s, seed {seed}"
        order = self._order(part.method, part.best, seed)
        order |= {"times": timing.times, "examples": timing.examples, "test": self._facts["has_test"]}
        result, _ = self._ledger.run(name, lambda: self._runs.lead(order), timing.seconds)
        part.finals.append(final_of(result, seed, self._judge))
        self._write()

    def _order(self, method, trial, seed):
        return {"options": self._plan.run_options(method, **options_of_trial(trial), seed=seed)}

    def _write(self, complete=False):
        facts = {
            "data_words": self._facts["data_words"],
            "judge": self._plan.judge,
            "measure": self._judge.description,
            "guess": self._facts.get("guess", {}).get(self._judge.name),
            "seconds": self._timing.seconds,
            "cores": len(os.sched_getaffinity(0)),
            "environment": self._runs.environment,
        }
        write_record(self._plan, facts, [part.record(self._plan, self._timing) for part in self._parts], complete)


class Part:
    """The part of a comparison that belongs to one method.

    Parameters
    ----------
    method : methods.Method
    space : methods.Spread
    timing : timing.Timing

    Attributes
    ----------
    search : trials.MethodSearch
    used_seconds : float
        Wall-clock time of its trials so far.
    finals : list of dict
        Runs with the seeds.
    """

    def __init__(self, method, space, timing):
        self.method = method
        self._space = space
        budget = Budget(timing.trials, timing.first_seconds, timing.seconds, timing.search_seconds)
        self.used_seconds = 0.0
        self.search = MethodSearch(space, budget, lambda: self.used_seconds, method == UNIFORM)
        self._trials = []
        self._round_seconds = None
        self.finals = []

    @property
    def best(self):
        """Return the best trial, or None if none came to an end."""
        best = self.search.best
        return best if best and self.search.arrivals[best].is_usable else None

    @property
    def last_judged(self):
        """Return the measure of the last run with a seed."""
        return (self.finals[-1]["curve"].get("valid_judged") or [None])[-1]

    def add(self, trial, found):
        """Add a trial that was done."""
        self.search.arrivals[trial] = found
        self.used_seconds += found.cost_seconds
        self._trials.append((trial, found))

    def begin(self, seconds, judge):
        """Note that a trial of some seconds begins: print what the round before has shown, if another one begins."""
        if seconds != self._round_seconds:
            self.close_round(judge)
        self._round_seconds = seconds

    def close_round(self, judge):
        """Print what the present round has shown."""
        of_round = [found for _, found in self._trials if found.allowed_seconds == self._round_seconds]
        if of_round:
            best = min(found.order for found in of_round)[0]
            words = judge.words(best if any(found.is_usable for found in of_round) else None)
            _say(f"  {self.method.name}: {len(of_round)} trials of {self._round_seconds:.3g} s, best {words}")

    def words_of_best(self, judge):
        """Return the best trial in words."""
        if self.best is None:
            problems = [found.problem for _, found in self._trials if found.problem]
            return f"no trial came to an end ({problems[-1] if problems else 'none is finite'})"
        return f"{_words(self.best)}: {judge.text} {judge.words(self.search.arrivals[self.best].judged)}"

    def record(self, plan, timing):
        """Return what pays.json says of this method."""
        best = self.best
        return {
            "name": self.method.name,
            "label": self.method.label,
            "importance_sampling": self.method.is_importance_sampling,
            "options": options_of(self.method, plan.options),
            "axes": axes_of(self._space),
            "trials": [_trial_of(trial, found) for trial, found in self._trials],
            "search_seconds": round(self.used_seconds, 2),
            "best": best and options_of_trial(best),
            "at_border": best is not None and self.search.is_at_border(best),
            "command": best and plan.command_of(self.method, best, timing.seconds),
            "finals": self.finals,
        }


def final_of(result, seed, judge):
    """Return what pays.json says of a run with a seed."""
    curve, test = result.get("curve", {}), result.get("test")
    if points := curve.get("points"):
        curve = {"seconds": curve["seconds"], "step": curve["step"]} | curve_of(points, judge)
    return {
        "seed": seed,
        "problem": result["problem"],
        **{name: result.get(name) for name in ("steps", "steps_per_second", "memory_bytes", *_FIGURES)},
        "curve": curve,
        "test": test and {"loss": test["loss"], "judged": test[judge.name]},
    }


def _trial_of(trial, found):
    figures = {"seconds": found.allowed_seconds, "judged": found.judged, "loss": found.loss}
    return options_of_trial(trial) | figures | {"steps": found.steps, "problem": found.problem}


def _words(trial: Trial):
    workers = f"{trial.workers} trainers" if trial.workers > 1 else "1 trainer"
    return f"minibatch {trial.minibatch_size}, rate {trial.rate:g}, {workers}"


def _say(line):
    print(line, flush=True)
