import numpy as np
import pytest

from isgd_mpi.bench.scaling.costs import means, median_span


def test_means_leave_out_what_is_unknown():
    nan = np.nan
    got = means({
        "seconds": np.array([1.0, 2.0, 4.0]), "step": np.array([10.0, 20.0, 50.0]),
        "staleness_mean": np.array([nan, 6.0, 8.0]), "trace_uniform": np.array([nan, 6.0, 2.0]),
        "trace_in_use": np.array([1.0, 3.0, 1.0]),
    })  # fmt: skip
    assert got == {"refresh_seconds": 1.5, "refresh_steps": 20.0, "staleness": 7.0, "variance_gain": 2.0}


def test_median_span_is_that_of_the_trainers_activity():
    spans = {
        "rank": np.array([0, 0, 1, 0, 0]), "activity": np.array([1, 1, 1, 0, 1]),
        "activities": np.array(["training", "proposing", "scoring"]),
        "begin": np.arange(5.0), "end": np.arange(5.0) + [0.25, 0.5, 9, 9, 0.75],
    }  # fmt: skip
    assert median_span(spans, "proposing") == pytest.approx(0.5)
    assert np.isnan(median_span(spans, "scoring"))
