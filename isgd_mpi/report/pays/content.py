"""Turn an answer into what outcome.json holds."""

from isgd_mpi.report.statistics import quartiles

FORMAT = 1


def as_content(found):
    """Return an answer as nested dicts for outcome.json."""
    record, chosen = found.record, found.chosen
    return {
        "format": FORMAT,
        "answer": found.kind,
        "sentence": found.sentence,
        "complete": record.complete,
        "data": record.data,
        "ranks": record.ranks,
        "seconds": record.seconds,
        "measure": record.measure.text,
        "method": chosen.method.name if chosen else None,
        "reasons": chosen.reasons if chosen else [],
        "comparisons": {name: _result_content(result) for name, result in found.results.items()},
        "methods": {method.name: _method_content(method) for method in record.methods},
        "notes": found.notes,
    }


def _result_content(result):
    comparisons = {"judged": result.judged, "loss": result.loss}
    return {"answer": result.kind, "reasons": result.reasons} | {
        name: one and _comparison_content(one) for name, one in comparisons.items()
    }


def _comparison_content(one):
    return {
        "target": one.target,
        "time_ratio": _ratio_content(one.time),
        "value_ratio": _ratio_content(one.value),
        "reached": one.reached._asdict(),
        "uniform_reached": one.uniform_reached._asdict(),
        "seconds": by_seed(one.times.seconds),
        "uniform_seconds": by_seed(one.uniform_times.seconds),
        "not_reached": list(one.times.censored),
        "uniform_not_reached": list(one.uniform_times.censored),
        "failed": list(one.failed),
        "left_out": list(one.left_out),
    }


def _ratio_content(test):
    return test._asdict() | {"n": test.n, "ratios": by_seed(test.ratios)}


def by_seed(values):
    """Return a dict with texts as keys, as JSON has them."""
    return {str(seed): value for seed, value in values.items()}


def _method_content(method):
    figures = {name: quartiles(method.values(name))._asdict() for name in ("variance_gain", "possible_gain",
               "noise_scale", "staleness", "steps_per_second", "memory_bytes")}  # fmt: skip
    return {
        "label": method.label,
        "best": method.best,
        "at_border": method.at_border,
        "runs": len(method.finals),
        "failed": len(method.failed),
        "test_judged": quartiles(method.tests())._asdict(),
        "figures": figures,
    }
