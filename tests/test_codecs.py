import numpy as np
import pytest
import reference

from isgd_mpi.codecs import CODECS, read_scores, write_scores
from isgd_mpi.messages import report_dtype
from isgd_mpi.shards import shards
from kernels.codec import INFINITE, LEVELS, NOT_A_NUMBER, decode_log8, encode_log8


def round_trip(variant, scores):
    codes, decoded = np.empty(len(scores), np.uint8), np.empty_like(scores)
    low, high = variant(encode_log8)(scores, codes)
    variant(decode_log8)(codes, low, high, decoded)
    return codes, low, high, decoded


@pytest.mark.kernels
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0, 1, 2, 1000])
def test_encode_log8(variant, rng, size, dtype):
    scores = rng.lognormal(sigma=3, size=size).astype(dtype)
    codes, low, high, decoded = round_trip(variant, scores)
    expected, least, greatest = reference.encode_log8(scores)
    assert (low, high) == (least, greatest)
    # a score half way between two levels may go to either
    assert np.abs(codes - np.array(expected, int)).max(initial=0) <= 1
    assert (codes != expected).sum() <= size / 100
    np.testing.assert_allclose(decoded, reference.decode_log8(codes, low, high), rtol=1e-6)


@pytest.mark.kernels
@pytest.mark.parametrize("decades", [0.1, 3, 10, 60])
def test_a_decoded_score_is_off_by_half_a_level_at_most(variant, rng, decades):
    scores = np.append(10 ** rng.uniform(-decades, 0, 3000), [1.0, 10.0**-decades])
    *_, decoded = round_trip(variant, scores)
    worst = 10 ** (decades / (2 * (LEVELS - 1)))
    assert np.maximum(decoded / scores, scores / decoded).max() <= worst * (1 + 1e-9)
    np.testing.assert_allclose(decoded[-2:], scores[-2:], rtol=1e-12)  # the ends of the range are kept


@pytest.mark.kernels
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_zero_or_not_finite_stays_so(variant, dtype):
    scores = np.array([0, np.inf, np.nan, -1, -np.inf, 2, 0.5, -0.0], dtype)
    codes, low, high, decoded = round_trip(variant, scores)
    assert list(codes) == [0, INFINITE, NOT_A_NUMBER, NOT_A_NUMBER, NOT_A_NUMBER, LEVELS, 1, 0]
    np.testing.assert_array_equal(decoded, np.array([0, np.inf, np.nan, np.nan, np.nan, 2, 0.5, 0], dtype))


@pytest.mark.kernels
@pytest.mark.parametrize("scores", [[], [0.0, 0.0], [np.nan, np.inf], [7.0, 7.0]])
def test_a_range_of_no_width(variant, scores):
    scores = np.array(scores)
    *_, decoded = round_trip(variant, scores)
    np.testing.assert_array_equal(decoded, scores)


@pytest.mark.parametrize("codec", CODECS)
def test_reports_bring_each_batch_back(rng, codec):
    shard = shards(25, 10, 1)[0]
    report = np.zeros((), report_dtype(shard, codec))
    scores = rng.lognormal(size=25).astype(np.float32)
    rows = [slice(*shard.rows(index)) for index in range(3)]
    for index, of_batch in enumerate(rows):
        write_scores(report, index, of_batch, scores[of_batch])
    read = np.concatenate([read_scores(report, index, of_batch) for index, of_batch in enumerate(rows)])
    np.testing.assert_allclose(read, scores, rtol=0 if codec == "f32" else 0.02)


def test_log8_takes_less_room():
    shard = shards(60_000, 2048, 1)[0]
    scores = {codec: report_dtype(shard, codec).itemsize - 4 * len(shard) for codec in CODECS}  # without predictions
    assert scores["log8"] < 0.27 * scores["f32"]
