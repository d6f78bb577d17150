import numpy as np
import pytest

from isgd_mpi.data.standardization import scaling
from isgd_mpi.settings.errors import InputError


def test_auto_scales_each_feature_where_all_vary_and_never_floats_by_the_range():
    even, uneven = np.array([50.0, 3.0]), np.array([50.0, 2.0])
    np.testing.assert_array_equal(scaling(even, np.uint8), scaling(even, np.uint8, "feature"))
    np.testing.assert_array_equal(scaling(uneven, np.uint8), scaling(uneven, np.uint8, "range"))
    np.testing.assert_array_equal(scaling(uneven, np.float32), scaling(uneven, np.float32, "feature"))
    with pytest.raises(InputError, match="--standardize range"):
        scaling(uneven, np.float32, "range")


def test_the_scale_of_a_feature_that_never_varies_is_zero():
    got = scaling(np.array([2.0, 0.0, 0.5, 1e-300]), np.float32)
    np.testing.assert_array_equal(got, np.array([0.5, 0, 2, 0], dtype=np.float32))
