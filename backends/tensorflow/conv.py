"""Convolutions in Keras.  What its layers cannot pad is padded before, as numbers say.

`padding="same"` is written only where it means the source's numbers: Keras pads the odd cell at the
end, and at a stride not as much as the other frameworks.  Where one line makes layers of stride 1
and of others, they are of a class of the script whose "same" means the numbers at all strides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tercet.backends.tensorflow.facts import Facts, convolution_kind, same_padding, uses_xla
from tercet.backends.tensorflow.initial import initializer
from tercet.backends.tensorflow.target import TRAINING, Placed, construct, layers, lower, tf
from tercet.codegen.axes import collapse
from tercet.codegen.expr import Expr, Helper, Made, default
from tercet.compiler.graph.ir import Layer
from tercet.compiler.ops.base import LayerOp
from tercet.compiler.ops.conv import (
    AnyConvolution,
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from tercet.compiler.types import DType


def pad_widths(pads: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The widths of `tf.pad` for the spatial axes of a channels-last tensor."""
    return ((0, 0), *pads, (0, 0))


# --------------------------------------------------------------------------------- who pads


def _is_same(op: AnyConvolution, *, symmetric: bool) -> bool:
    """Whether "same" of Keras' layer, or of the script's symmetric one, pads what this says."""
    return op.padding == "same" or (
        (symmetric or max(op.stride) == 1) and op.padding == same_padding(op)
    )


def _is_symmetric(ops: Sequence[LayerOp], facts: Facts) -> bool:
    """Whether layers of a site are of the script's class."""
    known = facts.has_symmetric_convolutions
    return known and all(isinstance(op, Conv2d) and op.groups == 1 for op in ops)


def _is_valid(op: AnyConvolution) -> bool:
    return op.padding != "same" and not any(map(any, op.padding))


def _skips(op: AnyConvolution) -> bool:
    """Whether Keras refuses the stride, because the kernel is dilated too."""
    return max(op.stride) > 1 and max(op.dilation) > 1


def _own_padding(ops: Sequence[LayerOp], facts: Facts) -> str | None:
    """The padding that layers of a site do themselves; None where `tf.pad` goes before."""
    symmetric = _is_symmetric(ops, facts)
    found = [op for op in ops if isinstance(op, AnyConvolution)]
    if all(map(_is_valid, found)):
        return "valid"
    if all(_is_same(op, symmetric=symmetric) for op in found) and not any(map(_skips, found)):
        return "same"
    return None


def stride_padding(ops: Sequence[LayerOp], facts: Facts) -> str | None:
    """Why layers of a site are padded by numbers, where that is for their strides alone."""
    found = [op for op in ops if isinstance(op, Conv1d | Conv2d | Conv3d)]
    if not found or _own_padding(found, facts) is not None or any(map(_skips, found)):
        return None
    if not all(op.padding == same_padding(op) for op in found):
        return None
    stride = max(max(op.stride) for op in found)
    widths = {n for op in found for pair in same_padding(op) for n in pair}
    pads = f"pad {widths.pop()} on both sides" if len(widths) == 1 else "padded by numbers"
    return f'{pads}: "same" may pad less at the start at stride {stride}'


# ------------------------------------------------------------------------------ convolutions


@construct(Conv1d, Conv2d, Conv3d)
def _conv(op: AnyConvolution, layer: Layer, facts: Facts) -> Expr:
    ops = facts.ops(layer.site)
    skips = any(isinstance(o, AnyConvolution) and _skips(o) for o in ops)
    made = Helper("SymmetricConv2D") if _is_symmetric(ops, facts) else _class(op, layer)
    return made(
        op.channels,
        collapse(op.kernel),
        strides=default(1 if skips else collapse(op.stride), 1),
        padding=default(_own_padding(ops, facts) or "valid", "valid"),
        dilation_rate=default(collapse(op.dilation), 1),
        groups=default(op.groups, 1),
        use_bias=default(op.bias, True),
        **_initializers(op, layer),
    )


def _class(op: AnyConvolution, layer: Layer) -> Expr:
    match convolution_kind(layer):
        case "depthwise":
            return Helper("DepthwiseConv2D")
        case "grouped":
            return Helper(f"GroupedConv{op.rank}D")
    return {1: layers.Conv1D, 2: layers.Conv2D, 3: layers.Conv3D}[op.rank]


def _initializers(op: AnyConvolution, layer: Layer) -> dict[str, Expr]:
    found = {"kernel_initializer": initializer(layer.parameter("weight"))}
    if op.bias:
        found["bias_initializer"] = default(initializer(layer.parameter("bias")), "zeros")
    return found


@lower(Conv1d, Conv2d, Conv3d)
def _apply(op: AnyConvolution, at: Placed, x: Expr) -> Expr:
    assert at.item.layer is not None
    ops = [o for o in at.facts.ops(at.item.layer.site) if isinstance(o, AnyConvolution)]
    if _own_padding(ops, at.facts) is None:
        x = tf.pad(x, pad_widths(op.pads(at.type(0).shape[2:])))
    y = Made()(x, **(TRAINING if uses_xla(at.item.layer) else {}))
    if not any(map(_skips, ops)):
        return y
    return y[(slice(None), *(slice(None, None, s) for s in op.stride))]


# -------------------------------------------------------------------- transposed convolutions


@construct(ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
def _conv_transpose(op: ConvTranspose, layer: Layer, facts: Facts) -> Expr:
    ops = [o for o in facts.ops(layer.site) if isinstance(o, ConvTranspose)]
    own = _own_class(ops, layer.parameter("weight").type.dtype)
    stock = {1: layers.Conv1DTranspose, 2: layers.Conv2DTranspose, 3: layers.Conv3DTranspose}
    made = Helper(f"{own}Conv{op.rank}DTranspose") if own else stock[op.rank]
    of_axes: Callable[[tuple[int, ...]], object] = collapse
    if own in ("Grouped", "Dilated"):
        of_axes = tuple
    grows = any(map(_grows, ops))
    return made(
        op.channels,
        of_axes(op.kernel),
        strides=default(of_axes(op.stride), of_axes((1,) * op.rank)),
        output_padding=default(op.output_padding if grows else None, None),
        dilation_rate=default(of_axes(op.dilation), of_axes((1,) * op.rank)),
        groups=default(op.groups, 1),
        use_bias=default(op.bias, True),
        **_initializers(op, layer),
    )


def _own_class(ops: Sequence[ConvTranspose], dtype: DType) -> str | None:
    """What the class of the script is called that does what Keras' layer cannot.

    On CPUs TensorFlow has no dilated one in float64.
    """
    dilated = any(max(op.dilation) > 1 for op in ops)
    if dilated and dtype is DType.F64:
        return "Dilated"
    if dilated and any(max(op.stride) > 1 or op.groups > 1 or _grows(op) for op in ops):
        return "Dilated"
    if any(op.groups > 1 for op in ops):
        return "Grouped"
    return "Longer" if any(map(_grows, ops)) else None


def _grows(op: ConvTranspose) -> bool:
    """Whether Keras gives, or would have to give, more than the windows cover.

    The exporter cannot express that.
    """
    return any(op.output_padding) or any(k < s for k, s in zip(op.extents, op.stride, strict=True))


@lower(ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)
def _apply_transpose(op: ConvTranspose, at: Placed, x: Expr) -> Expr:
    y = Made()(x)
    pads = op.pads(at.type(0).shape[2:])
    if not any(map(any, pads)):
        return y
    return y[(slice(None), *(slice(b or None, -e if e else None) for b, e in pads))]
