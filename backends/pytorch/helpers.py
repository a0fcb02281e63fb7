"""Short functions that a script gets only where its model calls them."""

from __future__ import annotations

from collections.abc import Iterable

from tercet.codegen.script.pieces import Piece

_BATCH_NORM = '''\
class BatchNorm{rank}d(nn.BatchNorm{rank}d):
    """Averages the variance of the batch; PyTorch's own an unbiased estimate."""

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        axes = [0, *range(2, x.dim())]
        variance, mean = torch.var_mean(x.detach(), axes, correction=0)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)
        return F.batch_norm(x, None, None, self.weight, self.bias, True, eps=self.eps)'''

_HELPERS = {
    **{f"BatchNorm{rank}d": _BATCH_NORM.format(rank=rank) for rank in (1, 2, 3)},
    "initialized": '''\
def initialized(module, **functions):
    """The layer, with functions of its own that `initialize` fills parameters by."""
    module.own_initial_values = functions
    return module''',
    "one_bias": '''\
def one_bias(layer):
    """Freeze the second bias that PyTorch gives a recurrent layer, at zero."""
    for name, parameter in layer.named_parameters():
        if name.startswith("bias_hh"):
            nn.init.zeros_(parameter)
            parameter.requires_grad_(False)
    return layer''',
    "celu": """\
def celu(x, alpha):
    return F.relu(x) + alpha * F.elu(x.clamp(max=0) / alpha)""",
    "expm1": '''\
def expm1(x):
    """exp(x) - 1 without cancellation, of what the exporter has: torch.expm1 it has not."""
    return (torch.exp(x) + 1) * torch.tanh(x / 2)''',
    "exportable": '''\
def exportable(function, x):
    """function(x), which torch.onnx cannot export unless it is told the name in ONNX."""
    if torch.onnx.is_in_onnx_export():
        name = function.__name__
        torch.onnx.register_custom_op_symbolic(
            f"aten::{name}", lambda g, x: g.op(name.title(), x), 9
        )
    return function(x)''',
    "einsum": '''\
def einsum(equation, *tensors):
    """torch.einsum, which torch.onnx cannot export unless it is told how."""
    if torch.onnx.is_in_onnx_export():
        from torch.onnx.symbolic_helper import parse_args

        @parse_args("s", "v", "v")
        def symbolic(g, equation, tensors, path=None):
            return g.op("Einsum", *tensors.node().inputs(), equation_s=equation)

        torch.onnx.register_custom_op_symbolic("aten::einsum", symbolic, 9)
    return torch.einsum(equation, *tensors)''',
    "places": '''\
def places(x, indices):
    """The index of each axis from tuples of them, counted from the front as torch.onnx wants."""
    return tuple(i.long() % n for i, n in zip(indices.unbind(-1), x.shape))''',
    "add_at": '''\
def add_at(x, indices, updates):
    """x with updates added at tuples of indices.  Of those at one place, torch.onnx keeps all in
    scatter_add only."""
    row = 0
    for index, size in zip(indices.unbind(-1), x.shape):
        row = row * size + index.long() % size
    inner = x.shape[indices.shape[-1] :]
    rows, updates = x.reshape(-1, *inner), updates.reshape(-1, *inner)
    row = row.reshape(-1, *[1] * len(inner)).expand_as(updates)
    return rows.scatter_add(0, row, updates).reshape(x.shape)''',
    "as_one_hot": '''\
def as_one_hot(indices, classes, axis=-1):
    """Where each class is named.  F.one_hot refuses indices that count from the end."""
    shape = [1] * (indices.dim() + 1)
    shape[axis] = classes
    places = torch.arange(classes, device=indices.device).reshape(shape)
    indices = indices.unsqueeze(axis)
    return (indices == places) | (indices + classes == places)''',
    "ordered_topk": '''\
def ordered_topk(x, k, dim=-1, largest=True):
    """The k largest, the first of equal ones first: only ONNX's TopK promises that."""
    if torch.onnx.is_in_onnx_export():
        return x.topk(k, dim, largest)
    values, indices = x.sort(dim=dim, descending=largest, stable=True)
    return values.narrow(dim, 0, k), indices.narrow(dim, 0, k)''',
    "ordered_sort": '''\
def ordered_sort(x, dim=-1, descending=False):
    """Sorted, the first of equal ones first: of the exporter's, only ONNX's TopK promises that."""
    if torch.onnx.is_in_onnx_export():
        return x.topk(x.shape[dim], dim, descending)
    return x.sort(dim=dim, descending=descending, stable=True)''',
    "biased_attention": '''\
def biased_attention(q, k, v, bias, scale=None):
    """Attention with numbers added to the scores; a query that sees no key gives 0."""
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=scale)
    if torch.onnx.is_in_onnx_export():  # ONNX has NaN there
        y = y.masked_fill(bias.amax(-1, keepdim=True) == float("-inf"), 0.0)
    return y''',
    "adaptive_pool": '''\
def adaptive_pool(pool, x, size, of):
    """pool(x, size), written out for torch.onnx, which has equal windows only."""
    if not torch.onnx.is_in_onnx_export():
        return pool(x, size)
    reduce = torch.mean if pool is F.adaptive_avg_pool2d else torch.amax
    for axis, (count, whole) in enumerate(zip(size, of), 2):
        ends = [(i * whole // count, -(-(i + 1) * whole // count)) for i in range(count)]
        parts = [reduce(x.narrow(axis, a, b - a), axis, keepdim=True) for a, b in ends]
        x = torch.cat(parts, axis)
    return x''',
    "dilated_sum": '''\
def dilated_sum(x, kernel, stride, dilation):
    """Sums of windows with gaps; PyTorch's average pooling has none."""
    for axis, (k, s, d) in enumerate(zip(kernel, stride, dilation), 2):
        before = (slice(None),) * axis
        last = x.shape[axis] - (k - 1) * d
        x = sum(x[(*before, slice(i * d, last + i * d, s))] for i in range(k))
    return x''',
    "nearest": '''\
def nearest(x, axis, size, step, start, over):
    """The elements at (step * i + start) // over of an axis; beyond its ends the outermost."""
    places = (torch.arange(size, device=x.device) * step + start) // over
    return x.index_select(axis, places.clamp(0, x.shape[axis] - 1))''',
    "interpolated": '''\
def interpolated(x, axis, size, step, start, over, a=None):
    """x at (step * i + start) / over of an axis: linear, or cubic with the slope `a`."""
    dtype = torch.promote_types(x.dtype, torch.float32)
    places = (torch.arange(size, device=x.device, dtype=dtype) * step + start) / over
    floor = places.floor()
    rest = places - floor
    weights = {0: 1 - rest, 1: rest}
    if a is not None:
        weights = {k: ((a + 2) * t - (a + 3)) * t * t + 1 for k, t in ((0, rest), (1, 1 - rest))}
        outer = ((-1, 1 + rest), (2, 2 - rest))
        weights |= {k: a * (((t - 5) * t + 8) * t - 4) for k, t in outer}
    along = [-1 if k == axis else 1 for k in range(x.dim())]
    total = 0
    for k, weight in weights.items():
        near = (floor.long() + k).clamp(0, x.shape[axis] - 1)
        total = total + x.index_select(axis, near) * weight.to(x.dtype).reshape(along)
    return total''',
    "visible_keys": '''\
def visible_keys(q, k):
    """True where the key's place is not after the query's."""
    shape = q.shape[-2], k.shape[-2]
    return torch.ones(shape, dtype=torch.bool, device=q.device).tril()''',
    "with_dropout": '''\
def with_dropout(layer, dropout):
    """A stack of recurrent layers that `run_with_dropout` runs."""
    layer.between = dropout
    return layer''',
    "run_with_dropout": '''\
def run_with_dropout(layer, x, state=None, lengths=None):
    """Recurrent layers one by one, with dropout between them."""
    if not layer.training:
        return layer(x, state) if lengths is None else run_with_lengths(layer, x, lengths, state)
    kinds = {"RNN_TANH": torch.rnn_tanh, "RNN_RELU": torch.rnn_relu}
    run = kinds.get(layer.mode) or {"LSTM": torch.lstm, "GRU": torch.gru}[layer.mode]
    directions = 2 if layer.bidirectional else 1
    if state is None:
        state = x.new_zeros(layer.num_layers * directions, len(x), layer.hidden_size)
        state = (state, state) if isinstance(layer, nn.LSTM) else state
    states, finals = state if isinstance(state, tuple) else (state,), []
    settings = (layer.bias, 1, 0.0, True, layer.bidirectional)
    for number in range(layer.num_layers):
        own = slice(number * directions, (number + 1) * directions)
        weights = [weight for cell in layer.all_weights[own] for weight in cell]
        start = [s[own] for s in states]
        if lengths is None:
            start = start if len(start) > 1 else start[0]
            x, *final = run(x, start, weights, *settings, True)
        else:
            packed = nn.utils.rnn.pack_padded_sequence(
                x, lengths.cpu(), batch_first=True, enforce_sorted=False
            )
            data, sizes, order, back = packed
            start = [s[:, order] for s in start]
            start = start if len(start) > 1 else start[0]
            data, *final = run(data, sizes, start, weights, *settings)
            final = [s[:, back] for s in final]
            packed = nn.utils.rnn.PackedSequence(data, sizes, order, back)
            x, _ = nn.utils.rnn.pad_packed_sequence(
                packed, batch_first=True, total_length=x.shape[1]
            )
        finals.append(final)
        if number + 1 < layer.num_layers:
            x = layer.between(x)
    ends = tuple(torch.cat(parts) for parts in zip(*finals))
    return x, ends if isinstance(layer, nn.LSTM) else ends[0]''',
    "run_with_lengths": '''\
def run_with_lengths(layer, x, lengths, state=None):
    """A recurrent layer on sequences of these lengths: zeros after them, states as they end."""
    packed = nn.utils.rnn.pack_padded_sequence(
        x, lengths.cpu(), batch_first=True, enforce_sorted=False
    )
    if state is None:  # torch.onnx fails on the layer's own zeros if no output is used
        count = layer.num_layers * (2 if layer.bidirectional else 1)
        state = x.new_zeros(count, x.shape[0], layer.hidden_size)
        state = (state, state) if isinstance(layer, nn.LSTM) else state
    output, state = layer(packed, state)
    output, _ = nn.utils.rnn.pad_packed_sequence(
        output, batch_first=True, total_length=x.shape[1]
    )
    return output, state''',
    "pad_axes": '''\
def pad_axes(x, pads, mode):
    """x with elements beside its own along all axes: the outermost, or those mirrored."""
    for axis, (before, after) in enumerate(pads):
        last = x.shape[axis] - 1
        places = torch.arange(-before, last + 1 + after, device=x.device)
        if mode == "reflect":
            places = last - (last - places.abs()).abs()
        x = x.index_select(axis, places.clamp(0, last)) if before or after else x
    return x''',
    "mean_of_counted": '''\
def mean_of_counted(loss, x, target, weight=None, ignore_index=-100, **settings):
    """Mean over the labels that count, by their classes' weights; 0 where none does."""
    total = loss(x, target, weight, ignore_index=ignore_index, reduction="sum", **settings)
    counted = target != ignore_index
    shares = counted.to(total.dtype)
    if weight is not None:
        shares = weight[target * counted] * counted
    share = shares.sum()
    return total / torch.where(share == 0, 1, share)''',
    "ctc_loss": '''\
def ctc_loss(logits, labels, label_lengths, lengths=None, blank=0, zero_infinity=False):
    """CTC loss of each example; infinity, or 0, if its steps cannot read as its labels."""
    if lengths is None:
        lengths = torch.full_like(label_lengths, logits.shape[1])
    losses = F.ctc_loss(
        logits.log_softmax(-1).transpose(0, 1),
        labels,
        lengths,
        label_lengths,
        blank,
        reduction="none",
        zero_infinity=True,
    )
    counted = torch.arange(labels.shape[1], device=labels.device) < label_lengths[:, None]
    repeated = counted[:, 1:] & (labels[:, 1:] == labels[:, :-1])
    needed = label_lengths + repeated.sum(1)  # with a blank between equal ones
    impossible = (needed > lengths) | (counted & (labels == blank)).any(1)
    return losses.masked_fill(impossible, 0.0 if zero_infinity else float("inf"))''',
    "mean_of_soft_labels": '''\
def mean_of_soft_labels(logits, target, weight, label_smoothing=0.0):
    """Cross-entropy of probabilities, the mean being by the weights of their classes."""
    total = F.cross_entropy(
        logits, target, weight, reduction="sum", label_smoothing=label_smoothing
    )
    share = (target.movedim(min(1, target.dim() - 1), -1) * weight).sum()
    return total / torch.where(share == 0, 1, share)''',
    "focal_loss": '''\
def focal_loss(logits, target, gamma, alpha=None):
    """Binary cross-entropy of each element, which counts less the better it is predicted."""
    losses = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    if gamma:
        wrong = target * torch.sigmoid(-logits) + (1 - target) * torch.sigmoid(logits)
        losses = losses * wrong**gamma
    if alpha is not None:
        losses = losses * (alpha * target + (1 - alpha) * (1 - target))
    return losses''',
    "softmax_focal_loss": '''\
def softmax_focal_loss(
    logits, target, gamma, weight=None, ignore_index=None, reduction="mean"
):
    """-(1 - p)^gamma log p of the target's class, along the last axis."""
    shares = torch.ones_like(logits[..., 0])
    if ignore_index is not None:
        shares = (target != ignore_index).to(logits.dtype)
        target = torch.where(target == ignore_index, 0, target)
    if weight is not None:
        shares = shares * weight[target]
    log_p = logits.log_softmax(-1).gather(-1, target.unsqueeze(-1)).squeeze(-1)
    losses = -log_p * shares
    if gamma:
        losses = losses * (-torch.expm1(log_p)) ** gamma
    if reduction == "none":
        return losses
    total, share = losses.sum(), shares.sum()
    return total if reduction == "sum" else total / torch.where(share == 0, 1, share)''',
    "weighted_mean": '''\
def weighted_mean(losses, weight):
    """Mean by weights, which are spread over the losses; 0 where nothing counts."""
    share = weight.expand_as(losses).sum()
    return (losses * weight).sum() / torch.where(share == 0, 1, share)''',
    "Lion": '''\
class Lion(torch.optim.Optimizer):
    """Chen et al., 2023; weight decay joins the gradient."""

    def __init__(self, parameters, lr, betas, weight_decay=0.0):
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})
        self.betas = betas

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                gradient = weight.grad + group["weight_decay"] * weight
                state = self.state[weight]
                m = state.setdefault("m", torch.zeros_like(weight))
                direction = torch.sign(beta1 * m + (1 - beta1) * gradient)
                weight.sub_(group["lr"] * direction)
                m.mul_(beta2).add_((1 - beta2) * gradient)''',
    "Dropout": '''\
class Dropout(nn.Dropout):
    """Zeros where `draws` says so, the same in every framework: elements, or all that
    is at one place of the first axes, so many."""

    def __init__(self, rate, axes=None):
        super().__init__(rate)
        self.axes = axes

    def forward(self, x):
        if not self.training:
            return x
        first = x.dim() if self.axes is None else self.axes
        shape = (*x.shape[:first], *(1,) * (x.dim() - first))
        kept = draws.of(self.source_name).random(shape) >= self.p
        return x * torch.as_tensor(kept).to(x) / (1 - self.p)''',
    "NAdam": '''\
class NAdam(torch.optim.Optimizer):
    """Dozat, 2016; PyTorch's own keeps the product of the momenta in float32."""

    def __init__(self, parameters, lr, betas, eps, weight_decay=0.0, momentum_decay=4e-3):
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})
        self.betas, self.eps, self.momentum_decay = betas, eps, momentum_decay

    def momentum(self, step):
        return self.betas[0] * (1 - 0.5 * 0.96 ** (step * self.momentum_decay))

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                gradient = weight.grad + group["weight_decay"] * weight
                state = self.state[weight]
                if not state:
                    state["step"] = state["product"] = torch.ones((), dtype=torch.float64)
                    state["mean"] = torch.zeros_like(weight)
                    state["square"] = torch.zeros_like(weight)
                step, mean, square = (state[key] for key in ("step", "mean", "square"))
                now, following = self.momentum(step.item()), self.momentum(step.item() + 1)
                product = state["product"].item() * now
                mean.lerp_(gradient, 1 - beta1)
                square.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
                root = (square / (1 - beta2 ** step.item())).sqrt() + self.eps
                change = following * mean / (1 - product * following)
                change += (1 - now) * gradient / (1 - product)
                weight.sub_(group["lr"] * change / root)
                state["step"], state["product"] = step + 1, torch.full_like(step, product)''',
    "WholeDropout": '''\
class WholeDropout(nn.Module):
    """Dropout of all that is at one place of the first axes, so many."""

    def __init__(self, rate, axes):
        super().__init__()
        self.rate, self.axes = rate, axes

    def forward(self, x):
        if not self.training:
            return x
        ones = x.new_ones(*x.shape[: self.axes], *[1] * (x.dim() - self.axes))
        return x * F.dropout(ones, self.rate)''',
    "RMSNorm": '''\
class RMSNorm(nn.Module):
    """x / sqrt(mean(x**2) + eps) * weight over the last axes, written out for the exporter."""

    def __init__(self, shape, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(shape))
        self.eps = eps

    def forward(self, x):
        axes = tuple(range(-self.weight.dim(), 0))
        return x * torch.rsqrt(x.square().mean(axes, keepdim=True) + self.eps) * self.weight''',
}


def name_layers_piece(renamed: bool) -> Piece:
    """`name_layers`; `renamed` where the script has `source_name`."""
    return Piece(f'''\
def name_layers(model):
    """Tell layers that draw random numbers what they are called in the source."""
    for name, module in model.named_modules():
        if isinstance(module, Dropout):
            module.source_name = {"source_name(name)" if renamed else "name"}''')


_NEEDED = {"run_with_dropout": "run_with_lengths"}
"""What a helper calls."""

HELPERS = frozenset(_HELPERS)
"""Their names, which nothing else in a script may have."""


def helper_pieces(names: Iterable[str]) -> list[Piece]:
    """The definitions of these helpers and of those they call, in a fixed order.

    KeyError for an unknown one.
    """
    wanted = set(names)
    wanted |= {needed for name, needed in _NEEDED.items() if name in wanted}
    return [Piece(_HELPERS[name]) for name in sorted(wanted, key=list(_HELPERS).index)]
