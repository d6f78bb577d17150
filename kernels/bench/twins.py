"""Compute the results of the kernels with NumPy, in the way one would write it: twins of the same names."""

import numpy as np

from isgd_mpi.kernels.meeting import STRIDE

_BITS = 0xFFFFFFFF


def squared_row_norms(x, out):
    """Sum the squares of each row by einsum."""
    out[:] = np.einsum("ni,ni->n", x, x)


def add_squared_grad_norms(squared_input_norms, squared_delta_norms, out):
    """Add one layer's share."""
    out += (squared_input_norms + 1) * squared_delta_norms


def sum_grad_norms(squared_input_norms, squared_delta_norms, out):
    """Sum over parts, and then over layers."""
    out[:] = np.sqrt(((squared_input_norms.sum(axis=1) + 1) * squared_delta_norms.sum(axis=1)).sum(axis=0))


def sum_weighted(shares, losses, grad_norms):
    """Take two scalar products."""
    exact = shares.astype(float)
    return float(exact @ losses), float(abs(exact) @ grad_norms)


def bias_relu(z, bias, squared_norms):
    """Add the bias, clip and take the norms: three passes."""
    z += bias
    np.maximum(z, 0, out=z)
    squared_row_norms(z, squared_norms)


def relu_backward(delta, activation, squared_norms):
    """Mask, and take the norms."""
    delta *= activation > 0
    squared_row_norms(delta, squared_norms)


def relu_backward_transposed(upstream, activation, delta, squared_norms):
    """Transpose, mask, and take the norms."""
    np.multiply(upstream.T, activation > 0, out=delta)
    squared_row_norms(delta, squared_norms)


def bfloat16(x):
    """Round to bfloat16, as bits."""
    bits = x.view(np.uint32)
    rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16
    return np.where(np.isnan(x), bits >> 16 | 64, rounded).astype(np.uint16)


