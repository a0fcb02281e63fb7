"""The text of blocks, and of functions that work on blocks, as it stands in scripts."""

from __future__ import annotations

_STACK = '''\
def run_stack(F, layer, x, states):
    """Recurrent layers one by one: MXNet's own gradient of several is wrong in float64."""
    x, finals = F.swapaxes(x, 0, 1), []
    for number in range(layer._num_layers):
        begin, count = number * layer._dir, layer._dir
        start = [F.slice_axis(s, axis=0, begin=begin, end=begin + count) for s in states]
        cells = [f"{direction}{number}" for direction in "lr"[:count]]
        names = [f"{cell}_{kind}_weight" for cell in cells for kind in ("i2h", "h2h")]
        names += [f"{cell}_{kind}_bias" for cell in cells for kind in ("i2h", "h2h")]
        parts = (F.reshape(value(F, getattr(layer, n)), shape=(-1,)) for n in names)
        x, *final = F.RNN(
            x,
            F.concat(*parts, dim=0),
            *start,
            mode=layer._mode,
            state_size=layer._hidden_size,
            num_layers=1,
            bidirectional=count == 2,
            state_outputs=True,
        )
        finals.append(final)
    return F.swapaxes(x, 0, 1), [F.concat(*parts, dim=0) for parts in zip(*finals)]'''

_ENDS = '''\
def run_with_lengths(F, layer, x, states, lengths):
    """A recurrent layer over sequences that end after these lengths: zeros follow, and
    the last states are those at the ends.  On CPUs MXNet's own operator knows no ends."""
    ends = {"sequence_length": lengths, "use_sequence_length": True}
    x, finals = F.swapaxes(x, 0, 1), []
    for number in range(layer._num_layers):
        outputs = []
        for direction in "lr"[: layer._dir]:
            place = len(finals)
            start = [F.slice_axis(s, axis=0, begin=place, end=place + 1) for s in states]
            cell = f"{direction}{number}"
            output, *final = run_cell(F, layer, cell, x, start, ends)
            outputs.append(output)
            finals.append(final)
        x = F.concat(*outputs, dim=2)
    return F.swapaxes(x, 0, 1), [F.concat(*parts, dim=0) for parts in zip(*finals)]'''


def _dropping(name: str, text: str) -> str:
    """The function that runs recurrent layers, with dropout between them."""
    end = "    return F.swapaxes(x, 0, 1), ["
    dropped = """\
        if number + 1 < layer._num_layers:  # batch first, as draws are
            x = F.swapaxes(layer.between(F.swapaxes(x, 0, 1)), 0, 1)
"""
    return text.replace(name, f"{name}_and_dropout", 1).replace(end, dropped + end)


_TO_ONE = '''\
class Conv{rank}DTransposeToOne(nn.Conv{rank}DTranspose):
    """One channel out of each group, summed over filters of one channel each: oneDNN has no
    gradient for 16 channels into one."""

    def hybrid_forward(self, F, x, weight, bias=None):
        groups, filters = self._channels, self._in_channels
        alone = {{"num_filter": filters, "num_group": filters, "no_bias": True}}
        y = F.Deconvolution(x, weight, **{{**self._kwargs, **alone}})
        y = F.sum(F.reshape(y, shape=(0, -4, groups, -1, -2)), axis=2)
        if bias is None:
            return y
        return F.broadcast_add(y, F.reshape(bias, shape=(1, -1{ones})))'''

_CONVOLVED = '''\
class Conv{rank}DTransposeConvolved(nn.Conv{rank}DTranspose):
    """A convolution of x with zeros between its cells: MXNet's own has no dilation of volumes,
    and is wrong or absent in float64."""

    def __init__(self, *args, dilation=1, **settings):
        super().__init__(*args, **settings)
        several = isinstance(dilation, tuple)
        self._kwargs["dilate"] = dilation if several else (dilation,) * {rank}

    def hybrid_forward(self, F, x, weight, bias=None):
        names = ("kernel", "num_filter", "num_group", "dilate")
        settings = {{name: self._kwargs[name] for name in names}}
        pairs = zip(self._kwargs["kernel"], self._kwargs["dilate"])
        whole = tuple((kernel - 1) * dilation for kernel, dilation in pairs)
        stride = self._kwargs["stride"]
        y = transposed_convolution(F, x, weight, stride, pad=whole, **settings)
        ends = zip(self._kwargs["pad"], self._kwargs["adj"])
        for axis, (pad, more) in enumerate(ends, 2):
            if more:
                cells = F.zeros_like(F.slice_axis(y, axis=axis, begin=0, end=1))
                y = F.concat(y, *[cells] * more, dim=axis)
            if pad:
                y = F.slice_axis(y, axis=axis, begin=pad, end=-pad)
        if bias is None:
            return y
        return F.broadcast_add(y, F.reshape(bias, shape=(1, -1{ones})))'''

