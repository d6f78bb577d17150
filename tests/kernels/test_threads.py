import threading

import pytest

from isgd_mpi.kernels.threads import on_columns, set_threads


@pytest.fixture(params=[1, 2, 3])
def n_threads(request):
    before = set_threads(request.param)
    yield request.param
    assert set_threads(before) == request.param


@pytest.mark.parametrize("n_vectors", [1, 2, 7])
def test_ranges_tile_the_columns_at_multiples_of_the_width(n_threads, n_vectors):
    calls, width = [], 4

    def kernel(*arguments):
        calls.append((*arguments, threading.get_ident()))

    on_columns(kernel, "h", n_columns=n_vectors * width, width=width, n_operations=1e9)
    bounds = sorted((begin, end) for _, begin, end, _ in calls)
    assert [column for ends in bounds for column in range(*ends)] == list(range(n_vectors * width))
    assert all(bound % width == 0 for ends in bounds for bound in ends) and len(bounds) == n_threads
    assert len({thread for *_, thread in calls}) > 1 or n_threads == 1


def test_a_small_product_is_not_shared(n_threads):
    calls = []
    on_columns(lambda *ends: calls.append(ends), n_columns=8, width=4, n_operations=1e6)
    assert calls == [(0, 8)]


def test_an_exception_of_another_thread_is_raised():
    def kernel(begin, end):
        if begin:
            raise ValueError("in the second range")

    before = set_threads(2)
    try:
        with pytest.raises(ValueError, match="second range"):
            on_columns(kernel, n_columns=8, width=4, n_operations=1e9)
    finally:
        set_threads(before)
