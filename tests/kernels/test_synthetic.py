import hashlib

import numpy as np
import pytest
from reference import python_of

from isgd_mpi.data import synthetic
from isgd_mpi.data.synthetic import examples_at, smooth_images, split_sizes
from isgd_mpi.kernels.synthetic import draw_example, fill_examples, mix32
from isgd_mpi.settings.errors import InputError

HARD_SHARE = 160  # of 256: the blend of an easy example has more of its own class


def drawn(n_examples):
    """Return label, other class and share of each example."""
    draws = [draw_example(n, 10, 100) for n in range(n_examples)]
    return np.array([(label, other, share) for _, label, other, _, share, _ in draws]).T


def test_a_slice_has_the_same_rows_as_the_whole():
    images, labels = examples_at(range(40))
    some_images, some_labels = examples_at(range(13, 29))
    np.testing.assert_array_equal(some_images, images[13:29])
    np.testing.assert_array_equal(some_labels, labels[13:29])


def test_shape_and_range():
    images, labels = examples_at(range(100))
    assert images.shape == (100, 3072) and images.dtype == np.uint8
    assert labels.dtype == np.int32 and set(labels) == set(range(10))


def test_no_example():
    images, labels = examples_at(range(5, 5))
    assert images.shape == (0, 3072) and labels.shape == (0,)


def test_examples_never_change():
    # a new digest needs a new _VERSION in isgd_mpi/data/converted.py
    images, labels = examples_at(range(20))
    digest = hashlib.sha256(images.tobytes() + labels.astype("<i4").tobytes()).hexdigest()
    assert digest[:16] == "6c5550d113388aba"


def test_compiled_and_plain_python_agree():
    indices = np.array([0, 7, 99_999, 2**33])
    images, labels = np.empty((4, 3072), np.uint8), np.empty(4, np.int32)
    python_of(fill_examples)(indices, smooth_images(0, 10), smooth_images(10, 110), images, labels)
    expected_images, expected_labels = synthetic.examples_at(indices)
    np.testing.assert_array_equal(images, expected_images)
    np.testing.assert_array_equal(labels, expected_labels)


def test_mix32_is_one_to_one_and_stays_in_32_bits():
    mixed = [mix32(x) for x in range(5000)] + [mix32(2**32 - 1 - x) for x in range(5000)]
    assert len(set(mixed)) == 10_000 and min(mixed) >= 0 and max(mixed) < 2**32


def test_mix32_flips_each_bit_half_the_time():
    flips = np.array([[mix32(x) ^ mix32(x ^ (1 << bit)) for bit in range(32)] for x in range(400)])
    share_flipped = ((flips[..., None] >> np.arange(32)) & 1).mean(axis=0)
    np.testing.assert_allclose(share_flipped, 0.5, atol=0.13)  # five standard deviations of 400 draws


def test_classes_are_equally_likely():
    labels, others, _ = drawn(20_000)
    for classes in (labels, others):
        counts = np.bincount(classes, minlength=10)
        assert ((counts - 2000) ** 2 / 2000).sum() < 28  # chi-squared, 9 degrees of freedom: 0.1 %
    assert (labels != others).all()


def test_one_example_in_ten_is_hard():
    _, _, shares = drawn(20_000)
    hard = shares < HARD_SHARE
    assert abs(hard.mean() - 0.1) < 0.008
    assert shares[hard].max() <= 151 and shares[~hard].min() >= 176


def test_easy_examples_look_like_their_class_and_some_hard_ones_like_another():
    images, labels = examples_at(range(500))
    _, _, shares = drawn(500)
    centred = images - images.mean(axis=0)
    nearest = (centred @ smooth_images(0, 10).T.astype(float)).argmax(axis=1)
    right = nearest == labels
    assert right[shares >= HARD_SHARE].mean() > 0.85
    assert right[shares < HARD_SHARE].mean() < 0.75


def test_smooth_images_are_smooth_and_read_only():
    images = smooth_images(0, 10).reshape(10, 3, 32, 32)
    assert np.abs(np.diff(images, axis=3)).max() <= 32 and np.abs(np.diff(images, axis=2)).max() <= 32
    assert images.std() > 40
    with pytest.raises(ValueError, match="read-only"):
        smooth_images(0, 10)[0, 0] = 1


@pytest.mark.parametrize(("size", "held_out"), [(1, 1), (19, 1), (40, 2), (574_168, 28_708)])
def test_split_sizes(size, held_out):
    assert split_sizes(size) == {"train": size, "valid": held_out, "test": held_out}


@pytest.mark.parametrize("size", [0, -3, synthetic.LARGEST_SIZE + 1])
def test_impossible_size(size):
    with pytest.raises(InputError, match=f"synthetic_size {size}: choose 1 to"):
        split_sizes(size)
