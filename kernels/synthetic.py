"""Synthetic examples, each a function of its number alone.

Integers only, of at most 32 bits: the same bytes on every machine, compiled or not.
Indices: `b` row, `n` example, `c` class, `i` pixel.
"""

from isgd_mpi.kernels._jit import jit

_BITS = 0xFFFFFFFF
_HARD_SHARE = 26  # of 256: about 10 % of the examples are hard


@jit
def mix32(x):
    """Scramble an integer into 32 well-mixed bits, one to one.

    Parameters
    ----------
    x : int
        0 <= x < 2**32.

    Returns
    -------
    int
        0 <= result < 2**32.

    Notes
    -----
    The mixer "lowbias32" [1]_: each bit of `x` changes each bit of the
    result with a probability within 0.2 % of one half.

    References
    ----------
    .. [1] C. Wellons, "Prospecting for Hash Functions",
       https://nullprogram.com/blog/2018/07/31/, public domain.
    """
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & _BITS
    x = ((x ^ (x >> 15)) * 0x846CA68B) & _BITS
    return x ^ (x >> 16)


@jit
def draw_example(n, n_classes, n_backgrounds):
    """Draw the properties of example `n`, except its noise.

    Parameters
    ----------
    n : int
        Number of the example.
    n_classes : int
        At least two.
    n_backgrounds : int
        At least one.

    Returns
    -------
    key : int
        Seed of the example's noise.
    label, other, background : int
        Numbers of its class, of the class blended in, and of its background.
    share : int
        Share of its own class in the blend, of 256: 176 to 255 in an easy
        example, 120 to 151 in a hard one. Below 137 both classes claim the
        same images: there the classes overlap.
    contrast : int
        Factor of the blend, of 256; the rest is the factor of the background.
    """
    key = mix32(mix32(n & _BITS) ^ (n >> 32))
    which, how = mix32(key ^ 1), mix32(key ^ 2)
    label = which % n_classes
    other = (label + 1 + (which >> 16) % (n_classes - 1)) % n_classes
    background = mix32(key ^ 3) % n_backgrounds
    contrast = 64 + (how & 127)
    is_hard = ((how >> 8) & 255) < _HARD_SHARE
    share = 120 + ((how >> 24) & 31) if is_hard else 176 + ((how >> 16) % 80)
    return key, label, other, background, share, contrast


@jit
def make_pixel(key, i, signal):
    """Make pixel `i` from its signal and its noise.

    Parameters
    ----------
    key : int
        Seed of the example.
    i : int
        Number of the pixel.
    signal : int
        Value of the pixel without noise, -128 to 127.

    Returns
    -------
    int
        0 to 255; the noise is a sum of four bytes, nearly normal with a
        standard deviation of 37.
    """
    word = mix32(key ^ ((i + 1) << 16))
    four_bytes = (word & 255) + ((word >> 8) & 255) + ((word >> 16) & 255) + (word >> 24)
    return min(max(128 + signal + ((four_bytes - 510) >> 2), 0), 255)


@jit
def fill_examples(indices, prototypes, backgrounds, images, labels):
    """Make the synthetic examples of the given numbers.

    Parameters
    ----------
    indices : (B,) ndarray of int64
        Numbers of the examples, not negative.
    prototypes : (n_classes, n_features) ndarray of int32
        Ideal image of each class, -128 to 127.
    backgrounds : (n_backgrounds, n_features) ndarray of int32
        Backgrounds of the examples, -128 to 127.
    images : (B, n_features) ndarray of uint8
        Pixels, updated in place.
    labels : (B,) ndarray of int32
        Classes, updated in place.
    """
    for b in range(indices.shape[0]):
        key, label, other, background, share, contrast = draw_example(
            int(indices[b]), prototypes.shape[0], backgrounds.shape[0]
        )
        labels[b] = label
        own, others, rest = share * contrast, (256 - share) * contrast, (256 - contrast) << 8
        for i in range(images.shape[1]):
            signal = own * prototypes[label, i] + others * prototypes[other, i]
            signal += rest * backgrounds[background, i]
            images[b, i] = make_pixel(key, i, signal >> 16)
