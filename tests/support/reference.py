"""Compute what every fast path computes, slowly and obviously: tests hold results against these twins."""

import math

import numpy as np


def python_of(kernel):
    """Return a kernel as plain Python; itself where compilation is off."""
    return getattr(kernel, "py_func", kernel)


def squared_row_norms(x):
    """Sum the squares of each row, in float64."""
    return np.array([sum(float(value) ** 2 for value in row) for row in x])


def squared_grad_norms(x, delta):
    """Form each outer product of an affine layer's gradient, and sum its squares."""
    norms = []
    for row, d in zip(x.astype(float), delta.astype(float)):
        weight_gradient = np.outer(row, d)
        norms.append((weight_gradient**2).sum() + (d**2).sum())
    return np.array(norms)


def sum_grad_norms(input_norms, delta_norms):
    """Sum over layers, whose squared norms are lists of parts; return the roots."""
    return np.sqrt(sum((sum(inputs) + 1) * sum(deltas) for inputs, deltas in zip(input_norms, delta_norms)))


def sum_weighted(shares, losses, grad_norms):
    """Sum losses times shares, and norms times absolute shares."""
    pairs = zip(shares.tolist(), losses.tolist(), grad_norms.tolist())
    return tuple(map(sum, zip(*((share * loss, abs(share) * norm) for share, loss, norm in pairs))))


def bias_relu(z, bias):
    """Add the bias, and clip at zero."""
    return np.maximum(z + bias, 0)


def relu_backward(delta, activation):
    """Zero the deltas of inactive units."""
    return np.where(activation > 0, delta, 0)


def relu_backward_transposed(upstream, activation):
    """Zero the deltas of inactive units, given the transposed gradient."""
    return relu_backward(upstream.T, activation)


@np.vectorize
def bfloat16(value):
    """Round to eight significant bits, halfway to the even number; return floats."""
    value = float(value)
    if value == 0 or not math.isfinite(value):
        return value
    spacing = 2.0 ** (max(math.frexp(value)[1], -125) - 8)
    nearest = round(value / spacing) * spacing  # Python rounds halves to even
    return math.copysign(math.inf, value) if abs(nearest) >= 2.0**128 else nearest


def product_of_bfloat16(left, right):
    """Round two matrices and multiply them, in float64."""
    return bfloat16(left) @ bfloat16(right)


def mlp_inputs(weights, biases, x, multiply=np.matmul):
    """Go forward in float64; return the inputs of all layers, and the logits as the last of the list."""
    inputs = [np.asarray(x, dtype=float)]
    for k, (w, b) in enumerate(zip(weights, biases)):
        z = multiply(inputs[-1], w.astype(float)) + b.astype(float)
        inputs.append(np.maximum(z, 0) if k < len(weights) - 1 else z)
    return inputs


def mlp_logits(weights, biases, x):
    """Go forward in float64; return the logits."""
    return mlp_inputs(weights, biases, x)[-1]


def softmax_cross_entropy(logits, labels):
    """Compute deltas, losses and predicted classes, in float64."""
    logits = logits.astype(float)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    losses = -np.log(probabilities[rows, labels])
    delta = probabilities.copy()
    delta[rows, labels] -= 1
    return delta, losses, logits.argmax(axis=1)


def low_precision_norms(weights, biases, x, targets, loss=softmax_cross_entropy):
    """Compute gradient norms and losses of an MLP whose products are of rounded factors, layer by layer."""
    *inputs, logits = mlp_inputs(weights, biases, x, product_of_bfloat16)
    delta, losses, _ = loss(logits, targets)
    squared = np.zeros(len(x))
    for h, w in zip(reversed(inputs), reversed(weights)):
        squared += squared_grad_norms(h, delta)
        delta = product_of_bfloat16(delta, w.T) * (bfloat16(h) > 0)
    return np.sqrt(squared), losses