_SHARED = '''\
class Conv{rank}DTransposeShared(nn.Conv{rank}DTranspose):
    """For several calls, as sums over filters of one channel each, of which there are two
    at least: oneDNN does not add up the gradients of other weights."""

    def hybrid_forward(self, F, x, weight, bias=None):
        groups, inputs = self._kwargs["num_group"], self._in_channels
        each = self._channels // groups
        weight = F.expand_dims(F.reshape(weight, shape=(-3, -2)), axis=1)
        x = F.repeat(x, repeats=each, axis=1)
        if inputs * each == 1:
            inputs, weight = 2, F.repeat(weight, repeats=2, axis=0)
            x = F.concat(x, F.zeros_like(x), dim=1)
        alone = {{"num_filter": inputs * each, "num_group": inputs * each, "no_bias": True}}
        y = F.Deconvolution(x, weight, **{{**self._kwargs, **alone}})
        y = F.reshape(y, shape=(0, -4, groups, -1, -2))
        y = F.sum(F.reshape(y, shape=(0, 0, -4, -1, each, -2)), axis=2)
        y = F.reshape(y, shape=(0, -3, -2))
        if bias is None:
            return y
        return F.broadcast_add(y, F.reshape(bias, shape=(1, -1{ones})))'''

_AVERAGES = """\
        if mx.autograd.is_training():
            with mx.autograd.pause():
                mean = nd.mean(x, axis=1, exclude=True, keepdims=True)
                square = nd.square(nd.broadcast_sub(x, mean))
                variance = nd.mean(square, axis=1, exclude=True)
                running_mean += self.share * (mean.reshape(-1) - running_mean)
                running_var += self.share * (variance - running_var)
"""
"""Moving averages in full precision, in the forward function of a normalisation."""

