"""The text of functions of tensors, as it stands in scripts.  `F` is `mx.nd` or `mx.sym`."""

from __future__ import annotations

FUNCTIONS = {
    "normalize": '''\
def normalize(F, batch_norm, x):
    """The layer over all places in one row: after a convolution, MXNet trains it on
    four axes only."""
    return F.reshape_like(batch_norm(F.reshape(x, shape=(0, 0, 0, -1))), x)''',
    "attention": '''\
def attention(F, query, key, value, scale, mask=None, causal=False):
    """softmax(query @ key.T * scale) @ value over what is visible; 0 if nothing is."""
    scores = F.linalg_gemm2(query, key, transpose_b=True, alpha=scale)
    visible = mask
    if causal:
        row = F.contrib.arange_like(scores, axis=-2)
        column = F.contrib.arange_like(scores, axis=-1)
        visible = F.broadcast_lesser_equal(
            F.reshape(column, shape=(1, -1)), F.reshape(row, shape=(-1, 1))
        )
        if mask is not None:
            visible = F.broadcast_mul(mask, visible)
    if visible is not None:
        hidden = F.stop_gradient((visible - 1) * 1e30)
        scores = F.broadcast_add(scores, hidden)
    weights = F.softmax(scores, axis=-1)
    if mask is not None:
        weights = F.broadcast_mul(weights, visible)
    return F.linalg_gemm2(weights, value)''',
    "listed": '''\
def listed(F, values, dtype):
    """The numbers of nested lists as a tensor of the graph."""
    array = np.array(values, dtype)
    parts = [F.full((1,), number, dtype=dtype) for number in array.ravel().tolist()]
    return F.reshape(F.concat(*parts, dim=0), shape=array.shape)''',
    "leaky_relu": """\
def leaky_relu(F, x, alpha):
    return F.relu(x) + alpha * F.minimum(x, 0)""",
    "elu": """\
def elu(F, x, alpha):
    return F.relu(x) + alpha * F.expm1(F.minimum(x, 0))""",
    "gelu": """\
def gelu(F, x):
    return 0.5 * x * (1 + erf(F, x / 2**0.5))""",
    "softplus": '''\
def softplus(F, x):
    """log(1 + exp(x)); MXNet's own is x from 20 on."""
    peak = F.stop_gradient(F.relu(x))
    return peak + F.log(F.exp(x - peak) + F.exp(-peak))''',
    "erf": """\
def erf(F, x):
    return F.erf(x) if F is mx.sym else Erf()(x)""",
    "biased_attention": '''\
def biased_attention(F, query, key, value, scale, bias, causal=False):
    """softmax(query @ key.T * scale + bias) @ value; -infinity hides a key, and 0 is left of
    a query that sees none."""
    visible = bias > -np.inf
    scores = F.linalg_gemm2(query, key, transpose_b=True, alpha=scale)
    scores = F.broadcast_add(scores, F.where(visible, bias, F.zeros_like(bias)))
    if causal:
        row = F.reshape(F.contrib.arange_like(scores, axis=-2), shape=(-1, 1))
        column = F.reshape(F.contrib.arange_like(scores, axis=-1), shape=(1, -1))
        visible = F.broadcast_mul(visible, F.broadcast_lesser_equal(column, row))
    scores = F.broadcast_add(scores, (visible - 1) * 1e30)
    weights = F.broadcast_mul(F.softmax(scores, axis=-1), visible)
    return F.linalg_gemm2(weights, value)''',
    "selu": """\
def selu(F, x):
    negative = 1.6732632423543772 * F.expm1(F.minimum(x, 0))
    return 1.0507009873554805 * (F.relu(x) + negative)""",
    "celu": """\
def celu(F, x, alpha):
    return F.relu(x) + alpha * F.expm1(F.minimum(x, 0) / alpha)""",
    "gelu_tanh": '''\
def gelu_tanh(F, x):
    """GELU by the approximation with tanh."""
    inner = 0.7978845608028654 * (x + 0.044715 * x**3)
    return 0.5 * x * (1 + F.tanh(inner))''',
    "silu": """\
def silu(F, x):
    return x * F.sigmoid(x)""",
    "mish": """\
def mish(F, x):
    return x * F.tanh(F.Activation(x, act_type="softrelu"))""",
    "hard_swish": """\
def hard_swish(F, x):
    return x * F.clip(x / 6 + 0.5, 0, 1)""",
    "glu": '''\
def glu(F, x, axis=-1):
    """a * sigmoid(b) of the halves of an axis."""
    a, b = F.split(x, num_outputs=2, axis=axis)
    return a * F.sigmoid(b)''',
    "hardmax": '''\
def hardmax(F, x, axis, along):
    """1 at the first of the greatest elements along an axis."""
    places = F.reshape(F.contrib.arange_like(x, axis=axis), shape=along)
    return F.broadcast_equal(places, F.argmax(x, axis=axis, keepdims=True))''',
    "round_half_to_even": '''\
def round_half_to_even(F, x):
    """MXNet's `round` rounds halves away from zero."""
    floor = F.floor(x)
    rest = x - floor
    odd = floor - 2 * F.floor(floor / 2)
    return floor + (rest > 0.5) + (rest == 0.5) * odd''',
    "is_nan": """\
def is_nan(x):
    return x != x""",
    "floor_divide": '''\
def floor_divide(F, x, y):
    """Integers divided and rounded down; MXNet's division cuts towards zero."""
    whole = F.broadcast_sub(x, F.broadcast_mod(x, y))
    return F.broadcast_div(whole, y)''',
    "floor_divide_by": '''\
def floor_divide_by(x, number):
    """Integers divided and rounded down; MXNet's division cuts towards zero."""
    return (x - x % number) / number''',
    "where": '''\
def where(F, condition, x, y, dtype):
    """F.where of numbers, and of tensors that broadcast with the condition."""
    shape = F.cast(F.zeros_like(condition), dtype=dtype)
    for choice in (x, y):
        if not isinstance(choice, (bool, int, float)):
            shape = F.broadcast_add(shape, F.zeros_like(choice))
    x, y = (
        shape + choice
        if isinstance(choice, (bool, int, float))
        else F.broadcast_add(shape, choice)
        for choice in (x, y)
    )
    condition = F.broadcast_add(F.cast(shape, dtype="float32"), condition)
    return F.where(condition, x, y)''',
    "one_hot": '''\
def one_hot(F, indices, classes, dtype="float32"):
    """Codes of indices, of which negative ones count from the end."""
    indices = indices + classes * (indices < 0)
    return F.one_hot(indices, classes, dtype=dtype)''',
    "cumsum": """\
def cumsum(F, x, axis, exclusive=False, reverse=False):
    total = F.cumsum(F.flip(x, axis=axis) if reverse else x, axis=axis)
    total = F.flip(total, axis=axis) if reverse else total
    return total - x if exclusive else total""",
    "pixel_shuffle": '''\
def pixel_shuffle(F, x, factor):
    """Channels laid out as pixels, those of one result beside each other."""
    x = F.reshape(x, shape=(0, -4, -1, factor**2, 0, 0))
    x = F.reshape(x, shape=(0, 0, -4, factor, factor, 0, 0))
    return F.reshape(F.transpose(x, axes=(0, 1, 4, 2, 5, 3)), shape=(0, 0, -3, -3))''',
    "pixel_unshuffle": '''\
def pixel_unshuffle(F, x, factor):
    """Pixels as channels, those of one channel beside each other."""
    x = F.reshape(x, shape=(0, 0, -4, -1, factor, -4, -1, factor))
    x = F.reshape(F.transpose(x, axes=(0, 1, 3, 5, 2, 4)), shape=(0, -3, 0, 0, 0))
    return F.reshape(x, shape=(0, -3, 0, 0))''',
    "concat_channels": '''\
def concat_channels(F, *images):
    """Images joined along their channels: as volumes, since oneDNN's gradient for
    images ends the process at some numbers of channels."""
    volumes = [F.expand_dims(image, axis=2) for image in images]
    return F.squeeze(F.concat(*volumes, dim=1), axis=2)''',
    "adaptive_pool": '''\
def adaptive_pool(F, reduce, x, size, of):
    """Reduced to a size by windows that cover the image, and overlap where they must."""
    for axis, (count, whole) in enumerate(zip(size, of), 2):
        ends = [(i * whole // count, -(-(i + 1) * whole // count)) for i in range(count)]
        parts = [F.slice_axis(x, axis=axis, begin=a, end=b) for a, b in ends]
        x = F.concat(*(reduce(part, axis=axis, keepdims=True) for part in parts), dim=axis)
    return x''',
    "dilated_pool": '''\
def dilated_pool(F, combine, x, kernel, stride, dilation):
    """What is combined of windows with gaps, which MXNet's pooling has not."""
    for axis, (k, s, d) in enumerate(zip(kernel, stride, dilation), 2):
        whole = (None,) * axis
        parts = [
            F.slice(
                x,
                begin=(*whole, i * d),
                end=(*whole, (i + 1 - k) * d or None),
                step=(*whole, s),
            )
            for i in range(k)
        ]
        x = parts[0]
        for part in parts[1:]:
            x = combine(x, part)
    return x''',
    "transposed_convolution": '''\
def transposed_convolution(F, x, weight, stride, num_group=1, **settings):
    """A convolution of x with zeros between its cells: of MXNet's own, a weight that is computed
    gets no gradient."""
    for axis, step in enumerate(stride, 2):
        if step > 1:
            cells = F.expand_dims(x, axis=axis + 1)
            cells = F.concat(cells, *[F.zeros_like(cells)] * (step - 1), dim=axis + 1)
            cells = F.reshape(cells, shape=(*[0] * axis, -3, -2))
            x = F.slice_axis(cells, axis=axis, begin=0, end=1 - step)
    weight = F.swapaxes(F.reshape(weight, shape=(-4, num_group, -1, -2)), 1, 2)
    weight = F.flip(F.reshape(weight, shape=(-3, -2)), axis=tuple(range(2, 2 + len(stride))))
    return F.Convolution(x, weight, num_group=num_group, no_bias=True, **settings)''',
    "interpolated": '''\
def interpolated(F, x, places, axis, rank, a=None):
    """x at places along an axis: linear, or cubic with the slope `a`."""
    floor = F.floor(places)
    rest = places - floor
    weights = {0: 1 - rest, 1: rest}
    if a is not None:
        inner = ((0, rest), (1, 1 - rest))
        weights = {k: ((a + 2) * t - (a + 3)) * t * t + 1 for k, t in inner}
        outer = ((-1, 1 + rest), (2, 2 - rest))
        weights.update({k: a * (((t - 5) * t + 8) * t - 4) for k, t in outer})
    along = [-1 if k == axis else 1 for k in range(rank)]
    return F.add_n(
        *(
            F.broadcast_mul(
                F.take(x, floor + k, axis=axis, mode="clip"), F.reshape(weight, shape=along)
            )
            for k, weight in weights.items()
        )
    )''',
    "grid_sample": '''\
def grid_sample(
    F, x, grid, nearest=False, border=False, align_corners=False, dtype="float32"
):
    """Elements of x [N, C, H, W] at the places (x, y) of grid [N, P, Q, 2], from -1 to 1."""

    def places(axis):
        size = F.slice_axis(F.shape_array(x), axis=0, begin=axis, end=axis + 1)
        size = F.reshape(F.cast(size, dtype=dtype), shape=(1, 1, 1, 1))
        found = F.slice_axis(grid, axis=3, begin=3 - axis, end=4 - axis) + 1
        if align_corners:
            found = F.broadcast_mul(found / 2, size - 1)
        else:
            found = (F.broadcast_mul(found, size) - 1) / 2
        if border:
            inside = (found > 0) * F.broadcast_lesser(found, size - 1)
            end = F.broadcast_minimum(F.maximum(found, 0), size - 1)
            found = F.where(inside, found, F.stop_gradient(end))
        return found, size - 1

    (y, bottom), (x_, right) = places(2), places(3)
    rows = F.transpose(x, axes=(0, 2, 3, 1))
    number = F.reshape(F.contrib.arange_like(grid, axis=0), shape=(-1, 1, 1, 1))
    number = F.broadcast_like(number, y)

    def elements(y, x_):
        inside = (y >= 0) * F.broadcast_lesser_equal(y, bottom)
        inside = inside * (x_ >= 0) * F.broadcast_lesser_equal(x_, right)
        y = F.broadcast_minimum(F.maximum(y, 0), bottom)
        x_ = F.broadcast_minimum(F.maximum(x_, 0), right)
        index = F.stop_gradient(F.concat(number, y, x_, dim=3))
        found = F.gather_nd(rows, F.transpose(index, axes=(3, 0, 1, 2)))
        return F.where(F.broadcast_like(inside, found), found, F.zeros_like(found))

    if nearest:
        result = elements(round_half_to_even(F, y), round_half_to_even(F, x_))
    else:
        top, left = F.floor(y), F.floor(x_)
        down, over = y - top, x_ - left
        upper, lower = (
            F.broadcast_mul(elements(row, left), 1 - over)
            + F.broadcast_mul(elements(row, left + 1), over)
            for row in (top, top + 1)
        )
        result = F.broadcast_mul(upper, 1 - down) + F.broadcast_mul(lower, down)
    return F.transpose(result, axes=(0, 3, 1, 2))''',
    "local_response_norm": '''\
def local_response_norm(F, x, size, alpha, beta, k):
    """x by the squares of the channels around; F.LRN takes no float64."""
    settings = {"kernel": (size, 1, 1), "pad": (size // 2, 0, 0), "pool_type": "sum"}
    near = F.Pooling(F.expand_dims(F.square(x), axis=1), **settings)
    return x / (k + alpha / size * F.squeeze(near, axis=1)) ** beta''',
    "take_along": '''\
def take_along(F, x, indices, axis, rank):
    """For each index the element of x at that place of the axis, else at its own place."""
    places = []
    for k in range(rank):
        place = indices
        if k != axis:
            place = F.contrib.arange_like(indices, axis=k)
            place = F.reshape(place, shape=[-1 if n == k else 1 for n in range(rank)])
            place = F.broadcast_like(place, indices)
        places.append(place)
    return F.gather_nd(x, F.stack(*places))''',
    "_put": '''\
def _put(F, rows, numbers, updates):
    """Rows with updates put at these; index_copy wants no more updates than rows."""
    longer = F.concat(rows, updates, dim=0)
    return F.slice_like(F.contrib.index_copy(longer, numbers, updates), rows, axes=(0,))''',
    "scatter": '''\
def scatter(F, x, indices, updates, axis, rank):
    """x with the updates put at their indices along an axis."""
    place = F.contrib.arange_like(F.cast(x, dtype="int64"))
    place = F.reshape(take_along(F, place, indices, axis, rank), shape=(-1,))
    old, new = (F.reshape(each, shape=(-1,)) for each in (x, updates))
    return F.reshape_like(_put(F, old, place, new), x)''',
    "scatter_add": '''\
def scatter_add(F, x, indices, updates, axis, rank):
    """x with the updates added at their indices along an axis: each place looks at all of them."""
    along = [-1 if k == axis else 1 for k in range(rank + 1)]
    place = F.reshape(F.contrib.arange_like(x, axis=axis), shape=along)
    place = F.cast(place, dtype="int64")
    indices = F.cast(F.expand_dims(indices, axis=axis), dtype="int64")
    hit = F.cast(F.broadcast_equal(indices, place), dtype="float32")
    updates = F.broadcast_like(F.expand_dims(updates, axis=axis), hit)
    return x + F.sum(F.where(hit, updates, F.zeros_like(updates)), axis=axis + 1)''',
    "_rows": '''\
def _rows(F, x, count):
    """x with its first axes, so many, as one."""
    for _ in range(count - 1):
        x = F.reshape(x, shape=(-3, -2))
    return x''',
    "_row_numbers": '''\
def _row_numbers(F, x, places, count, rank):
    """The places, one index per axis, as numbers of rows of x."""
    for axis in range(count, rank):
        x = F.slice_axis(x, axis=axis, begin=0, end=1)
    x = F.reshape(x, shape=(0,) * count + (-1,)) if rank > count else x
    x = F.squeeze(x, axis=count) if rank > count else x
    numbers = F.contrib.arange_like(F.cast(x, dtype="int64"))
    return F.reshape(F.gather_nd(numbers, places), shape=(-1,))''',
    "scatter_nd": '''\
def scatter_nd(F, x, places, updates, count, several, rank):
    """x with the updates put where places, one index per axis, say."""
    numbers = _row_numbers(F, x, places, count, rank)
    new = _put(F, _rows(F, x, count), numbers, _rows(F, updates, several))
    return F.reshape_like(new, x)''',
    "scatter_nd_add": '''\
def scatter_nd_add(F, x, places, updates, count, several, rank, dtype):
    """x with the updates added where places, one index per axis, say: by a product."""
    wide = dtype if dtype.startswith("float") else "float64"
    numbers = F.expand_dims(_row_numbers(F, x, places, count, rank), axis=0)
    rows = F.reshape(_rows(F, x, count), shape=(0, -1))
    row = F.contrib.arange_like(F.cast(rows, dtype="int64"), axis=0)
    hit = F.cast(F.broadcast_equal(F.expand_dims(row, axis=1), numbers), dtype=wide)
    updates = F.reshape(_rows(F, updates, several), shape=(0, -1))
    total = F.dot(hit, F.cast(updates, dtype=wide))
    return x + F.reshape_like(F.cast(total, dtype=dtype), x)''',
    "ordered_sort": '''\
def ordered_sort(F, x, axis, rank, descending=False):
    """Sorted, and the places; of equal elements the first comes first, unlike in F.topk."""
    settings = {"k": 0, "axis": axis, "dtype": "int64"}
    values, places = F.topk(x, ret_typ="both", is_ascend=not descending, **settings)
    before = F.contrib.arange_like(values, axis=axis, start=-1)
    other = F.cast(values != F.take(values, before, axis=axis, mode="wrap"), dtype="int64")
    group = F.cumsum(other, axis=axis) * 2**32
    places = F.topk(group + places, ret_typ="value", is_ascend=True, **settings) - group
    return take_along(F, x, places, axis, rank), places''',
    "ordered_topk": '''\
def ordered_topk(F, x, k, axis, rank, largest=True):
    """The k largest or smallest, and the places; of equal ones the first comes first."""
    ordered = ordered_sort(F, x, axis, rank, descending=largest)
    return [F.slice_axis(part, axis=axis, begin=0, end=k) for part in ordered]''',
    "_below": '''\
def _below(F, x, rank, diagonal):
    """Where the last two axes are on or below a diagonal."""
    x = F.cast(x, dtype="float32")  # places that small integers cannot count
    row = F.contrib.arange_like(x, axis=rank - 2) + diagonal
    column = F.contrib.arange_like(x, axis=rank - 1)
    below = F.broadcast_greater_equal(
        F.expand_dims(row, axis=1), F.expand_dims(column, axis=0)
    )
    for _ in range(rank - 2):
        below = F.expand_dims(below, axis=0)
    return F.broadcast_like(below, x)''',
    "tril": '''\
def tril(F, x, rank, diagonal=0):
    """Zeros above a diagonal of the last two axes."""
    return F.where(_below(F, x, rank, diagonal), x, F.zeros_like(x))''',
    "triu": '''\
def triu(F, x, rank, diagonal=0):
    """Zeros below a diagonal of the last two axes."""
    return F.where(_below(F, x, rank, diagonal - 1), F.zeros_like(x), x)''',
    "root": '''\
def root(x, p=2):
    """x ** (1 / p) of sums of powers; backwards nothing flows on to what is all 0."""
    zero = x == 0
    return (x + zero) ** (1 / p) - zero''',
    "variance": """\
def variance(F, x, axes, keepdims=False):
    centred = F.broadcast_sub(x, F.mean(x, axis=axes, keepdims=True))
    return F.mean(F.square(centred), axis=axes, keepdims=keepdims)""",
    "logsumexp": """\
def logsumexp(F, x, axes, keepdims=False):
    peak = F.stop_gradient(F.max(x, axis=axes, keepdims=True))
    total = F.sum(F.exp(F.broadcast_sub(x, peak)), axis=axes, keepdims=True)
    result = peak + F.log(total)
    return result if keepdims else F.sum(result, axis=axes)""",
    "class_loss": '''\
def class_loss(
    F,
    log_p,
    label,
    classes,
    weight=None,
    ignore_index=None,
    smoothing=0.0,
    reduction="mean",
    dtype="float32",
):
    """Negative log-likelihood over the last axis, with weights of the classes."""
    hot = F.one_hot(label, classes, dtype=dtype)
    if ignore_index is not None and 0 <= ignore_index < classes:
        kept = F.cast(label != ignore_index, dtype=dtype)
        hot = F.broadcast_mul(hot, F.expand_dims(kept, axis=-1))
    if weight is not None:
        hot = F.broadcast_mul(hot, weight)
    weights = F.sum(hot, axis=-1)
    loss = -F.sum(hot * log_p, axis=-1)
    if smoothing:
        weighed = log_p if weight is None else F.broadcast_mul(log_p, weight)
        uniform = -F.mean(weighed, axis=-1)
        if ignore_index is not None:
            uniform = uniform * F.cast(label != ignore_index, dtype=dtype)
        loss = (1 - smoothing) * loss + smoothing * uniform
    if reduction == "none":
        return loss
    if reduction == "sum":
        return F.sum(loss)
    share = F.sum(weights)
    return F.sum(loss) / (share + (share == 0))  # 0 where no label counts''',
    "ctc_loss": '''\
def ctc_loss(
    F,
    logits,
    labels,
    label_lengths,
    lengths=None,
    blank=0,
    classes=None,
    fits=False,
    zero_infinity=False,
):
    """CTC loss of each example; infinity, or 0, if its steps cannot read as its labels."""
    if lengths is None:
        ones = F.ones_like(F.slice_axis(logits, axis=2, begin=0, end=1))
        lengths = F.sum(ones, axis=(1, 2))
    if blank:  # MXNet's is the first class or the last one
        ends = ((blank, blank + 1), (0, blank), (blank + 1, classes))
        parts = [F.slice_axis(logits, axis=2, begin=a, end=b) for a, b in ends if a < b]
        logits = F.concat(*parts, dim=2)
        labels = labels + (labels < blank) - blank * (labels == blank)
    nothing = F.SequenceMask(
        F.slice_axis(F.log_softmax(logits), axis=2, begin=0, end=1),
        lengths,
        use_sequence_length=True,
        axis=1,
    )
    if not fits:  # MXNet wants as many steps as there is room for labels
        more = F.expand_dims(F.zeros_like(labels), axis=2)
        more = F.broadcast_mul(more, F.slice_axis(logits, axis=1, begin=0, end=1))
        logits = F.concat(logits, more, dim=1)
    before = F.concat(F.slice_axis(labels, axis=1, begin=0, end=1) * 0 - 1, labels, dim=1)
    before = F.slice_axis(before, axis=1, begin=0, end=-1)
    number = F.expand_dims(F.contrib.arange_like(labels, axis=1), axis=0)
    counted = F.broadcast_lesser(number, F.expand_dims(label_lengths, axis=1))
    needed = label_lengths + F.sum((labels == before) * counted, axis=1)
    impossible = (needed > lengths) + F.sum((labels == 0) * counted, axis=1)
    usual = (impossible == 0) * (label_lengths > 0)
    losses = F.ctc_loss(
        F.transpose(logits, axes=(1, 0, 2)),
        F.maximum(labels, 1),
        lengths,
        F.where(usual, label_lengths, F.ones_like(usual)),  # else gradients may be garbage
        use_data_lengths=True,
        use_label_lengths=True,
        blank_label="first",
    )
    losses = F.where(label_lengths > 0, losses, -F.sum(nothing, axis=(1, 2)))
    fill = F.zeros_like(losses) if zero_infinity else F.ones_like(losses) * np.inf
    return F.where(impossible > 0, fill, losses)''',
    "soft_label_loss": '''\
def soft_label_loss(F, logits, target, weight=None, smoothing=0.0, reduction="mean"):
    """Cross-entropy of probabilities along the last axis."""
    log_p = F.log_softmax(logits)
    if weight is not None:
        log_p = F.broadcast_mul(log_p, weight)
    losses = -F.sum(target * log_p, axis=-1)
    if smoothing:
        losses = (1 - smoothing) * losses - smoothing * F.mean(log_p, axis=-1)
    if reduction == "none":
        return losses
    if reduction == "sum":
        return F.sum(losses)
    if weight is None:
        return F.mean(losses)
    share = F.sum(F.broadcast_mul(target, weight))
    return F.sum(losses) / (share + (share == 0))  # 0 where no class counts''',
    "focal_loss": '''\
def focal_loss(F, logits, target, gamma, alpha=None):
    """Binary cross-entropy of each element, which counts less the better it is predicted."""
    losses = softplus(F, logits) - logits * target
    if gamma:
        wrong = target * F.sigmoid(-logits) + (1 - target) * F.sigmoid(logits)
        losses = losses * wrong**gamma
    if alpha is not None:
        losses = losses * (alpha * target + (1 - alpha) * (1 - target))
    return losses''',
    "softmax_focal_loss": '''\
def softmax_focal_loss(
    F,
    logits,
    label,
    gamma,
    weight=None,
    ignore_index=None,
    reduction="mean",
    dtype="float32",
):
    """-(1 - p)^gamma log p of the label's class, along the last axis."""
    log_p = F.pick(F.log_softmax(logits), label, axis=-1)
    weights = F.ones_like(log_p)
    if weight is not None:
        weights = F.take(weight, label, mode="clip")
    if ignore_index is not None:
        weights = weights * F.cast(label != ignore_index, dtype=dtype)
    losses = -log_p * weights
    if gamma:
        losses = losses * (-F.expm1(log_p)) ** gamma
    if reduction == "none":
        return losses
    if reduction == "sum":
        return F.sum(losses)
    share = F.sum(weights)
    return F.sum(losses) / (share + (share == 0))  # 0 where no label counts''',
    "weighted_mean": '''\
def weighted_mean(F, losses, weight):
    """Mean by weights, which are spread over the losses; 0 where nothing counts."""
    share = F.sum(F.broadcast_mul(F.ones_like(losses), weight))
    return F.sum(F.broadcast_mul(losses, weight)) / (share + (share == 0))''',
    "huber": """\
def huber(F, difference, delta):
    distance = F.abs(difference)
    near = distance <= delta
    linear = delta * (distance - delta / 2)
    return F.where(near, F.square(distance) / 2, linear)""",
    "binary_cross_entropy": '''\
def binary_cross_entropy(F, p, label):
    """Logarithms of 0 count as -100, and have no gradient."""
    least = -100 * F.ones_like(p)
    log_p = F.where(p > 1e-38, F.log(F.maximum(p, 1e-38)), least)
    log_q = F.where(p < 1, F.log1p(-F.minimum(p, 1 - 2**-24)), least)
    return -(label * log_p + (1 - label) * log_q)''',
    "binary_cross_entropy_with_logits": """\
def binary_cross_entropy_with_logits(F, x, label):
    return F.Activation(x, act_type="softrelu") - x * label""",
    "kl_div": """\
def kl_div(F, log_p, label):
    positive = label > 0
    log_label = F.log(F.where(positive, label, F.ones_like(label)))
    return F.where(positive, label * (log_label - log_p), F.zeros_like(label))""",
    "cosine_distance": """\
def cosine_distance(F, x, y, axis, epsilon):
    dot = F.sum(x * y, axis=axis)
    norm_x = F.maximum(F.sqrt(F.sum(F.square(x), axis=axis)), epsilon)
    norm_y = F.maximum(F.sqrt(F.sum(F.square(y), axis=axis)), epsilon)
    return 1 - dot / (norm_x * norm_y)""",
}