def low_precision_gradient(weights, biases, x, targets, importance_weights, loss=softmax_cross_entropy):
    """Average the losses and gradients of an MLP whose products are of rounded factors; return the norms too."""
    *inputs, logits = mlp_inputs(weights, biases, x, product_of_bfloat16)
    delta, losses, _ = loss(logits, targets)
    shares = importance_weights / len(x)
    parts, squared = [], np.zeros(len(x))
    for h, w in zip(reversed(inputs), reversed(weights)):
        weighted = delta * shares[:, None]
        parts = [product_of_bfloat16(h.T, weighted).ravel(), weighted.sum(axis=0)] + parts
        squared += squared_grad_norms(h, delta)
        delta = product_of_bfloat16(delta, w.T) * (bfloat16(h) > 0)
    return shares @ losses, np.concatenate(parts), np.sqrt(squared)


def logistic(z, labels):
    """Compute deltas, losses and whether all labels are right, in float64, as logarithms of probabilities."""
    z = z.astype(float)
    probabilities = 1 / (1 + np.exp(-z))
    of_truth = np.where(labels > 0.5, probabilities, 1 / (1 + np.exp(z)))
    return probabilities - labels, -np.log(of_truth).sum(axis=1), ((z > 0) == (labels > 0.5)).all(axis=1)


def squared_error(z, numbers):
    """Compute deltas, losses and the signs of the first residuals, in float64."""
    residuals = z.astype(float) - numbers
    return residuals, (residuals**2).sum(axis=1) / 2, residuals[:, 0] >= 0


def huber(z, numbers, threshold):
    """Compute deltas, losses and the signs of the first residuals of Huber's loss, case by case, in float64."""
    residuals = z.astype(float) - numbers
    inside, size = np.abs(residuals) <= threshold, np.abs(residuals)
    losses = np.where(inside, residuals**2 / 2, threshold * (size - threshold / 2))
    return np.where(inside, residuals, threshold * np.sign(residuals)), losses.sum(axis=1), residuals[:, 0] >= 0


def nesterov_update(params, velocity, gradient, learning_rate, momentum, weight_decay=0.0):
    """Compute new parameters and velocity, as method.md section 8 writes them."""
    gradient = gradient + weight_decay * params
    new_velocity = momentum * velocity - learning_rate * gradient
    return params - momentum * velocity + (1 + momentum) * new_velocity, new_velocity


def add_drawn_moments(norms, importance_weights):
    """Return a minibatch's means of r |g|, r |g|^2, r^2 |g|^2, and the products of these."""
    terms = [(r * g, r * g * g, r * r * g * g) for g, r in zip(norms, importance_weights)]
    means = [sum(column) / len(norms) for column in zip(*terms)]
    return np.array(means), np.array([[one * other for other in means] for one in means])


def keep_newer(scores, steps, bounds, new_scores, new_steps):
    """Choose the newer of two scores, run after run; return scores and steps."""
    for (begin, end), step in zip(bounds, new_steps):
        scores, steps = keep_newer_at(scores, steps, range(begin, end), new_scores, step)
        new_scores = new_scores[end - begin :]
    return np.array(scores), np.array(steps)


def keep_newer_at(scores, steps, rows, new_scores, step):
    """Choose the newer of two scores, row after row; return scores and steps."""
    scores, steps = list(scores), list(steps)
    for n, new in zip(rows, new_scores):
        if steps[n] <= step:
            scores[n], steps[n] = new, step
    return np.array(scores), np.array(steps)


def lowest_steps(steps, size):
    """Return the smallest step of each block that is not negative, or the largest int32."""
    blocks = [steps[start : start + size] for start in range(0, len(steps), size)]
    return [min((step for step in block if step >= 0), default=2**31 - 1) for block in blocks]


def put(scores, places, along):
    """Write scores one by one; return all of them."""
    along = list(along)
    for score, place in zip(scores, places):
        along[place] = score
    return np.array(along)


def rows_of(bounds):
    """Return the examples of some runs, one after the other."""
    return np.array([n for begin, end in bounds for n in range(begin, end)], int)


def put_runs(new, bounds, scores, places, along):
    """Write scores by example, and along an order; return both."""
    rows = rows_of(bounds)
    return np.where(np.isin(np.arange(len(new)), rows), new, scores), put(new[rows], places[rows], along)


