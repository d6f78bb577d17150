"""Take central differences of the losses of a few examples in float32, and find parameters with a wrong gradient."""

import numpy as np

_MOST_TRIES = 25


def central_difference(losses, params, direction, length):
    """Move parameters to and fro.

    Parameters
    ----------
    losses : callable
        Takes parameters, returns the loss of each example, (B,) ndarray.
    params : (P,) ndarray of float32
    direction : (P,) ndarray
        Not zero.
    length : float
        Of the step to each side.

    Returns
    -------
    changes : (B,) ndarray
        Losses there less losses on the other side.
    step : (P,) ndarray of float64
        The difference between both vectors of parameters, as they were rounded.
    """
    half = length / np.linalg.norm(direction) * direction
    ahead, behind = (params + half).astype(np.float32), (params - half).astype(np.float32)
    return losses(ahead) - losses(behind), ahead.astype(np.float64) - behind


def find_length(losses, params, direction, share):
    """Return the length of a step that changes a loss by about a share of the largest loss, if there is one."""
    length, at_rest = 0.01 * (np.linalg.norm(params) or 1.0), np.abs(losses(params)).max() + 1e-3
    for _ in range(_MOST_TRIES):
        change = np.abs(central_difference(losses, params, direction, length)[0]).max() / at_rest
        if change > 2 * share or not np.isfinite(change):
            length /= 3
        elif change < share / 2 and length < 10 * np.linalg.norm(params):
            length *= 2
        else:
            break
    return length


def find_wrong_part(is_wrong, direction):
    """Find the smallest range of parameters, by halving, in which a direction shows a fault.

    Parameters
    ----------
    is_wrong : callable
        Takes a direction, returns whether it shows the fault.
    direction : (P,) ndarray
        Shows it.

    Returns
    -------
    start, stop : int
    """
    used = np.flatnonzero(direction)
    start, stop = int(used[0]), int(used[-1]) + 1
    while stop - start > 1:
        middle = (start + stop) // 2
        for low, high in ((start, middle), (middle, stop)):
            part = np.zeros_like(direction)
            part[low:high] = direction[low:high]
            if part.any() and is_wrong(part):
                start, stop = low, high
                break
        else:
            break
    return start, stop