def float32(bits):
    """Widen bits of bfloat16 to float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def round_rows(x, out, squared_norms):
    """Round, and take the norms."""
    out[:] = bfloat16(x)
    squared_row_norms(x, squared_norms)


def bias_relu_rounded(z, bias, out, squared_norms):
    """Add the bias, clip, round, and take the norms."""
    round_rows(np.maximum(z + bias, 0), out, squared_norms)


def relu_backward_rounded(upstream, activation, out, squared_norms):
    """Mask, round, and take the norms."""
    round_rows(np.where(activation & 0x7FFF, upstream, np.float32(0)), out, squared_norms)


def relu_backward_weighted(upstream, activation, shares, out, weighted, bias_gradient, squared_norms, begin):
    """Mask, round, take the norms, weight, sum, and round again."""
    units = slice(begin, begin + len(bias_gradient))
    delta = upstream[:, : len(bias_gradient)]
    delta[activation[:, units] & 0x7FFF == 0] = 0
    round_rows(delta, out[:, units], squared_norms)
    weighted[:, units] = bfloat16(delta * shares[:, None])
    np.matmul(shares, delta, out=bias_gradient)


def pack(w, pairs):
    """Round, put rows in pairs, cut panels of 64 columns, of 16 at the end; for widths that need no padding."""
    fan_in, fan_out = w.shape
    wide = fan_out // 64 * 64
    starts = [*range(0, wide, 64), *range(wide, fan_out, 16)]
    bits = bfloat16(w).reshape(fan_in // 2, 2, fan_out).transpose(0, 2, 1)
    panels = [bits[:, start:stop].ravel() for start, stop in zip(starts, [*starts[1:], fan_out])]
    pairs.view(np.uint16)[:] = np.concatenate(panels)


def pack_transposed(w, pairs):
    """Transpose, and pack."""
    pack(np.ascontiguousarray(w.T), pairs)


def pack_weighted(delta, shares, pairs, totals):
    """Multiply, and pack; sum by BLAS."""
    pack(delta * shares[:, None], pairs)
    np.matmul(shares, delta, out=totals)


def multiply(h, pairs, out):
    """Unpack, widen and multiply; for a multiple of 64 columns."""
    np.matmul(float32(h), _unpacked(pairs, h.shape[1]), out=out)


def _unpacked(pairs, fan_in):
    panels = pairs.view(np.uint16).reshape(-1, fan_in // 2, 64, 2).transpose(1, 3, 0, 2)
    return float32(panels.reshape(fan_in, -1))


def round_features(x, rows, columns, first, last):
    """Round, and transpose."""
    rows[first:last] = bfloat16(x[first:last])
    columns[: x.shape[1], first:last] = rows[first:last].T


def activate(h, pairs, bias, rows, columns, squared_norms, first, last, begin, end):
    """Unpack, multiply, add the bias, clip, take the norms, round, and transpose; for whole layers."""
    activations = np.maximum(float32(h[first:last]) @ _unpacked(pairs, h.shape[1]) + bias, 0)
    squared_row_norms(activations, squared_norms)
    round_features(activations, rows, columns, first, last)


def propagate(
    w_rows, delta_pairs, h_columns, shares, backward_pairs, gradient_pairs, bias_gradient, squared_norms, begin, end
):
    """Unpack, multiply, mask, take the norms, and pack twice; for whole layers."""
    upstream = float32(w_rows[begin:end]) @ _unpacked(delta_pairs, w_rows.shape[1])
    delta = np.where(h_columns[begin:end], upstream, np.float32(0)).T.copy()
    squared_row_norms(delta, squared_norms)
    pack(delta.T.copy(), backward_pairs)
    delta *= shares[:, None]
    pack(delta, gradient_pairs)
    bias_gradient[:] = delta.sum(axis=0)


def descend(h_columns, gradient_pairs, w, moment, mean_square, settings, pairs, rows, first, last, begin, end):
    """Form the gradient, update, round, and pack; for whole layers, without momentum."""
    gradient = np.empty_like(w)
    form_gradient(h_columns, gradient_pairs, gradient, first, last, begin, end)
    sgd_update(w, gradient, settings[0], settings[2])
    round_weights(w, pairs, rows, first, last, begin, end)


def round_weights(w, pairs, rows, first, last, begin, end):
    """Round, and pack; for whole layers."""
    rows[first:last] = bfloat16(w)
    pack(w, pairs)


def form_gradient(h_columns, gradient_pairs, gradient, first, last, begin, end):
    """Unpack and multiply; for whole layers."""
    np.matmul(float32(h_columns[: len(gradient)]), _unpacked(gradient_pairs, h_columns.shape[1]), out=gradient)


def sgd_update(params, gradient, learning_rate, weight_decay=0.0):
    """Check, and update."""
    if not np.isfinite(gradient).all():
        return 0
    params -= np.float32(learning_rate) * (gradient + np.float32(weight_decay) * params)
    return params.size


def nesterov_update(params, velocity, gradient, learning_rate, momentum, weight_decay=0.0):
    """Check, coast, and update."""
    if not np.isfinite(gradient).all():
        return 0
    gradient = gradient + np.float32(weight_decay) * params
    velocity *= momentum
    params -= velocity
    velocity -= np.float32(learning_rate) * gradient
    params += np.float32(1 + momentum) * velocity
    return params.size


def update_columns(params, moment, mean_square, gradient, settings, begin, end):
    """Update views of the columns."""
    theta, g = params[:, begin:end], gradient[:, begin:end]
    if moment is None:
        sgd_update(theta, g, settings[0], settings[2])
    elif mean_square is None:
        nesterov_update(theta, moment[:, begin:end], g, *settings)
    else:
        adam_update(theta, moment[:, begin:end], mean_square[:, begin:end], g, *settings)


def update_and_round(params, moment, mean_square, gradient, settings, rounded, begin, end):
    """Update views of the columns, and round."""
    own = [None if each is None else each[:, begin:end] for each in (params, moment, mean_square)]
    update_columns(*own, gradient[:, : end - begin], settings, 0, end - begin)
    rounded[:, begin:end] = bfloat16(np.ascontiguousarray(own[0]))


def arrive(counters, rank, number, n_looks):
    """Count, and compare all counters."""
    counters[rank * STRIDE] = number
    return bool((counters[::STRIDE] >= number).all())


def adam_update(params, mean, mean_square, gradient, rate, tiny, scale, weight_decay, shrinkage):
    """Check, update two moving averages, and the parameters."""
    if not np.isfinite(gradient).all():
        return 0
    gradient = np.float32(scale) * gradient + np.float32(weight_decay) * params
    mean += np.float32(0.1) * (gradient - mean)
    mean_square += np.float32(0.001) * (gradient * gradient - mean_square)
    params -= np.float32(shrinkage) * params
    params -= np.float32(rate) * mean / (np.sqrt(mean_square) + np.float32(tiny))
    return params.size


def lstm_forward(gates, previous_cell, active, cell):
    """Compute gates and cells in a pass each, then mask."""
    i, f, g, o = np.split(gates, 4, axis=1)
    for gate in (i, f, o):
        gate[:] = (1 + gate) / 2
    cell[:] = f * previous_cell + i * g
    gates[~active] = 0
    cell[~active] = 0


def lstm_backward(gates, previous_cell, squashed_cell, hidden_delta, cell_delta, gate_delta):
    """Apply the chain rule, an array at a time."""
    i, f, g, o = np.split(gates, 4, axis=1)
    d_input, d_forget, d_candidate, d_output = np.split(gate_delta, 4, axis=1)
    cell_delta += hidden_delta * o * (1 - squashed_cell**2)
    d_input[:] = cell_delta * g * i * (1 - i)
    d_forget[:] = cell_delta * previous_cell * f * (1 - f)
    d_candidate[:] = cell_delta * i * (1 - g**2)
    d_output[:] = hidden_delta * squashed_cell * o * (1 - o)
    cell_delta *= f


def append_losses(history, lengths, rows, losses):
    """Shift and write the rows that differ; a repeated row gets one entry at a time."""
    left = np.arange(len(rows))
    while len(left):
        _, first = np.unique(rows[left], return_index=True)
        now = left[first]
        history[rows[now], :-1] = history[rows[now], 1:]
        history[rows[now], -1] = losses[now]
        lengths[rows[now]] = np.minimum(lengths[rows[now]] + 1, history.shape[1])
        left = np.delete(left, first)


def average_by_class(moments, classes, losses, kept):
    """Take weighted sums of each class, in which the last loss weighs most."""
    for each in np.unique(classes):
        own = losses[classes == each]
        shares = (1 - kept) * kept ** np.arange(len(own) - 1, -1, -1)
        moments[each] *= kept ** len(own)
        moments[each] += shares @ own, shares @ own**2


def gather_standardized(images, indices, mean, inverse_std, out):
    """Gather, and standardise."""
    standardize(images[indices], mean, inverse_std, out)


def standardize(images, mean, inverse_std, out):
    """Subtract the mean and scale: two passes."""
    np.subtract(images, mean, out=out)
    out *= inverse_std


def add_moments(images, shift, sums, squared_sums):
    """Shift, sum, and sum the squares."""
    difference = images - shift
    sums += difference.sum(axis=0)
    squared_sums += np.einsum("bi,bi->i", difference, difference)


def _mix32(x):
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & _BITS
    x = ((x ^ (x >> 15)) * 0x846CA68B) & _BITS
    return x ^ (x >> 16)


def fill_examples(indices, prototypes, backgrounds, images, labels):
    """Make all pixels of all examples at a time."""
    key = _mix32(_mix32(indices & _BITS) ^ (indices >> 32)).astype(np.uint64)
    which, how = _mix32(key ^ np.uint64(1)).astype(np.int64), _mix32(key ^ np.uint64(2)).astype(np.int64)
    n_classes = len(prototypes)
    labels[:] = which % n_classes
    other = (labels + 1 + (which >> 16) % (n_classes - 1)) % n_classes
    background = _mix32(key ^ np.uint64(3)) % np.uint64(len(backgrounds))
    contrast = 64 + (how & 127)
    share = np.where(((how >> 8) & 255) < 26, 120 + ((how >> 24) & 31), 176 + ((how >> 16) % 80))
    signal = (share * contrast)[:, None] * prototypes[labels]
    signal += ((256 - share) * contrast)[:, None] * prototypes[other]
    signal += ((256 - contrast) << 8)[:, None] * backgrounds[background]
    pixels = np.arange(1, images.shape[1] + 1, dtype=np.uint64) << np.uint64(16)
    words = _mix32(key[:, None] ^ pixels).astype(np.uint32)
    four_bytes = words.view(np.uint8).reshape(*words.shape, 4).sum(axis=2, dtype=np.int64)
    images[:] = np.clip(128 + (signal >> 16) + ((four_bytes - 510) >> 2), 0, 255)


def active_in_rows(h, values, indices, counts):
    """List active inputs block by block; the kernel leaves other entries behind these."""
    depth = values.shape[1] // counts.shape[1]
    for block in range(counts.shape[1]):
        part = h[:, block * depth : (block + 1) * depth]
        places = slice(block * depth, block * depth + part.shape[1])
        _list_active(part, values[:, places], indices[:, places], counts[:, block])


def active_in_columns(h, values, indices, counts):
    """List active inputs, all columns at a time."""
    _list_active(h.T, values, indices, counts)
    return int(counts.sum())


def _list_active(rows, values, indices, counts):
    active = rows != 0
    order = np.argsort(~active, axis=1, kind="stable")
    counts[:] = active.sum(axis=1)
    listed = np.arange(rows.shape[1]) < counts[:, None]
    np.copyto(values, np.take_along_axis(rows, order, axis=1), where=listed)
    np.copyto(indices, order.astype(np.int32), where=listed)


def add_active_dots(indices, counts, delta, w, upstream, begin, end):
    """Multiply by BLAS, mask, and add."""
    active = np.zeros((len(w), len(delta)), delta.dtype)
    _fill_in(np.ones(indices.shape, delta.dtype), indices, counts, active)
    upstream[begin:end] += (w[begin:end] @ delta.T) * active[begin:end]


def add_product(h, w, z, begin, end):
    """Multiply by BLAS, and add."""
    z[:, begin:end] += h @ w[:, begin:end]


def add_active_product(values, indices, counts, w, z, begin, end):
    """Fill in the zeros, multiply by BLAS, and add."""
    depth, n_blocks = values.shape[1] // counts.shape[1], counts.shape[1]
    h = np.zeros((len(values), n_blocks, depth), values.dtype)
    shape = h.shape
    _fill_in(values.reshape(shape), indices.reshape(shape), counts, h)
    z[:, begin:end] += h.reshape(len(values), -1)[:, : len(w)] @ w[:, begin:end]


def write_outputs(h, w, b, w_transposed, z, first, last):
    """Multiply by BLAS, and add the bias."""
    w_transposed[: w.shape[1]], w_transposed[w.shape[1] :] = w.T, 0
    np.matmul(h[first:last], w, out=z[first:last])
    z[first:last] += b


def write_below(delta, w_transposed, h, below, squared_norms, begin, end):
    """Multiply by BLAS, and mask."""
    below[:, begin:end] = delta @ w_transposed[: delta.shape[1], begin:end]
    relu_backward(below[:, begin:end], h[:, begin:end], squared_norms)


def descend_narrow(
    h, delta, shares, gradient, w, moment, mean_square, b, b_moment, b_mean_square, settings, begin, end
):
    """Form the gradient by BLAS, and update."""
    weighted = delta * shares[:, None]
    gradient[w.shape[1] :, begin:end] = 0
    np.matmul(weighted.T, h[:, begin:end], out=gradient[: w.shape[1], begin:end])
    own = np.ascontiguousarray(gradient[: w.shape[1], begin:end].T)
    update_columns(w, moment, mean_square, own, settings, 0, w.shape[1])
    moments = (None if each is None else each[None] for each in (b_moment, b_mean_square))
    update_columns(b[None], *moments, weighted.sum(axis=0)[None], settings, 0, len(b))


def descend_along_product(
    values, indices, counts, delta, shares, w, moment, mean_square, b, b_moment, b_mean_square, settings, begin, end
):
    """Fill in the zeros, form the gradient by BLAS, and update."""
    columns = np.zeros((len(w), len(delta)), values.dtype)
    _fill_in(values, indices, counts, columns)
    gradient = np.zeros_like(w)
    weighted = delta[:, begin:end] * shares[:, None]
    np.matmul(columns, weighted, out=gradient[:, begin:end])
    update_columns(w, moment, mean_square, gradient, settings, begin, end)
    by_biases = np.zeros((1, len(b)), w.dtype)
    by_biases[0, begin:end] = weighted.sum(axis=0)
    moments = (None if each is None else each[None] for each in (b_moment, b_mean_square))
    update_columns(b[None], *moments, by_biases, settings, begin, end)


def _fill_in(values, indices, counts, out):
    """Write listed values to the places that they were listed from."""
    *lists, _ = listed = np.nonzero(np.arange(values.shape[-1]) < counts[..., None])
    out[(*lists, indices[listed])] = values[listed]