BLOCKS = {
    **{
        f"Conv{rank}DTransposeConvolved": _CONVOLVED.format(rank=rank, ones=", 1" * rank)
        for rank in (1, 2, 3)
    },
    **{
        f"Conv{rank}DTransposeShared": _SHARED.format(rank=rank, ones=", 1" * rank)
        for rank in (1, 2, 3)
    },
    **{
        f"Conv{rank}DTransposeToOne": _TO_ONE.format(rank=rank, ones=", 1" * rank)
        for rank in (1, 2, 3)
    },
    "Erf": '''\
class Erf(mx.autograd.Function):
    """Its gradient is written out: MXNet's own has pi in float32."""

    def forward(self, x):
        self.save_for_backward(x)
        return nd.erf(x)

    def backward(self, gradient):
        (x,) = self.saved_tensors
        return gradient * 2 / np.pi**0.5 * nd.exp(-nd.square(x))''',
    "PReLU": '''\
class PReLU(nn.PReLU):
    """Written out: where a graph computes it in place, the slopes get a wrong gradient."""

    def hybrid_forward(self, F, x, alpha):
        below = F.reshape(F.minimum(x, 0), shape=(0, 0, -1))
        below = F.broadcast_mul(below, F.reshape(alpha, shape=(1, -1, 1)))
        return F.relu(x) + F.reshape_like(below, x)''',
    "block_list": '''\
def block_list(*blocks):
    """Blocks kept in order; Gluon's counterpart of a list of layers."""
    stack = nn.HybridSequential()
    stack.add(*blocks)
    return stack''',
    "ParameterList": '''\
class ParameterList(nn.HybridBlock):
    """Parameters by number: Gluon has no list of them.  None stands for none."""

    def __init__(self, settings):
        super().__init__()
        self.length = len(settings)
        for number, given in enumerate(settings):
            if given is not None:
                setattr(self, str(number), self.params.get(str(number), **given))

    def __iter__(self):
        return (self[number] for number in range(self.length))

    def __getitem__(self, number):
        return self._reg_params.get(str(number))''',
    "with_layers": '''\
def with_layers(block, *layers):
    """The block as a function of its inputs alone: it gets these layers at every call."""
    return lambda *inputs: block(*inputs, *layers)''',
    "value": '''\
def value(F, parameter):
    """A parameter of another block as an operand."""
    return parameter.var() if F is mx.sym else parameter.data()''',
    "one_bias": '''\
def one_bias(layer):
    """Freeze the second bias that Gluon gives a recurrent layer, at zero."""
    layer.collect_params(".*h2h_bias").setattr("grad_req", "null")
    return layer''',
    "without_bias": '''\
def without_bias(layer):
    """Freeze the biases that Gluon gives every recurrent layer, at zero."""
    layer.collect_params(".*_bias").setattr("grad_req", "null")
    layer.is_biased = False
    return layer''',
    "with_dropout": '''\
def with_dropout(layer, dropout):
    """A stack of recurrent layers that are run one by one, with dropout between them."""
    layer.register_child(dropout, "between")
    layer.between = dropout
    return layer''',
    "begin_state": '''\
def begin_state(F, layer, x):
    """Zero states of a recurrent layer, for as many sequences as x holds."""
    shape = (layer._num_layers * layer._dir, 1, layer._hidden_size)
    one = F.zeros(shape, dtype=layer._dtype)
    state = F.broadcast_like(one, x, lhs_axes=(1,), rhs_axes=(0,))
    return [state] * len(layer.state_info())''',
    "run_stack": _STACK,
    "run_stack_and_dropout": _dropping("run_stack", _STACK),
    "run_with_lengths": _ENDS,
    "run_with_lengths_and_dropout": _dropping("run_with_lengths", _ENDS),
    "run_cell": '''\
def run_cell(F, layer, cell, x, states, ends):
    """One direction of one layer over [T, N, C]: the outputs, and the states at the ends."""
    kinds = ("i2h_weight", "h2h_weight", "i2h_bias", "h2h_bias")
    weight, *others = (value(F, getattr(layer, f"{cell}_{kind}")) for kind in kinds)
    reverse = cell.startswith("r")
    x = F.SequenceMask(F.SequenceReverse(x, **ends) if reverse else x, **ends)
    if layer._mode == "lstm":
        # One more input, 1 after the end, shuts the input gate and opens the forget gate:
        # c stays as it is.
        within = F.SequenceMask(F.ones_like(F.slice_axis(x, axis=2, begin=0, end=1)), **ends)
        x = F.concat(x, 1 - within, dim=2)
        zeros = F.zeros_like(F.slice_axis(others[0], axis=1, begin=0, end=1))
        i, f, g, o = F.split(zeros, num_outputs=4, axis=0)
        weight = F.concat(weight, F.concat(i - 1e4, f + 1e4, g, o, dim=0), dim=1)
    packed = F.concat(*(F.reshape(p, shape=(-1,)) for p in (weight, *others)), dim=0)
    output, *final = F.RNN(
        x,
        packed,
        *states,
        mode=layer._mode,
        state_size=layer._hidden_size,
        num_layers=1,
        state_outputs=True,
    )
    final[0] = F.expand_dims(F.SequenceLast(output, **ends), axis=0)
    output = F.SequenceMask(output, **ends)
    return F.SequenceReverse(output, **ends) if reverse else output, *final''',
    "LayerNorm": '''\
class LayerNorm(nn.HybridBlock):
    """Layer normalisation over several trailing axes."""

    def __init__(
        self, shape, epsilon=1e-5, gamma_initializer="ones", beta_initializer="zeros"
    ):
        super().__init__()
        self.axes = tuple(range(-len(shape), 0))
        self.epsilon = epsilon
        self.gamma = self.params.get("gamma", shape=shape, init=gamma_initializer)
        self.beta = self.params.get("beta", shape=shape, init=beta_initializer)

    def hybrid_forward(self, F, x, gamma, beta):
        x = F.broadcast_sub(x, F.mean(x, axis=self.axes, keepdims=True))
        variance = F.mean(F.square(x), axis=self.axes, keepdims=True)
        x = F.broadcast_div(x, F.sqrt(variance + self.epsilon))
        return F.broadcast_add(F.broadcast_mul(x, gamma), beta)''',
    "PlainLayerNorm": '''\
class PlainLayerNorm(nn.HybridBlock):
    """Layer normalisation over the last axes, so many, without beta and perhaps gamma."""

    def __init__(self, axes, epsilon=1e-5, shape=None, gamma_initializer="ones"):
        super().__init__()
        self.axes = tuple(range(-axes, 0))
        self.epsilon = epsilon
        if shape is not None:
            self.gamma = self.params.get("gamma", shape=shape, init=gamma_initializer)

    def hybrid_forward(self, F, x, gamma=None):
        x = F.broadcast_sub(x, F.mean(x, axis=self.axes, keepdims=True))
        variance = F.mean(F.square(x), axis=self.axes, keepdims=True)
        x = F.broadcast_div(x, F.sqrt(variance + self.epsilon))
        return x if gamma is None else F.broadcast_mul(x, gamma)''',
    "PlainBatchNorm": '''\
class PlainBatchNorm(nn.HybridBlock):
    """Batch normalisation without gamma and beta."""

    def __init__(self, channels, momentum=0.9, epsilon=1e-5):
        super().__init__()
        self.settings = {"momentum": momentum, "eps": epsilon, "fix_gamma": True}
        held = {"shape": (channels,), "grad_req": "null", "differentiable": False}
        self.running_mean = self.params.get("running_mean", init="zeros", **held)
        self.running_var = self.params.get("running_var", init="ones", **held)

    def hybrid_forward(self, F, x, running_mean, running_var):
        ones, zeros = F.ones_like(running_mean), F.zeros_like(running_mean)
        return F.BatchNorm(x, ones, zeros, running_mean, running_var, **self.settings)''',
    "ExactPlainBatchNorm": '''\
class ExactPlainBatchNorm(PlainBatchNorm):
    """Averages as it runs, in full precision; MXNet's own with the gradients."""

    def __init__(self, channels, momentum=0.9, **settings):
        super().__init__(channels, momentum=1, **settings)
        self.share = 1 - momentum

    def hybrid_forward(self, F, x, running_mean, running_var):
'''
    + _AVERAGES
    + """\
        return super().hybrid_forward(F, x, running_mean, running_var)""",
    "BatchNorm": '''\
class BatchNorm(nn.BatchNorm):
    """Averages as it runs, in full precision; MXNet's own with the gradients."""

    def __init__(self, momentum=0.9, **settings):
        super().__init__(momentum=1, **settings)
        self.share = 1 - momentum

    def hybrid_forward(self, F, x, gamma, beta, running_mean, running_var):
'''
    + _AVERAGES
    + """\
        return super().hybrid_forward(F, x, gamma, beta, running_mean, running_var)""",
    "Dropout": '''\
class Dropout(nn.Dropout):
    """Zeros where `draws` says so, the same in every framework: elements, or all that
    is at one place of the first axes, so many."""

    def __init__(self, rate, first=None):
        super().__init__(rate)
        self.first = first

    def hybrid_forward(self, F, x):
        if not mx.autograd.is_training():
            return super().hybrid_forward(F, x)
        first = x.ndim if self.first is None else self.first
        shape = (*x.shape[:first], *(1,) * (x.ndim - first))
        kept = draws.of(self.source_name).random(shape) >= self._rate
        kept = nd.array(kept, ctx=x.context, dtype=x.dtype)
        return nd.broadcast_mul(x, kept) / (1 - self._rate)''',
    "InstanceNorm": '''\
class InstanceNorm(nn.InstanceNorm):
    """Written out: MXNet's operation computes in float32 only."""

    def hybrid_forward(self, F, x, gamma, beta):
        h = F.reshape(x, shape=(0, 0, -1))
        h = F.broadcast_sub(h, F.mean(h, axis=2, keepdims=True))
        variance = F.mean(F.square(h), axis=2, keepdims=True)
        h = F.broadcast_div(h, F.sqrt(variance + self._kwargs["eps"]))
        h = F.broadcast_mul(h, F.reshape(gamma, shape=(1, -1, 1)))
        h = F.broadcast_add(h, F.reshape(beta, shape=(1, -1, 1)))
        return F.reshape_like(h, x)''',
    "GroupNorm": '''\
class GroupNorm(nn.HybridBlock):
    """Group normalisation with a weight per channel; Gluon's has one per group."""

    def __init__(
        self,
        groups,
        channels,
        epsilon=1e-5,
        weight_initializer="ones",
        bias_initializer="zeros",
    ):
        super().__init__()
        self.groups, self.channels, self.epsilon = groups, channels, epsilon
        shape = (channels,)
        self.weight = self.params.get("weight", shape=shape, init=weight_initializer)
        self.bias = self.params.get("bias", shape=shape, init=bias_initializer)

    def hybrid_forward(self, F, x, weight, bias):
        h = F.reshape(x, shape=(0, self.groups, -1))
        h = F.broadcast_sub(h, F.mean(h, axis=2, keepdims=True))
        variance = F.mean(F.square(h), axis=2, keepdims=True)
        h = F.broadcast_div(h, F.sqrt(variance + self.epsilon))
        h = F.reshape(h, shape=(0, self.channels, -1))
        h = F.broadcast_mul(h, F.reshape(weight, shape=(1, -1, 1)))
        h = F.broadcast_add(h, F.reshape(bias, shape=(1, -1, 1)))
        return F.reshape_like(h, x)''',
    "RMSNorm": '''\
class RMSNorm(nn.HybridBlock):
    """x / sqrt(mean(x**2) + epsilon) * weight over the last axes."""

    def __init__(self, shape, epsilon=1e-5, weight_initializer="ones"):
        super().__init__()
        self.axes = tuple(range(-len(shape), 0))
        self.epsilon = epsilon
        self.weight = self.params.get("weight", shape=shape, init=weight_initializer)

    def hybrid_forward(self, F, x, weight):
        square = F.mean(F.square(x), axis=self.axes, keepdims=True)
        return F.broadcast_mul(
            F.broadcast_mul(x, F.rsqrt(square + self.epsilon)), weight
        )''',
}
