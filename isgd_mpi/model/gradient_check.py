"""Hold a user's own gradients and scores against one example at a time, and these against finite differences."""

import numpy as np

from isgd_mpi.model.check_subject import MOST_KEPT, RTOL, Finding, close, first_match
from isgd_mpi.model.differences import central_difference, find_length, find_wrong_part

_LEAST_DIFFERENCE = 0.05  # of a slope, relative to the largest one
_SHARES = (1e-3, 3e-4, 3e-3)  # of a loss, that a step changes: rounding of 1e-7 is small in it
_LENGTHS = (0.002, -0.002, 0.008, -0.008)  # of steps, over that of the parameters, along which no loss is to change
_ROUNDING = 1e-5  # of a loss


def check_slopes(subject):
    """Hold the gradients of single examples against central differences."""
    rng = np.random.default_rng(1)
    along = np.zeros(subject.params.size)
    for gradient in subject.singles:
        along += rng.choice([-1, 1]) * gradient / (np.linalg.norm(gradient) or 1)
    unused, found = ~np.any([gradient != 0 for gradient in subject.singles], axis=0), None
    if not unused.all():
        lengths = [find_length(subject.losses, subject.params, along, share) for share in _SHARES]
        changes, step = central_difference(subject.losses, subject.params, along, lengths[0])
        if ratio := _constant_ratio(_slopes(subject, step), changes):
            text = f"the gradient of one example is {ratio:.3g} times that of its loss: central differences say so"
            return Finding("slopes", False, text)
        found = _find_wrong_slope(subject, [along, subject.params, *_blocks(along)], lengths, np.abs(changes).max())
    if found is None:
        found = _find_forgotten(subject, np.where(unused, rng.choice([-1.0, 1.0], along.size), 0))
    if found is not None:
        return Finding("slopes", False, found)
    return Finding("slopes", True, "gradients of single examples agree with central differences of their losses")


def _find_wrong_slope(subject, directions, lengths, largest):
    """Say which parameters have a gradient that is not the slope of the losses; None if there are none."""

    def is_wrong(direction):
        agree = np.zeros(subject.n, bool)
        for length in lengths:  # a kink of a ReLU unit within a step may spoil one, but not all of them
            changes, step = central_difference(subject.losses, subject.params, direction, length)
            least = max(np.abs(changes).max(), 0.1 * largest * length / lengths[0])
            agree |= np.abs(_slopes(subject, step) - changes) <= _LEAST_DIFFERENCE * least
            if agree.all():
                return False
        return True

    for direction in directions:
        if direction.any() and is_wrong(direction):
            return _describe_part(subject, *find_wrong_part(is_wrong, direction))
    return None


def _find_forgotten(subject, direction):
    """Say which parameters have no gradient in any example, though losses change with them; None if there are none."""
    at_rest, size = subject.losses(subject.params), np.linalg.norm(subject.params)
    least = _ROUNDING * np.abs(at_rest).max()

    def is_wrong(part):
        step = size / np.linalg.norm(part) * part
        moved = [subject.losses((subject.params + share * step).astype(np.float32)) for share in _LENGTHS]
        slopes = np.array([change - at_rest for change in moved]) / np.array(_LENGTHS)[:, None]
        n = np.abs(slopes).min(axis=0).argmax()
        # a ReLU unit that no example uses may begin to be used on one side, or in a longer step: no slope at rest
        alike = np.abs(slopes[:, n]).max() < 1.7 * np.abs(slopes[:, n]).min() and np.ptp(np.sign(slopes[:, n])) == 0
        return alike and abs(moved[0][n] - at_rest[n]) > least

    if not direction.any() or not is_wrong(direction):
        return None
    return _describe_part(subject, *find_wrong_part(is_wrong, direction))


def _describe_part(subject, start, stop):
    is_zero = all(not gradient[start:stop].any() for gradient in subject.singles)
    what = "is 0, but the loss changes with them: forgotten (a bias?)" if is_zero else "is not the slope of the loss"
    return f"the gradient by parameters {start} to {stop - 1} {what}"


def _slopes(subject, step):
    return np.array([gradient @ step for gradient in subject.singles])


def _blocks(direction, n_blocks=16):
    """Yield parts of a direction."""
    for block in np.array_split(np.arange(direction.size), min(direction.size, n_blocks)):
        part = np.zeros_like(direction)
        part[block] = direction[block]
        yield part


def _constant_ratio(got, expected):
    """Return the factor between two arrays if it is one and the same, and not about 1; else None."""
    ratio = (got @ expected) / (expected @ expected) if expected.any() else 1.0
    is_off = abs(ratio - 1) > _LEAST_DIFFERENCE and abs(ratio) > RTOL
    return ratio if is_off and close(got, ratio * expected, _LEAST_DIFFERENCE) else None