def weights_of_runs(scores, bounds, affine):
    """Return the weights of the examples of some runs."""
    return weights_at(scores, rows_of(bounds), affine)


def sum_blocks(along, size):
    """Return the exactly rounded sums of all blocks, and of all blocks up to each one."""
    blocks = along.astype(float).reshape(-1, size)
    return [math.fsum(block) for block in blocks], [math.fsum(blocks[: n + 1].ravel()) for n in range(len(blocks))]


def search_blocks(scores, affine, points):
    """Scan the sums of the weights."""
    return search_positions(np.cumsum(affine[0] * scores.astype(float) + affine[1]), 0.0, points)


def weights_at(scores, rows, affine):
    """Return the weights of some examples."""
    return [affine[0] * float(scores[n]) + affine[1] for n in rows]


def add_by_level(norms, base_weights, lowest, n_levels):
    """Return the sums of squared norms, and of these times the weights, by the eighth of an octave of the weight."""
    sums = np.zeros((2, n_levels))
    for norm, weight in zip(norms.astype(float), base_weights.astype(float)):
        mantissa, exponent = np.frexp(weight)
        level = 8 * (exponent - 1 - lowest) + int(16 * mantissa - 8) if weight > 0 else 0
        sums[:, min(max(level, 0), n_levels - 1)] += norm**2, norm**2 * weight
    return sums


def window(blocks, least):
    """Return means, covariance and number of the minibatches of some blocks, each with its mean."""
    means, probes = np.concatenate([block[0] for block in blocks]), np.concatenate([block[1] for block in blocks])
    values, covariance = np.full(4, np.nan), np.full((4, 4), np.nan)
    covariance[3, :3] = covariance[:3, 3] = 0
    if len(means) >= least:
        values[:3], covariance[:3, :3] = means.mean(axis=0), np.cov(means.T, ddof=1) / len(means)
    if len(probes):
        values[3], covariance[3, 3] = probes[:, 0].mean(), probes[:, 1].sum() / len(probes) ** 2
    return values, covariance, len(means)


def longest_window(blocks, lengths, least, agree):
    """Form each window, and compare each pair of means over windows up to it."""
    blocks = blocks[: max(1, sum(len(means) > 0 for means, _ in blocks))]
    windows = [window(blocks[:length], least) for length in lengths if length <= len(blocks)]
    first = next((k for k, (means, *_) in enumerate(windows) if np.isfinite(means[3])), 0)
    for means, covariance, _ in windows[:first]:
        means[3] = windows[first][0][3]
        covariance[3, 3] = windows[first][1][3, 3] + means[3] ** 2
    for k in range(len(windows)):
        for i, j in np.ndindex(k + 1, k + 1):
            apart = np.abs(windows[i][0] - windows[j][0])
            if (apart > agree * sum(np.sqrt(np.diag(windows[n][1])) for n in (i, j))).any():
                return windows[k - 1]
    return windows[-1]


def all_finite(values):
    """Return whether no value is infinite or NaN."""
    return all(map(np.isfinite, values))


def falling_ranks(scores):
    """Return the number of larger scores, and half of the other equal ones."""
    return np.array([(scores > score).sum() + ((scores == score).sum() - 1) / 2 for score in scores])


def shared_ranks(scores, order):
    """Average the places of all that have the same score."""
    ordered = scores[order]
    return np.array([np.flatnonzero(ordered == score).mean() for score in scores])


def counting_sort(keys, order):
    """Sort an order by keys, and leave those with equal keys as they are."""
    return sorted(order, key=lambda n: keys[n])


def cumulative_sum(prob_weights, order):
    """Sum in the given order, and return all sums on the way."""
    return np.cumsum(prob_weights[order])


def systematic_positions(cumulative, mixture, offset, size):
    """Find the positions of equidistant points, by one linear scan each."""
    return search_positions(cumulative, mixture, [(offset + m) / size for m in range(size)])


