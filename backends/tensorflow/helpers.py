"""Short functions that a script gets only where its model uses them, and the layers beside."""

from __future__ import annotations

from collections.abc import Iterable

from tercet.backends.tensorflow.helper_layers import LAYERS
from tercet.codegen.script.pieces import Piece

_HELPERS = {
    **LAYERS,
    "gelu": Piece(
        '''\
def gelu(x):
    """x * P(X <= x).  `tf.nn.gelu` computes it by erfc, which ONNX lacks."""
    return 0.5 * x * (1 + tf.math.erf(x / math.sqrt(2)))''',
        ("import math",),
    ),
    "gelu_tanh": Piece(
        '''\
def gelu_tanh(x):
    """GELU by the approximation with tanh."""
    return 0.5 * x * (1 + tf.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))''',
        ("import math",),
    ),
    "selu": Piece(
        '''\
def selu(x):
    """TensorFlow's own has the gradient from the right at 0."""
    negative = 1.6732632423543772 * tf.nn.elu(tf.minimum(x, 0.0))
    return 1.0507009873554805 * (tf.nn.relu(x) + negative)'''
    ),
    "leaky_relu": Piece(
        """\
def leaky_relu(x, alpha):
    return tf.nn.relu(x) + alpha * tf.minimum(x, 0.0)"""
    ),
    "elu": Piece(
        '''\
def elu(x, alpha):
    """x where x >= 0, else alpha * (exp(x) - 1)."""
    return tf.nn.relu(x) + alpha * tf.nn.elu(tf.minimum(x, 0.0))'''
    ),
    "celu": Piece(
        '''\
def celu(x, alpha):
    """x where x >= 0, else alpha * (exp(x / alpha) - 1)."""
    return tf.nn.relu(x) + alpha * tf.nn.elu(tf.minimum(x, 0.0) / alpha)'''
    ),
    "mish": Piece(
        '''\
def mish(x):
    """x * tanh(softplus(x))."""
    return x * tf.tanh(tf.nn.softplus(x))'''
    ),
    "hard_swish": Piece(
        '''\
def hard_swish(x):
    """x * min(max(x + 3, 0), 6) / 6."""
    return x * tf.nn.relu6(x + 3) / 6'''
    ),
    "grid_sample": Piece(
        '''\
def grid_sample(x, grid, nearest=False, border=False, align_corners=False):
    """Elements of x [N, H, W, C] at the places (x, y) of grid [N, P, Q, 2], from -1 to 1."""
    dtype = tf.float64 if x.dtype == tf.float64 else tf.float32
    sizes = tf.cast(tf.shape(x)[1:3], dtype)
    last = sizes - 1
    places = tf.cast(grid[..., ::-1], dtype) + 1
    places = places / 2 * last if align_corners else (places * sizes - 1) / 2
    if border:
        ends = tf.stop_gradient(tf.minimum(tf.maximum(places, 0), last))
        places = tf.where((places > 0) & (places < last), places, ends)

    def elements(places):
        inside = tf.reduce_all((places >= 0) & (places <= last), -1, keepdims=True)
        near = tf.cast(tf.minimum(tf.maximum(places, 0), last), tf.int32)
        found = tf.gather_nd(x, near, batch_dims=1)
        return tf.where(inside, found, tf.zeros_like(found))

    if nearest:
        return elements(tf.round(places))
    low = tf.floor(places)
    y, x_ = tf.split(tf.cast(places - low, x.dtype), 2, -1)
    top = elements(low) * (1 - x_) + elements(low + [0, 1]) * x_
    bottom = elements(low + [1, 0]) * (1 - x_) + elements(low + [1, 1]) * x_
    return top * (1 - y) + bottom * y'''
    ),
    "hard_shrink": Piece(
        '''\
def hard_shrink(x, threshold):
    """x, or 0 where it is no farther from 0 than the threshold."""
    return tf.where(tf.abs(x) <= threshold, tf.zeros_like(x), x)'''
    ),
    "soft_shrink": Piece(
        '''\
def soft_shrink(x, threshold):
    """x nearer to 0 by the threshold, or 0."""
    return tf.sign(x) * tf.nn.relu(tf.abs(x) - threshold)'''
    ),
    "expm1": Piece(
        '''\
def expm1(x):
    """exp(x) - 1, precise around 0; ONNX lacks it."""
    return 2 * tf.exp(x / 2) * tf.sinh(x / 2)'''
    ),
    "ceil_padding": Piece(
        '''\
def ceil_padding(x, kernel, strides, padding):
    """Padding under which the last windows may reach beyond the end."""
    widths = [(0, 0)]
    for axis, (k, s, (begin, end)) in enumerate(zip(kernel, strides, padding), 1):
        size = tf.shape(x)[axis]
        rounded_up = (size + begin + end - k + s - 1) // s
        windows = tf.minimum(rounded_up, (size + begin - 1) // s)
        widths.append((begin, tf.maximum(windows * s + k - size - begin, 0)))
    return [*widths, (0, 0)]'''
    ),
    "pad_edge": Piece(
        '''\
def pad_edge(x, widths):
    """x with copies of its outermost elements at the ends of its axes."""
    for axis, (begin, end) in enumerate(widths):
        if begin or end:
            size = tf.shape(x)[axis]
            places = tf.clip_by_value(tf.range(-begin, size + end), 0, size - 1)
            x = tf.gather(x, places, axis=axis)
    return x'''
    ),
    "average_pool": Piece(
        '''\
def average_pool(x, kernel, strides, padding, counted):
    """Averages over the cells of each window that lie in x or in the padding `counted`."""
    inner = tf.minimum(counted, padding)
    ones = tf.ones((1, *tf.unstack(tf.shape(x))[1:-1], 1), x.dtype)
    cells = tf.pad(tf.pad(ones, inner, constant_values=1.0), padding - inner)
    share = tf.nn.avg_pool(cells, kernel, strides, "VALID")
    return tf.nn.avg_pool(tf.pad(x, padding), kernel, strides, "VALID") / share'''
    ),
    "scaled_dot_product_attention": Piece(
        '''\
def scaled_dot_product_attention(q, k, v, mask=None, causal=False, scale=None):
    """softmax(q k^T * scale) v over the keys that the mask shows; 0 if none."""
    scores = tf.matmul(q, k, transpose_b=True)
    scores *= q.shape[-1] ** -0.5 if scale is None else scale
    visible = mask
    if causal:
        rows, columns = tf.shape(scores)[-2], tf.shape(scores)[-1]
        earlier = tf.range(columns) <= tf.range(rows)[:, tf.newaxis]
        visible = earlier if mask is None else mask & earlier
    if visible is not None:
        scores = tf.where(visible, scores, scores.dtype.min)
    weights = tf.nn.softmax(scores)
    if mask is not None:
        weights = tf.where(visible, weights, 0)
    return weights @ v'''
    ),
    "biased_attention": Piece(
        '''\
def biased_attention(q, k, v, bias, causal=False, scale=None):
    """softmax(q k^T * scale + bias) v; -infinity hides a key, and 0 is left of none."""
    visible = bias > -float("inf")
    scores = tf.matmul(q, k, transpose_b=True)
    scores *= q.shape[-1] ** -0.5 if scale is None else scale
    scores += tf.where(visible, bias, tf.zeros_like(bias))
    if causal:
        rows, columns = tf.shape(scores)[-2], tf.shape(scores)[-1]
        visible &= tf.range(columns) <= tf.range(rows)[:, tf.newaxis]
    weights = tf.nn.softmax(tf.where(visible, scores, scores.dtype.min))
    return tf.where(visible, weights, 0) @ v'''
    ),
    "floor_divide": Piece(
        '''\
def floor_divide(x, y):
    """x // y of integers.  Written out: tf2onnx makes it round towards zero."""
    quotient = tf.truncatediv(x, y)
    below = ((x < 0) != (y < 0)) & (quotient * y != x)
    return quotient - tf.cast(below, quotient.dtype)'''
    ),
    "floor_modulo": Piece(
        '''\
def floor_modulo(x, y):
    """x % y of integers.  Written out: tf2onnx gives it the sign of x."""
    rest = x - y * tf.truncatediv(x, y)
    wrong = (rest != 0) & ((rest < 0) != (y < 0))
    return rest + y * tf.cast(wrong, rest.dtype)'''
    ),
    "pixel_shuffle": Piece(
        '''\
def pixel_shuffle(x, factor):
    """Channels laid out as pixels, those of one result beside each other as in PyTorch."""
    channels = x.shape[-1] or tf.shape(x)[-1]
    order = tf.transpose(tf.reshape(tf.range(channels), (-1, factor**2)))
    return tf.nn.depth_to_space(tf.gather(x, tf.reshape(order, (-1,)), axis=-1), factor)'''
    ),
    "pixel_unshuffle": Piece(
        '''\
def pixel_unshuffle(x, factor):
    """Pixels as channels, those of one channel beside each other as in PyTorch."""
    x = tf.nn.space_to_depth(x, factor)
    channels = x.shape[-1] or tf.shape(x)[-1]
    order = tf.transpose(tf.reshape(tf.range(channels), (factor**2, -1)))
    return tf.gather(x, tf.reshape(order, (-1,)), axis=-1)'''
    ),
    "adaptive_pool": Piece(
        '''\
def adaptive_pool(reduce, x, size, of):
    """Reduced to a size by windows that cover the image, and overlap where they must."""
    for axis, (count, whole) in enumerate(zip(size, of), 1):
        ends = [(i * whole // count, -(-(i + 1) * whole // count)) for i in range(count)]
        before = (slice(None),) * axis
        parts = [reduce(x[(*before, slice(a, b))], axis, keepdims=True) for a, b in ends]
        x = tf.concat(parts, axis)
    return x'''
    ),
    "dilated_pool": Piece(
        '''\
def dilated_pool(combine, x, kernel, strides, dilation):
    """What is combined of windows with gaps; TensorFlow's pooling has them at stride 1."""
    for axis, (k, s, d) in enumerate(zip(kernel, strides, dilation), 1):
        before = (slice(None),) * axis
        last = tf.shape(x)[axis] - (k - 1) * d
        parts = [x[(*before, slice(i * d, last + i * d, s))] for i in range(k)]
        x = functools.reduce(combine, parts)
    return x''',
        ("import functools",),
    ),
    "convolution_of_groups": Piece(
        '''\
def convolution_of_groups(x, kernel, groups, **settings):
    """A convolution group by group: CPUs have no gradient of one with groups."""
    parts = zip(tf.split(x, groups, -1), tf.split(kernel, groups, -1))
    return tf.concat([tf.nn.convolution(x, k, **settings) for x, k in parts], -1)'''
    ),
    "dilated": Piece(
        '''\
def dilated(kernel, rates):
    """The kernel with zeros between its cells."""
    for axis, rate in enumerate(rates):
        places = tf.one_hot(
            range(0, kernel.shape[axis] * rate, rate),
            (kernel.shape[axis] - 1) * rate + 1,
            dtype=kernel.dtype,
        )
        spread = tf.tensordot(kernel, places, [[axis], [0]])
        order = [*range(axis), -1, *range(axis, len(kernel.shape) - 1)]
        kernel = tf.transpose(spread, [k % len(kernel.shape) for k in order])
    return kernel'''
    ),
    "transposed_convolution": Piece(
        '''\
def transposed_convolution(x, kernel, strides, output_padding=None, groups=1):
    """A transposed convolution by groups, with `output_padding` cells more at the ends."""
    batch, *sizes, _ = tf.unstack(tf.shape(x))
    axes = zip(sizes, strides, kernel.shape[: len(strides)])
    covered = [(n - 1) * stride + extent for n, stride, extent in axes]
    shape = tf.stack([batch, *covered, kernel.shape[-2]])
    parts = zip(tf.split(x, groups, -1), tf.split(kernel, groups, -1))
    y = [tf.nn.conv_transpose(x, k, shape, strides, "VALID") for x, k in parts]
    y = y[0] if groups == 1 else tf.concat(y, -1)
    if output_padding is not None:
        y = tf.pad(y, [(0, 0), *((0, extra) for extra in output_padding), (0, 0)])
    return y'''
    ),
    "nearest": Piece(
        '''\
def nearest(x, axis, size, step, start, over):
    """The elements at (step * i + start) // over of an axis; beyond its ends the outermost."""
    places = tf.maximum(tf.range(size) * step + start, 0) // over
    return tf.gather(x, tf.minimum(places, tf.shape(x)[axis] - 1), axis=axis)'''
    ),
    "interpolated": Piece(
        '''\
def interpolated(x, axis, size, step, start, over, a=None):
    """x at (step * i + start) / over of an axis: linear, or cubic with the slope `a`."""
    dtype = tf.float64 if x.dtype == tf.float64 else tf.float32
    step, start, over = (tf.cast(n, dtype) for n in (step, start, over))
    places = (tf.cast(tf.range(size), dtype) * step + start) / over
    floor = tf.floor(places)
    rest = places - floor
    weights = {0: 1 - rest, 1: rest}
    if a is not None:
        inner = ((0, rest), (1, 1 - rest))
        weights = {k: ((a + 2) * t - (a + 3)) * t * t + 1 for k, t in inner}
        outer = ((-1, 1 + rest), (2, 2 - rest))
        weights |= {k: a * (((t - 5) * t + 8) * t - 4) for k, t in outer}
    along = [-1 if k == axis else 1 for k in range(x.shape.rank)]
    parts = []
    for k, weight in weights.items():
        near = tf.clip_by_value(tf.cast(floor, tf.int32) + k, 0, tf.shape(x)[axis] - 1)
        parts.append(tf.gather(x, near, axis=axis) * tf.reshape(tf.cast(weight, x.dtype), along))
    return tf.add_n(parts)'''
    ),
    "glu": Piece(
        '''\
def glu(x, axis=-1):
    """a * sigmoid(b) of the halves of an axis."""
    a, b = tf.split(x, 2, axis=axis)
    return a * tf.sigmoid(b)'''
    ),
    "local_response_norm": Piece(
        '''\
def local_response_norm(x, size, alpha, beta, k):
    """x by the squares of the channels around; tf.nn's own takes no float64 or bfloat16."""
    channels = x.shape[-1] or tf.shape(x)[-1]
    squares = tf.pad(tf.square(x), [(0, 0)] * 3 + [(size // 2, size // 2)])
    near = tf.add_n([squares[..., i : i + channels] for i in range(size)])
    return x / (k + alpha / size * near) ** beta'''
    ),
    "root": Piece(
        '''\
def root(x, p=2):
    """x ** (1 / p) of sums of powers; backwards nothing flows on to what is all 0."""
    zero = tf.cast(x == 0, x.dtype)
    return (x + zero) ** (1 / p) - zero'''
    ),
    "sums_of_powers": Piece(
        '''\
def sums_of_powers(x, p, kernel, strides, padding=None):
    """sum(abs(x) ** p) of each window, over an input padded by zeros."""
    powers = tf.abs(x) ** p if padding is None else tf.pad(tf.abs(x) ** p, padding)
    cells = kernel**2 if isinstance(kernel, int) else kernel[0] * kernel[1]
    return tf.nn.avg_pool2d(powers, kernel, strides, "VALID") * cells'''
    ),
    "one_hot": Piece(
        '''\
def one_hot(indices, classes, axis=-1):
    """1 at each index, of which negative ones count from the end; ONNX does so too."""
    places = tf.where(indices < 0, indices + classes, indices)
    outside = tf.fill(tf.shape(places), tf.cast(classes, places.dtype))
    return tf.one_hot(tf.where(places < 0, outside, places), classes, axis=axis)'''
    ),
    "from_front": Piece(
        '''\
def from_front(indices, size):
    """Indices with the negative ones counted from the end."""
    return tf.where(indices < 0, indices + tf.cast(size, indices.dtype), indices)'''
    ),
    "take_along_axis": Piece(
        '''\
def take_along_axis(x, indices, axis=-1):
    """For each index the element of x at that place of the axis, else at its own place."""
    rank = x.shape.rank
    size = tf.cast(tf.shape(x)[axis], indices.dtype)
    indices = tf.where(indices < 0, indices + size, indices)
    order = list(range(rank))
    order[axis], order[-1] = order[-1], order[axis]
    x, indices = tf.transpose(x, order), tf.transpose(indices, order)
    return tf.transpose(tf.gather(x, indices, batch_dims=rank - 1), order)'''
    ),
    "places_along": Piece(
        '''\
def places_along(x, indices, axis=-1):
    """The place in x of each index along an axis, as one number per axis."""
    size = tf.cast(tf.shape(x)[axis], indices.dtype)
    ranges = [tf.range(n) for n in tf.unstack(tf.shape(indices))]
    places = [tf.cast(p, indices.dtype) for p in tf.meshgrid(*ranges, indexing="ij")]
    places[axis] = tf.where(indices < 0, indices + size, indices)
    return tf.stack(places, axis=-1)'''
    ),
    "tril": Piece(
        '''\
def tril(x, diagonal=0):
    """x with zeros above a diagonal of its last two axes."""
    rows, columns = tf.range(tf.shape(x)[-2]), tf.range(tf.shape(x)[-1])
    kept = columns - diagonal <= rows[:, tf.newaxis]
    return tf.where(kept, x, tf.zeros_like(x))'''
    ),
    "triu": Piece(
        '''\
def triu(x, diagonal=0):
    """x with zeros below a diagonal of its last two axes."""
    rows, columns = tf.range(tf.shape(x)[-2]), tf.range(tf.shape(x)[-1])
    kept = columns - diagonal >= rows[:, tf.newaxis]
    return tf.where(kept, x, tf.zeros_like(x))'''
    ),
    "class_loss": Piece(
        '''\
def class_loss(
    log_p, label, weight=None, ignore_index=None, smoothing=0.0, reduction="mean"
):
    """-log p of the label's class, weighed; ignored labels leave the denominator."""
    kept = tf.ones_like(log_p[..., 0])
    if ignore_index is not None:
        kept = tf.cast(label != ignore_index, log_p.dtype)
        label = tf.where(label == ignore_index, tf.zeros_like(label), label)
    if weight is None:
        weight = tf.ones_like(log_p[(0,) * (log_p.shape.rank - 1)])
    weights = tf.gather(weight, label) * kept
    loss = -tf.gather(log_p, label, batch_dims=label.shape.rank) * weights
    if smoothing:
        uniform = -tf.reduce_mean(log_p * weight, axis=-1) * kept
        loss = (1 - smoothing) * loss + smoothing * uniform
    if reduction == "none":
        return loss
    total = tf.reduce_sum(loss)
    if reduction == "mean":  # 0 where no label counts
        return tf.math.divide_no_nan(total, tf.reduce_sum(weights))
    return total'''
    ),
    "ctc_loss": Piece(
        '''\
def ctc_loss(
    function, logits, labels, label_lengths, lengths=None, blank=0, zero_infinity=False
):
    """CTC loss of each example; infinity, or 0, if its steps cannot read as its labels."""
    if lengths is None:
        lengths = tf.fill(tf.shape(logits)[:1], tf.shape(logits)[1])
    losses = function(
        labels, logits, label_lengths, lengths, logits_time_major=False, blank_index=blank
    )
    counted = tf.sequence_mask(label_lengths, tf.shape(labels)[1])
    repeated = counted[:, 1:] & (labels[:, 1:] == labels[:, :-1])
    needed = label_lengths + tf.math.count_nonzero(repeated, axis=1, dtype=tf.int32)
    blanks = tf.reduce_any(counted & (labels == blank), axis=1)
    impossible = tf.constant(0.0 if zero_infinity else float("inf"), logits.dtype)
    return tf.where((needed > lengths) | blanks, impossible, losses)'''
    ),
    "double_ctc_loss": Piece(
        '''\
def double_ctc_loss(
    labels, logits, label_lengths, lengths, *, logits_time_major, blank_index
):
    """`tf.nn.ctc_loss`, which has no float64, of logits with the examples first."""
    steps, count = tf.shape(logits)[1], tf.shape(labels)[1]
    places = tf.stack([tf.fill(tf.shape(labels), blank_index), labels], axis=2)
    places = tf.reshape(places, (-1, 2 * count))  # a blank before, between and behind labels
    places = tf.pad(places, ((0, 0), (0, 1)), constant_values=blank_index)
    log_p = tf.gather(tf.nn.log_softmax(logits), places, axis=2, batch_dims=1)
    none = tf.constant(-1e30, logits.dtype)

    def later(x, by, fill):
        return tf.pad(x, ((0, 0), (by, 0)), constant_values=fill)[:, :-by]

    apart = (places != blank_index) & (places != later(places, 2, blank_index))
    number = tf.range(2 * count + 1)

    def step(ways, at):
        jumped = tf.where(apart, later(ways, 2, none), none)
        met = tf.reduce_logsumexp([ways, later(ways, 1, none), jumped], axis=0)
        return tf.where((at < lengths)[:, tf.newaxis], met + log_p[:, at], ways)

    first = tf.where(number < 2, log_p[:, 0], none)
    ways = tf.foldl(step, tf.range(1, steps), first)
    end = 2 * label_lengths[:, tf.newaxis]
    ended = (number == end) | (number == end - 1)
    return -tf.reduce_logsumexp(tf.where(ended, ways, none), axis=1)'''
    ),
    "soft_label_loss": Piece(
        '''\
def soft_label_loss(logits, target, weight=None, smoothing=0.0, reduction="mean"):
    """Cross-entropy of probabilities along the last axis.  TensorFlow's own has the gradient
    of those whose sum is 1."""
    log_p = tf.nn.log_softmax(logits)
    if weight is not None:
        log_p *= weight
    losses = -tf.reduce_sum(target * log_p, axis=-1)
    if smoothing:
        losses = (1 - smoothing) * losses - smoothing * tf.reduce_mean(log_p, axis=-1)
    if reduction == "none":
        return losses
    if reduction == "sum":
        return tf.reduce_sum(losses)
    if weight is None:
        return tf.reduce_mean(losses)
    return tf.math.divide_no_nan(tf.reduce_sum(losses), tf.reduce_sum(target * weight))'''
    ),
    "focal_loss": Piece(
        '''\
def focal_loss(logits, target, gamma, alpha=None):
    """Binary cross-entropy of each element, which counts less the better it is predicted."""
    losses = tf.nn.sigmoid_cross_entropy_with_logits(target, logits)
    if gamma:
        wrong = target * tf.sigmoid(-logits) + (1 - target) * tf.sigmoid(logits)
        losses *= wrong**gamma
    if alpha is not None:
        losses *= alpha * target + (1 - alpha) * (1 - target)
    return losses'''
    ),
    "softmax_focal_loss": Piece(
        '''\
def softmax_focal_loss(
    logits, label, gamma, weight=None, ignore_index=None, reduction="mean"
):
    """-(1 - p)^gamma log p of the label's class, along the last axis."""
    weights = tf.ones_like(logits[..., 0])
    if ignore_index is not None:
        weights = tf.cast(label != ignore_index, logits.dtype)
        label = tf.where(label == ignore_index, tf.zeros_like(label), label)
    if weight is not None:
        weights *= tf.gather(weight, label)
    log_p = tf.gather(tf.nn.log_softmax(logits), label, batch_dims=label.shape.rank)
    losses = -log_p * weights
    if gamma:
        losses *= (-tf.math.expm1(log_p)) ** gamma
    if reduction == "none":
        return losses
    total = tf.reduce_sum(losses)
    if reduction == "sum":
        return total
    return tf.math.divide_no_nan(total, tf.reduce_sum(weights))'''
    ),
    "weighted_mean": Piece(
        '''\
def weighted_mean(losses, weight):
    """Mean by weights, which are spread over the losses; 0 where nothing counts."""
    share = tf.reduce_sum(tf.broadcast_to(weight, tf.shape(losses)))
    return tf.math.divide_no_nan(tf.reduce_sum(losses * weight), share)'''
    ),
    "binary_cross_entropy": Piece(
        '''\
def binary_cross_entropy(p, target):
    """-(t log p + (1 - t) log(1 - p)), the logarithm of 0 being -100."""
    log_p, log_q = (
        tf.where(q > 1e-37, tf.math.log(tf.maximum(q, 1e-37)), -100) for q in (p, 1 - p)
    )
    return -(target * log_p + (1 - target) * log_q)'''
    ),
    "huber": Piece(
        '''\
def huber(x, target, delta):
    """Half the square of the distance up to `delta`, linear beyond."""
    distance = tf.abs(x - target)
    linear = delta * (distance - delta / 2)
    return tf.where(distance <= delta, tf.square(distance) / 2, linear)'''
    ),
    "kl_divergence": Piece(
        '''\
def kl_divergence(log_p, target):
    """t * (log t - log p), 0 where t is 0."""
    log_t = tf.math.log(tf.where(target > 0, target, 1))
    return tf.where(target > 0, target * (log_t - log_p), 0)'''
    ),
    "cosine_distance": Piece(
        '''\
def cosine_distance(x, target, axis=-1, eps=1e-8):
    """1 minus the cosine of the angle between vectors."""
    squares = (tf.reduce_sum(tf.square(v), axis) for v in (x, target))
    lengths = [tf.sqrt(tf.maximum(square, eps**2)) for square in squares]
    return 1 - tf.reduce_sum(x * target, axis) / (lengths[0] * lengths[1])'''
    ),
}

HELPER_NAMES = frozenset(_HELPERS)


def helper_pieces(names: Iterable[str]) -> list[Piece]:
    """The definitions of these helpers, in a fixed order.  KeyError for an unknown one."""
    return [_HELPERS[name] for name in sorted(names, key=list(_HELPERS).index)]