def check_gradient(subject):
    """Hold the gradient of a minibatch against the weighted mean of those of single examples."""
    loss, gradient, _ = subject.gradient(weights=subject.weights)
    weights, losses = subject.weights.astype(float), subject.losses(subject.params)
    sums = np.zeros((3, gradient.size))  # of 1, w, w^2 times each gradient
    for weight, single in zip(weights, subject.singles):
        sums += np.array([[1], [weight], [weight**2]]) * single
    for name, got, (plain, weighted, squared) in (
        ("gradient", gradient, sums),
        ("loss", loss, (losses.sum(), weights @ losses, weights**2 @ losses)),
    ):
        if close(got, weighted / subject.n):
            continue
        text = first_match(
            got,
            {
                "a sum, not a mean: divide it by the number of examples": weighted,
                "without the weights: multiply each example's loss by its weight": plain / subject.n,
                "a sum, and without the weights: the mean of weights times losses is wanted": plain,
                "divided by the sum of the weights: divide by the number of examples": weighted / weights.sum(),
                "weighted twice": squared / subject.n,
            },
        )
        text = text or "not the mean of weights times what single examples give"
        return Finding("gradient", False, f"the {name} of a minibatch is {text}")
    return Finding("gradient", True, "the mean of weights times the gradients of single examples, and its loss")


def check_scores(subject, norms):
    """Hold scores in minibatches against those of single examples, and these against norms of gradients."""
    alone, expected = [], []
    for n, gradient in enumerate(subject.singles):
        alone.append(subject.scores(rows=slice(n, n + 1))[0][0])
        expected.append(np.linalg.norm(gradient))
    alone, expected, n, w = np.array(alone, float), np.array(expected), subject.n, subject.weights.astype(float)
    mistakes = {
        "divided by the number of examples (a mean loss was differentiated): multiply by it": 1 / n,
        "divided by the square of the number of examples: squared norms of a mean loss": 1 / n**2,
        "weighted: they must be those of the unweighted losses": w,
        "weighted and divided by the number of examples: those of the unweighted losses are wanted": w / n,
        "weighted twice, as squared norms are: those of the unweighted losses are wanted": w**2,
    }
    for name, got in (
        ("scores", subject.scores()[0]),
        ("scores that gradient returns", subject.gradient(weights=subject.weights)[2]),
    ):
        if not close(got, alone):
            text = first_match(got, {text: factor * alone for text, factor in mistakes.items()})
            text = text or "not those of the examples alone"
            return Finding("scores", False, f"{name} are {text}")
    if not norms or close(alone, expected):
        text = "norms of the gradients of single examples" if norms else "an example's score is its own"
        return Finding("scores", True, text)
    return Finding("scores", False, _describe_scores(subject, alone, expected))


def _describe_scores(subject, scores, norms):
    """Say what scores are that are not the norms of gradients."""
    if close(scores, norms**2):
        return "scores are squared norms of gradients: take the square root"
    if ratio := _constant_ratio(scores, norms):
        return f"scores are {ratio:.3g} times the norms of gradients, for every example"
    if not (scores <= (1 + RTOL) * norms).all():
        return "scores are not the norms of gradients; if another score is meant, check with norms=False"
    least, most = (scores / np.maximum(norms, 1e-30)).min(), (scores / np.maximum(norms, 1e-30)).max()
    part = _missing_range(subject, norms**2 - scores**2)
    if part:
        return f"scores leave out the parameters {part[0]} to {part[1] - 1}: the bias forgotten? Add 1 to |x|^2"
    return (
        f"scores are {least:.2g} to {most:.2g} times the norms of gradients: some parameters are left out, such as the "
        "biases (add 1 to |x|^2); if another score is meant, check with norms=False"
    )


def _missing_range(subject, missing):
    """Return the range of parameters whose squared gradients explain what is missing, or None."""
    if subject.n * subject.params.size > MOST_KEPT:
        return None
    squares = np.array([np.concatenate([[0.0], np.cumsum(gradient**2)]) for gradient in subject.singles])
    k = int(missing.argmax())
    stops = np.searchsorted(squares[k], squares[k] + missing[k] * (1 - RTOL)).clip(max=subject.params.size)
    errors = np.abs(squares[:, stops] - squares - missing[:, None]).max(axis=0)
    found = np.flatnonzero(errors <= 0.01 * missing.max())
    if not found.size:
        return None
    start = found[(stops[found] - found).argmin()]  # not with neighbours that have hardly any gradient
    return int(start), int(stops[start])