def mlp_example_gradient(weights, biases, x, target, loss=softmax_cross_entropy):
    """Compute loss and gradient of one example, layer by layer; the gradient is flat, as the parameters are."""
    *inputs, logits = mlp_inputs(weights, biases, x)
    (delta,), losses, _ = loss(logits[None], np.array([target]))
    parts = []
    for k in reversed(range(len(weights))):
        parts = [np.outer(inputs[k], delta).ravel(), delta] + parts
        delta = (weights[k].astype(float) @ delta) * (inputs[k] > 0)
    return losses[0], np.concatenate(parts)


def trace_of_covariance(gradients, proposal):
    """Enumerate all N outcomes of ``g / (N q)`` under q, and return the trace of their covariance."""
    n_examples = len(gradients)
    estimates = gradients / (n_examples * proposal[:, None])
    mean = proposal @ estimates
    return proposal @ ((estimates - mean) ** 2).sum(axis=1)


def add_second_moments(squared_norms, base_weights, shares, mixtures):
    """Sum share |g|^2 / omega for each mixture, term by term."""
    return np.array(
        [
            sum(c * g / ((1 - lam) * w + lam) for g, w, c in zip(squared_norms, base_weights, shares) if g)
            for lam in mixtures
        ]
    )


def gather_standardized(images, indices, mean, inverse_std):
    """Standardise the features of chosen examples, in float64."""
    return standardize(images[indices], mean, inverse_std)


def standardize(images, mean, inverse_std):
    """Standardise features, in float64."""
    return (images.astype(float) - mean.astype(float)) * inverse_std.astype(float)


def sgd_update(params, gradient, learning_rate, weight_decay=0.0):
    """Compute new parameters."""
    return params - learning_rate * (gradient + weight_decay * params)


def search_positions(cumulative, mixture, points):
    """Find the first position at which the sum of mixed weights exceeds each fraction of the total, by linear scans."""
    sums = [(1 - mixture) * total + mixture * (k + 1) for k, total in enumerate(cumulative)]
    return np.array([next(k for k, total in enumerate(sums) if total > point * sums[-1]) for point in points])


def integrate_over_offsets(prob_weights, n_points, outcome):
    """Integrate an outcome of systematic sampling over its uniform offset, exactly.

    The positions found change only where a point crosses a cumulative sum: at the fractional parts
    of M times the cumulative probabilities. Between two such offsets the outcome is constant.
    """
    crossings = n_points * np.cumsum(prob_weights) / np.sum(prob_weights) % 1
    edges = np.unique(np.concatenate([[0.0], crossings, [1.0]]))
    middles, lengths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    wide = lengths > 1e-12  # narrower ones are rounding: their middle may lie on either side
    return sum(length * np.asarray(outcome(offset)) for offset, length in zip(middles[wide], lengths[wide]))


def mlp_weighted_gradient(weights, biases, x, targets, importance_weights, loss=softmax_cross_entropy):
    """Average the examples' losses and gradients, weighted; return those of the examples too."""
    pairs = [mlp_example_gradient(weights, biases, row, target, loss) for row, target in zip(x, targets)]
    losses, gradients = map(np.array, zip(*pairs))
    return importance_weights @ losses / len(x), importance_weights @ gradients / len(x), losses, gradients


def adam_update(params, mean, mean_square, gradient, learning_rate, step, decay=0.0, decoupled_decay=0.0):
    """Compute new parameters and moving averages, as algorithm 2 of arXiv:1711.05101 writes them."""
    gradient = gradient + decay * params
    mean = 0.9 * mean + 0.1 * gradient
    mean_square = 0.999 * mean_square + 0.001 * gradient**2
    unbiased, unbiased_square = mean / (1 - 0.9**step), mean_square / (1 - 0.999**step)
    change = unbiased / (np.sqrt(unbiased_square) + 1e-8) + decoupled_decay * params
    return params - learning_rate * change, mean, mean_square


