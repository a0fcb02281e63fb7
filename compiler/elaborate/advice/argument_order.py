"""Layers whose arguments stand in the order of PyTorch, where the size of the input comes first.

`nn.Conv2d(3, 16, 3)` makes 16 channels with a kernel of 3; here `conv2d(3, 16, 3)` makes 3 channels
with a kernel of 16 at stride 3, which is legal and hardly meant.  Both readings of some calls make
sense, so only what nobody would choose is suspected, and only where positions alone say what an
argument is: `conv2d(3, kernel = 16, stride = 3)` means what it says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tercet.compiler.elaborate.errors import warning
from tercet.compiler.ops.conv import AnyConvolution, ConvTranspose
from tercet.compiler.ops.recurrent import Recurrent
from tercet.dsl import nodes
from tercet.dsl.diagnostics import DiagnosticError
from tercet.dsl.operators import excerpt
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.elaborate.scope import Frame
    from tercet.compiler.graph.ir import Argument, Layer, Value

_MOST_LAYERS: Final = 8
_LARGEST_KERNEL: Final = 15
"""Beyond it only depthwise convolutions go, and those along one axis."""
_LARGEST_DENSE_STEP: Final = 6
"""The largest even kernel at stride 1 or 2."""


def input_size_first(frame: Frame, layer: Layer, inputs: Sequence[Value | None]) -> None:
    """Warns of a layer whose first argument is the size of its input.  W0909."""
    first = inputs[0]
    suspect = _suspect(layer)
    if suspect is None or first is None:
        return
    size = layer.arguments[0]
    if size.value == first.type.shape[suspect.axis]:
        message = f"{size.value} is the size of the input already, and {suspect.made} hardly meant"
        named = ", ".join(f"{a.name} = {excerpt(a.expression.span)}" for a in suspect.others)
        meant = f"`{layer.op.name}({excerpt(size.expression.span)}, {named})`"
        help = f"{_without_size(layer)}; where it is meant, name it: {meant}"
        frame.warn(warning("W0909", message, size.expression.span, help))


def advised(problem: DiagnosticError, layer: Layer) -> DiagnosticError:
    """The error of a kernel larger than the input, with advice where its position may be why."""
    (diagnostic,) = problem.diagnostics
    if diagnostic.code != "E0311" or _suspect(layer) is None:
        return problem
    return DiagnosticError(replace(diagnostic, help=_without_size(layer)))


@dataclass(frozen=True)
class _Suspect:
    """What a layer is by its text, the arguments that say so, and the axis of the input whose size
    the first argument would be."""

    made: str
    others: tuple[Argument, ...]
    axis: int


def _suspect(layer: Layer) -> _Suspect | None:
    others = [a for a in layer.arguments[1:] if a.by_position]
    match layer.op, others:
        case AnyConvolution() as op, [kernel, stride, *_]:
            windows = op.kernel[0], op.stride[0]
            if _are_numbers(kernel, stride) and _is_unusual(op, *windows):
                made = "a kernel of {} at stride {} is".format(*windows)
                return _Suspect(made, (kernel, stride), 1)
        case Recurrent(layers=count), [layers, *_] if count > _MOST_LAYERS:
            return _Suspect(f"{count} layers are", (layers,), -1)
    return None


def _are_numbers(kernel: Argument, stride: Argument) -> bool:
    """Whether both are one number, and not both come from names that say which is which."""
    both = (kernel, stride)
    are_names = all(isinstance(a.expression, nodes.Name) for a in both)
    return all(isinstance(a.value, int) for a in both) and not are_names


def _is_unusual(op: AnyConvolution, kernel: int, stride: int) -> bool:
    """Whether nobody would choose such windows.

    Usual are odd kernels, kernels that just cover the strides, and those that do so twice.
    """
    is_transposed = isinstance(op, ConvTranspose)
    if kernel < stride:
        return is_transposed or stride > 2
    if kernel % 2:
        return op.rank > 1 and op.groups == 1 and kernel > _LARGEST_KERNEL
    if stride <= 2:
        return kernel > _LARGEST_DENSE_STEP
    if stride % 2:
        return kernel != 2 * stride or not (is_transposed or op.rank == 1)
    return kernel > 2 * stride


def _without_size(layer: Layer) -> str:
    """What to write where the first argument is the input's size."""
    _, *others = layer.arguments
    kept = [excerpt(a.expression.span) for a in others if a.by_position]
    kept += [f"{a.name} = {excerpt(a.expression.span)}" for a in others if not a.by_position]
    return f"write `{layer.op.name}({', '.join(kept)})`: the input's size is not written"
