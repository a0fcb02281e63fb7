"""Run as a script: the layer cases in PyTorch, at float64, into an .npz file.

python -m tests.ops.torch_layers OUTPUT.npz
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tercet.compiler.ops import activation as act
from tercet.compiler.ops import conv, linear, loss, norm, pooling, recurrent
from tercet.compiler.ops.attention import ScaledDotProductAttention
from tercet.compiler.ops.convolving import FUNCTIONAL
from tercet.compiler.ops.einsum import Einsum
from tercet.compiler.ops.sequence_loss import Ctc
from tests.ops.frame import OpCase
from tests.ops.layer_cases import CASES

Tensor = torch.Tensor
Rule = Callable[..., Any]


def _pad(x: Tensor, op: Any, value: float = 0.0) -> Tensor:
    """Explicit padding, so that asymmetric and "same" padding need no rule of torch's own."""
    pads = _same(x, op) if op.padding == "same" else op.padding
    return F.pad(x, [n for pair in reversed(pads) for n in pair], value=value)


def _same(x: Tensor, op: Any) -> list[tuple[int, int]]:
    """ONNX's SAME_UPPER, from its specification."""
    strides = op.stride or op.kernel
    dilations = getattr(op, "dilation", (1,) * op.rank)
    pads = []
    for size, kernel, stride, dilation in zip(
        x.shape[2:], op.kernel, strides, dilations, strict=True
    ):
        output = -(-size // stride)
        total = max((output - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
        pads.append((total // 2, total - total // 2))
    return pads


def _conv(op: Any, x: Tensor, *, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    function = getattr(F, f"conv{op.rank}d")
    return function(_pad(x, op), weight, bias, op.stride, 0, op.dilation, op.groups)  # type: ignore[no-any-return]


def _conv_transpose(op: Any, x: Tensor, *, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Without padding, then cropped: torch's own takes no asymmetric padding."""
    function = getattr(F, f"conv_transpose{op.rank}d")
    extra = op.output_padding
    y = function(x, weight, bias, op.stride, 0, extra, op.groups, op.dilation)
    for axis in range(2, 2 + op.rank):
        i = axis - 2
        begin, end = (0, 0)
        if op.padding == "same":
            total = (op.kernel[i] - 1) * op.dilation[i] + 1 + extra[i] - op.stride[i]
            begin, end = total // 2, total - total // 2
        else:
            begin, end = op.padding[i]
        y = y.narrow(axis, begin, y.shape[axis] - begin - end)
    return y  # type: ignore[no-any-return]


def _convolve(op: Any, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    layer = op.as_layer(tuple(weight.shape))
    rule = _conv_transpose if hasattr(layer, "output_padding") else _conv
    return rule(layer, x, weight=weight, bias=bias)


def _symmetric(op: Any) -> bool:
    return op.padding != "same" and all(begin == end for begin, end in op.padding)


def _max_pool(op: Any, x: Tensor) -> Tensor:
    function = getattr(F, f"max_pool{op.rank}d")
    if _symmetric(op):
        padding = [begin for begin, _ in op.padding]
        return function(  # type: ignore[no-any-return]
            x, op.kernel, op.stride, padding, op.dilation, ceil_mode=op.ceil
        )
    padded = _longer(op, _pad(x, op, -torch.inf), -torch.inf)
    y = function(padded, op.kernel, op.stride, dilation=op.dilation)
    return _counted_windows(op, x, y)


def _longer(op: Any, x: Tensor, value: float = 0.0) -> Tensor:
    """x with so much at the ends that every window that `ceil` may add is whole."""
    more = [n for size in reversed(op.extents) for n in (0, size)]
    return F.pad(x, more, value=value) if op.ceil else x


def _counted_windows(op: Any, x: Tensor, y: Tensor) -> Tensor:
    """The windows that ONNX counts: with `ceil` those that start in x or in what is before it."""
    pads = _same(x, op) if op.padding == "same" else op.padding
    axes = zip(x.shape[2:], op.extents, op.stride or op.kernel, pads, strict=True)
    for axis, (size, kernel, stride, (begin, end)) in enumerate(axes, 2):
        rest = size + begin + end - kernel
        count = (-(-rest // stride) if op.ceil else rest // stride) + 1
        if op.ceil and (count - 1) * stride >= size + begin:
            count -= 1
        y = y.narrow(axis, 0, count)
    return y


def _avg_pool(op: Any, x: Tensor) -> Tensor:
    function = getattr(F, f"avg_pool{op.rank}d")
    if max(op.dilation) > 1:
        function = partial(_mean_with_gaps, op)
    elif _symmetric(op):
        padding = [begin for begin, _ in op.padding]
        return function(x, op.kernel, op.stride, padding, op.ceil, op.count_include_pad)  # type: ignore[no-any-return]
    total = function(_longer(op, _pad(x, op)), op.kernel, op.stride)
    cells = _pad(torch.ones_like(x), op, float(op.count_include_pad))
    counted = function(_longer(op, cells), op.kernel, op.stride)
    return _counted_windows(op, x, total / counted)


def _mean_with_gaps(op: Any, x: Tensor, kernel: Any, stride: Any) -> Tensor:
    """A convolution of each channel: torch averages no dilated windows."""
    channels = x.shape[1]
    weight = torch.full((channels, 1, *kernel), 1 / math.prod(kernel), dtype=x.dtype)
    function = getattr(F, f"conv{op.rank}d")
    return function(x, weight, None, stride or kernel, 0, op.dilation, channels)  # type: ignore[no-any-return]


def _batch_norm(op: Any, x: Tensor, **p: Tensor) -> Tensor:
    return F.batch_norm(
        x, p["running_mean"], p["running_var"], p.get("weight"), p.get("bias"), False, 0.0, op.eps
    )


def _reset_first(
    op: Any, x: Tensor, h: Tensor | None, lengths: Tensor | None, **parameters: Tensor
) -> Any:
    """A GRU as in the article, example by example."""
    cells = list(op.cells())
    finals = torch.zeros(len(cells), len(x), op.units, dtype=x.dtype)
    sequences = []
    for n, example in enumerate(x):
        steps = example[: x.shape[1] if lengths is None else int(lengths[n])]
        outputs: list[Tensor] = []
        for k, cell in enumerate(cells):
            w, u, b = (
                parameters[name + cell.suffix].chunk(3)
                for name in ("weight", "recurrent_weight", "bias")
            )
            state = torch.zeros(op.units, dtype=x.dtype) if h is None else h[k, n]
            found = []
            for step in steps.flip(0) if cell.reverse else steps:
                r, z = (torch.sigmoid(w[g] @ step + u[g] @ state + b[g]) for g in (0, 1))
                new = torch.tanh(w[2] @ step + u[2] @ (r * state) + b[2])
                state = (1 - z) * new + z * state
                found.append(state)
            finals[k, n] = state
            outputs.append(torch.stack(found[::-1] if cell.reverse else found))
            if len(outputs) == op.directions:
                steps, outputs = torch.cat(outputs, 1), []
        sequences.append(F.pad(steps, (0, 0, 0, x.shape[1] - len(steps))))
    sequence = torch.stack(sequences)
    return (sequence, finals) if op.return_state else sequence


def _recurrent(op: Any, x: Tensor, *others: Tensor | None, **parameters: Tensor) -> Any:
    """torch.nn's own layers, with packed sequences where there are lengths."""
    if isinstance(op, recurrent.Gru) and not op.linear_before_reset:
        return _reset_first(op, x, *others, **parameters)
    kinds: dict[type, Any] = {recurrent.Rnn: nn.RNN, recurrent.Lstm: nn.LSTM, recurrent.Gru: nn.GRU}
    more = {"nonlinearity": op.activation} if isinstance(op, recurrent.Rnn) else {}
    layer = kinds[type(op)](
        x.shape[2],
        op.units,
        op.layers,
        bias=op.bias,
        batch_first=True,
        bidirectional=op.bidirectional,
        dtype=torch.float64,
        **more,
    )
    for cell in op.cells():
        suffix = f"_l{cell.layer}" + ("_reverse" if cell.reverse else "")
        bias = parameters.get(f"bias{cell.suffix}", torch.zeros(()))
        recurrent_bias = parameters.get(f"recurrent_bias{cell.suffix}", torch.zeros_like(bias))
        names = {
            "weight_ih": parameters[f"weight{cell.suffix}"],
            "weight_hh": parameters[f"recurrent_weight{cell.suffix}"],
            "bias_ih": bias,
            "bias_hh": recurrent_bias,
        }
        for name, value in names.items():
            if name.startswith("bias") and not op.bias:
                continue
            getattr(layer, name + suffix).data.copy_(value)
    *initial, lengths = others
    known = next((s for s in initial if s is not None), None)
    filled = (torch.zeros_like(known) if s is None else s for s in initial if known is not None)
    start = tuple(filled)
    state = None if not start else start if len(start) > 1 else start[0]
    if lengths is None:
        sequence, final = layer(x, state)
    else:
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, True, enforce_sorted=False)
        output, final = layer(packed, state)
        sequence, _ = nn.utils.rnn.pad_packed_sequence(output, True, total_length=x.shape[1])
    if not op.return_state:
        return sequence
    return sequence, *(final if isinstance(final, tuple) else (final,))


def _attention(op: Any, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    visible = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool)
    if op.causal:
        visible = visible.tril()
    if mask is not None and mask.dtype.is_floating_point:
        visible = torch.where(visible, mask, -torch.inf)
    elif mask is not None:
        visible = visible & mask
    return F.scaled_dot_product_attention(q, k, v, visible, scale=op.scale)


def _classes(function: Any) -> Rule:
    def rule(op: Any, x: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
        ignored = -100 if op.ignore_index is None else op.ignore_index
        more = {}
        if isinstance(op, loss.CrossEntropy):
            more["label_smoothing"] = op.label_smoothing
        logits = x.movedim(op.axis, min(1, x.dim() - 1))
        if target.is_floating_point():
            return _soft_labels(op, logits, target.movedim(op.axis, min(1, x.dim() - 1)), weight)  # type: ignore[no-any-return]
        return function(  # type: ignore[no-any-return]
            logits, target, weight, ignore_index=ignored, reduction=op.reduction, **more
        )

    return rule


def _soft_labels(op: Any, logits: Tensor, target: Tensor, weight: Tensor | None) -> Any:
    classes = min(1, logits.dim() - 1)
    losses = F.cross_entropy(
        logits, target, weight, reduction="none", label_smoothing=op.label_smoothing
    )
    if op.reduction != "mean" or weight is None:
        return _reduced(op, losses, torch.ones_like(losses))
    return _reduced(op, losses, target.movedim(classes, -1) * weight)


def _softmax_focal(op: Any, x: Tensor, target: Tensor, weight: Tensor | None) -> Any:
    counted = target != (-100 if op.ignore_index is None else op.ignore_index)
    p = x.softmax(op.axis).movedim(op.axis, -1)
    p = p.gather(-1, (target * counted)[..., None])[..., 0]
    shares = counted * (weight[target * counted] if weight is not None else torch.ones_like(p))
    return _reduced(op, -shares * (1 - p) ** op.gamma * p.log(), shares)


def _reduced(op: Any, losses: Any, shares: Any) -> Any:
    if op.reduction == "none":
        return losses
    total = losses.sum()
    return total if op.reduction == "sum" else total / shares.sum()


def _focal(op: Any, x: Any, target: Any) -> Any:
    """As torchvision's `sigmoid_focal_loss`."""
    p = torch.sigmoid(x)
    wrong = 1 - (p * target + (1 - p) * (1 - target))
    share = 1 if op.alpha is None else op.alpha * target + (1 - op.alpha) * (1 - target)
    return F.binary_cross_entropy_with_logits(x, target, reduction="none") * wrong**op.gamma * share


def _ctc(op: Ctc, x: Tensor, target: Tensor, counts: Tensor, steps: Tensor | None) -> Any:
    steps = torch.full_like(counts, x.shape[1]) if steps is None else steps
    log_p = x.log_softmax(-1).transpose(0, 1)
    losses = F.ctc_loss(
        *(log_p, target, steps, counts, op.blank), reduction="none", zero_infinity=op.zero_infinity
    )
    for row, count in enumerate(counts):  # PyTorch does not look whether labels are the blank
        if (target[row, :count] == op.blank).any():
            losses[row] = 0 if op.zero_infinity else torch.inf
    return _reduced(op, losses, torch.ones_like(losses))


def _elements(function: Callable[[Any, Tensor, Tensor], Tensor]) -> Rule:
    def rule(op: Any, x: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
        values = function(op, x, target)
        if weight is None:
            return {"mean": values.mean(), "sum": values.sum(), "none": values}[op.reduction]
        weight = weight.expand_as(values)
        total = (weight * values).sum()
        means = {"mean": total / weight.sum(), "sum": total, "none": weight * values}
        return means[op.reduction]

    return rule


def _unreduced(name: str, **fixed: Any) -> Rule:
    function = getattr(F, name)
    return _elements(lambda op, x, t: function(x, t, reduction="none", **fixed))


RULES: dict[type, Rule] = {
    **dict.fromkeys((conv.Conv1d, conv.Conv2d, conv.Conv3d), _conv),
    **dict.fromkeys(
        (conv.ConvTranspose1d, conv.ConvTranspose2d, conv.ConvTranspose3d), _conv_transpose
    ),
    **dict.fromkeys((pooling.MaxPool1d, pooling.MaxPool2d, pooling.MaxPool3d), _max_pool),
    **dict.fromkeys((pooling.AvgPool1d, pooling.AvgPool2d, pooling.AvgPool3d), _avg_pool),
    pooling.GlobalAvgPool1d: lambda op, x: F.adaptive_avg_pool1d(x, 1),
    pooling.GlobalAvgPool2d: lambda op, x: F.adaptive_avg_pool2d(x, 1),
    pooling.GlobalMaxPool2d: lambda op, x: F.adaptive_max_pool2d(x, 1),
    pooling.GlobalMaxPool1d: lambda op, x: F.adaptive_max_pool1d(x, 1),
    pooling.GlobalMaxPool3d: lambda op, x: F.adaptive_max_pool3d(x, 1),
    pooling.LpPool2d: lambda op, x: _counted_windows(
        op,
        x,
        F.lp_pool2d(_longer(op, _pad(x.abs(), op)), float(op.p), op.kernel, op.stride),
    ),
    **dict.fromkeys(FUNCTIONAL.values(), _convolve),
    pooling.AdaptiveAvgPool2d: lambda op, x: F.adaptive_avg_pool2d(x, op.size),
    pooling.AdaptiveMaxPool2d: lambda op, x: F.adaptive_max_pool2d(x, op.size),
    linear.Dense: lambda op, x, weight, bias=None: F.linear(x, weight, bias),
    linear.MatMul: lambda op, a, b: torch.matmul(a, b),
    linear.Outer: lambda op, a, b: torch.outer(a, b),
    Einsum: lambda op, *tensors: torch.einsum(op.equation, *tensors),
    linear.Embedding: lambda op, ids, weight: F.embedding(ids, weight),
    norm.BatchNorm: _batch_norm,
    norm.GroupNorm: lambda op, x, weight, bias: F.group_norm(x, op.groups, weight, bias, op.eps),
    norm.InstanceNorm: lambda op, x, weight, bias: F.instance_norm(
        x, weight=weight, bias=bias, eps=op.eps
    ),
    norm.LayerNorm: lambda op, x, weight=None, bias=None: F.layer_norm(
        x, x.shape[-len(op.axes) :], weight, bias, op.eps
    ),
    norm.RMSNorm: lambda op, x, weight: F.rms_norm(x, weight.shape, weight, op.eps),
    norm.LocalResponseNorm: lambda op, x: F.local_response_norm(
        x, op.size, op.alpha, op.beta, op.k
    ),
    **dict.fromkeys((norm.ChannelDropout, norm.StochasticDepth), lambda op, x: x),
    norm.Dropout: lambda op, x: F.dropout(x, op.rate, training=False),
    act.Relu: lambda op, x: F.relu(x),
    act.Relu6: lambda op, x: F.relu6(x),
    act.LeakyRelu: lambda op, x: F.leaky_relu(x, op.alpha),
    act.Elu: lambda op, x: F.elu(x, op.alpha),
    act.Selu: lambda op, x: F.selu(x),
    act.Celu: lambda op, x: F.celu(x, op.alpha),
    act.Gelu: lambda op, x: F.gelu(x, approximate=op.approximate),
    act.Silu: lambda op, x: F.silu(x),
    act.Mish: lambda op, x: F.mish(x),
    act.HardSwish: lambda op, x: F.hardswish(x),
    act.HardSigmoid: lambda op, x: F.hardsigmoid(x),
    act.Sigmoid: lambda op, x: torch.sigmoid(x),
    act.Tanh: lambda op, x: torch.tanh(x),
    act.Softplus: lambda op, x: F.softplus(x),
    act.Softsign: lambda op, x: F.softsign(x),
    act.Softmax: lambda op, x: F.softmax(x, op.axis),
    act.LogSoftmax: lambda op, x: F.log_softmax(x, op.axis),
    act.LogSigmoid: lambda op, x: F.logsigmoid(x),
    act.HardTanh: lambda op, x: F.hardtanh(x, op.low, op.high),
    act.Glu: lambda op, x: F.glu(x, op.axis),
    act.HardShrink: lambda op, x: F.hardshrink(x, op.threshold),
    act.SoftShrink: lambda op, x: F.softshrink(x, op.threshold),
    act.ThresholdedRelu: lambda op, x: F.threshold(x, op.threshold, 0.0),
    act.Hardmax: lambda op, x: (
        F.one_hot(x.argmax(op.axis), x.shape[op.axis]).double().movedim(-1, op.axis)
    ),
    act.PRelu: lambda op, x, weight: F.prelu(x, weight),
    **dict.fromkeys((recurrent.Rnn, recurrent.Lstm, recurrent.Gru), _recurrent),
    ScaledDotProductAttention: _attention,
    loss.CrossEntropy: _classes(F.cross_entropy),
    loss.Nll: _classes(F.nll_loss),
    Ctc: _ctc,
    loss.SoftmaxFocal: _softmax_focal,
    loss.Focal: _elements(_focal),
    loss.Mse: _unreduced("mse_loss"),
    loss.Mae: _unreduced("l1_loss"),
    loss.Huber: _elements(lambda op, x, t: F.huber_loss(x, t, "none", op.delta)),
    loss.SmoothL1: _elements(
        lambda op, x, t: F.smooth_l1_loss(x, t, reduction="none", beta=op.beta)
    ),
    loss.BinaryCrossEntropy: _unreduced("binary_cross_entropy"),
    loss.BinaryCrossEntropyWithLogits: _unreduced("binary_cross_entropy_with_logits"),
    loss.KlDiv: _unreduced("kl_div"),
    loss.Hinge: _elements(lambda op, x, t: torch.relu(op.margin - x * t)),
    loss.CosineSimilarity: _elements(lambda op, x, t: 1 - F.cosine_similarity(x, t, op.axis)),
}


def run(case: OpCase) -> list[np.ndarray[Any, Any]]:
    """What PyTorch computes for a case."""
    inputs = [None if a is None else torch.from_numpy(a) for a in case.arrays()]
    parameters = {name: torch.from_numpy(a) for name, a in case.parameters().items()}
    with torch.no_grad():
        result = RULES[type(case.op)](case.op, *inputs, **parameters)
    results = result if isinstance(result, tuple) else (result,)
    return [np.asarray(each) for each in results]


def main(path: str) -> None:
    torch.set_num_threads(1)
    found: dict[str, Any] = {}
    for case in CASES:
        found.update({f"{case.name}.{i}": array for i, array in enumerate(run(case))})
    np.savez(path, **found)


if __name__ == "__main__":
    main(sys.argv[1])