def lstm_forward(z, previous_cell, active):
    """Compute gates, cells and hidden states from pre-activations, in float64; zero where masked."""
    parts = np.split(z.astype(float), 4, axis=1)
    i, f, o = (1 / (1 + np.exp(-parts[k])) for k in (0, 1, 3))
    g = np.tanh(parts[2])
    cell = f * previous_cell + i * g
    return [np.where(active[:, None], array, 0) for array in (np.hstack([i, f, g, o]), cell, o * np.tanh(cell))]


def lstm_backward(z, previous_cell, hidden_delta, cell_delta, step=1e-6):
    """Compute the deltas of pre-activations and previous cells, by central differences."""
    everywhere = np.ones(len(z), bool)

    def total(z, previous_cell):
        _, cell, hidden = lstm_forward(z, previous_cell, everywhere)
        return ((cell * cell_delta).sum(axis=1) + (hidden * hidden_delta).sum(axis=1)) / (2 * step)

    def derivative(of, width):
        nudges = step * np.eye(width)
        return np.array([of(nudge) - of(-nudge) for nudge in nudges]).T

    return (
        derivative(lambda nudge: total(z + nudge, previous_cell), z.shape[1]),
        derivative(lambda nudge: total(z, previous_cell + nudge), previous_cell.shape[1]),
    )


def append_losses(history, lengths, rows, losses):
    """Append losses to the examples' histories; return the histories as lists."""
    size = history.shape[1]
    entries = [list(row[size - length :]) for row, length in zip(history, lengths)]
    for row, loss in zip(rows, losses):
        entries[row] = [*entries[row], loss][-size:]
    return entries


def average_by_class(moments, classes, losses, kept):
    """Update the moving averages of the loss and its square, one loss after the other."""
    moments = moments.copy()
    for each, loss in zip(classes, losses):
        moments[each] = kept * moments[each] + (1 - kept) * np.array([loss, loss**2])
    return moments


def lstm_prediction(tensors, history, label):
    """Predict the loss of one example from its history, in float64."""
    inputs = [np.array([entry]) for entry in history]
    for layer in ("first", "second"):
        kernel, recurrent, bias = (tensors[f"{layer}_{part}"] for part in ("kernel", "recurrent", "bias"))
        n_units = len(recurrent)
        hidden, cell, outputs = np.zeros(n_units), np.zeros(n_units), []
        for x in inputs:
            z = (x @ kernel + hidden @ recurrent + bias)[None]
            _, cell, hidden = (array[0] for array in lstm_forward(z, cell[None], np.ones(1, bool)))
            outputs.append(hidden)
        inputs = outputs
    return np.concatenate([inputs[-1], tensors["embedding"][label]]) @ tensors["output"] + tensors["output_bias"][0]


def active_in_rows(h, depth):
    """List the places and values that are not zero, for each example and block of inputs."""
    blocks = range(0, h.shape[1], depth)
    return [
        [[(i - first, row[i]) for i in range(first, min(first + depth, len(row))) if row[i] != 0] for first in blocks]
        for row in h
    ]


def active_in_columns(h):
    """List the examples for which each input is not zero, with its values."""
    return [[(n, h[n, i]) for n in range(h.shape[0]) if h[n, i] != 0] for i in range(h.shape[1])]


def add_active_dots(h, delta, w, upstream):
    """Add w delta^T to upstream where an input is not zero, a sum at a time, in float64."""
    added = upstream.astype(float)
    for i, listed in enumerate(active_in_columns(h)):
        for n, _ in listed:
            added[i, n] += sum(float(a) * float(b) for a, b in zip(w[i], delta[n]))
    return added


def add_product(h, w, z):
    """Add h w to z, a sum at a time, in float64."""
    return np.array(
        [
            [z[n, o] + sum(float(a) * float(b) for a, b in zip(h[n], w[:, o])) for o in range(w.shape[1])]
            for n in range(len(h))
        ]
    )


def descend_along_product(h, delta, w, velocity, rate, momentum, weight_decay):
    """Take a step along the sum of outer products; return weights and velocity, in float64."""
    gradient = sum(np.outer(h[n].astype(float), delta[n].astype(float)) for n in range(len(h)))
    return nesterov_update(w.astype(float), velocity.astype(float), gradient, rate, momentum, weight_decay)
