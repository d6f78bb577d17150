import numpy as np

from isgd_mpi.run.record.summary import columns_by_kind


def test_metrics_become_arrays_by_kind_with_nan_for_what_is_not_known():
    lines = [
        {"kind": "event", "step": 0, "message": "start"},
        {"kind": "refresh", "step": 1, "gain": None, "on": False},
        {"kind": "refresh", "step": 2, "gain": 1.5, "on": True},
    ]
    columns = columns_by_kind(lines)
    assert {kind: list(fields) for kind, fields in columns.items()} == {
        "event": ["step", "message"],
        "refresh": ["step", "gain", "on"],
    }
    assert columns["event"]["message"][0] == "start"
    np.testing.assert_array_equal(columns["refresh"]["gain"], [np.nan, 1.5])
    assert columns["refresh"]["step"].tolist() == [1, 2] and columns["refresh"]["on"].dtype == bool
    assert columns_by_kind([]) == {}
