"""Operations that change a tensor's shape or the order of its axes, and keep its elements.

`concat`, `tile` and their like are in `joining`, indexing in `slicing`; all are named here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tercet.compiler import dims
from tercet.compiler.errors import OpError, require
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import Elements, Layout, Op, Operand, Requirement, operation
from tercet.compiler.ops.checks import (
    broadcast_shapes,
    normalized_axes,
    normalized_axis,
    require_at_least,
    require_rank,
)
from tercet.compiler.ops.joining import (
    Chunk,
    Concat,
    Flip,
    Pad,
    Repeat,
    Roll,
    Split,
    Stack,
    Tile,
    Unbind,
)
from tercet.compiler.ops.sizes import at_least_one, equality
from tercet.compiler.ops.slicing import Index, Integer, NewAxis, Slice
from tercet.compiler.types import Shape, TensorType, shape_text
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array

__all__ = [
    "BroadcastTo",
    "Chunk",
    "Concat",
    "Expand",
    "Flatten",
    "Flip",
    "Index",
    "Integer",
    "NewAxis",
    "Pad",
    "Permute",
    "PixelShuffle",
    "PixelUnshuffle",
    "Repeat",
    "Reshape",
    "Roll",
    "Slice",
    "Split",
    "Squeeze",
    "Stack",
    "Tile",
    "Transpose",
    "Unbind",
    "Unsqueeze",
]


def require_permutation(permutation: tuple[int, ...]) -> None:
    """Each axis stands once.  Raises OpError E0504."""
    rank = len(permutation)
    legal = sorted(axis + rank if axis < 0 else axis for axis in permutation) == list(range(rank))
    message = f"{shape_text(permutation)} is not an order of the axes 0 to {rank - 1}"
    require(legal, "permutation", message)


@dataclass(frozen=True)
class _Reordering(Op):
    operands = (Operand("x"),)
    layout = Layout.REORDERING
    elements = Elements.REARRANGED
    work = 0

    def order(self, rank: int) -> tuple[int, ...]:
        """For each axis of the result, that of x."""
        raise NotImplementedError

    def infer(self, x: TensorType) -> TensorType:
        return x.with_shape(*(x.shape[axis] for axis in self.order(x.rank)))

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return ()  # they go as a whole

    def reference(self, x: Array) -> Array:
        return np.transpose(x, self.order(x.ndim))


def _checked_order(permutation: tuple[int, ...], rank: int) -> tuple[int, ...]:
    if len(permutation) != rank:
        message = (
            f"the order {shape_text(permutation)} has {len(permutation)} axes, and x has {rank}"
        )
        raise OpError("E0303", message, attribute="permutation", operand=0)
    return tuple(axis % rank for axis in permutation)


@operation("transpose")
@dataclass(frozen=True)
class Transpose(_Reordering):
    """The axes in another order: axis i of the result is axis `permutation[i]` of x.

    Without a permutation the order is reversed.  ONNX: Transpose.

        logits = h @ transpose(embed.weight)
        q = q |> transpose([0, 2, 1, 3])
    """

    permutation: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.permutation is not None:
            require_permutation(self.permutation)

    def order(self, rank: int) -> tuple[int, ...]:
        if self.permutation is None:
            return tuple(reversed(range(rank)))
        return _checked_order(self.permutation, rank)


@operation("permute")
@dataclass(frozen=True)
class Permute(_Reordering):
    """The axes in another order: `transpose` with the order required.  ONNX: Transpose.

    image = pixels |> permute([0, 3, 1, 2])
    """

    permutation: tuple[int, ...]

    def __post_init__(self) -> None:
        require_permutation(self.permutation)

    def order(self, rank: int) -> tuple[int, ...]:
        return _checked_order(self.permutation, rank)


@operation("squeeze")
@dataclass(frozen=True)
class Squeeze(Op):
    """Without the given axes, which have size 1; without `axis`, without all axes known to be 1.

    ONNX: Squeeze.

        h = x |> squeeze(axis = 1)
    """

    operands = (Operand("x"),)
    layout = Layout.CANONICAL
    elements = Elements.RESHAPED
    work = 0
    axis: int | tuple[int, ...] | None = None

    def axes(self, shape: Shape) -> tuple[int, ...]:
        """The axes that go, from the front."""
        if self.axis is None:
            return tuple(i for i, size in enumerate(shape) if size == 1)
        return normalized_axes(self.axis, len(shape))

    def infer(self, x: TensorType) -> TensorType:
        axes = self.axes(x.shape)
        for axis in axes:
            if x.shape[axis] != 1:
                message = f"axis {axis} of {x} has size {x.shape[axis]}, not 1"
                raise OpError("E0301", message, attribute="axis", operand=0)
        return x.with_shape(*(size for i, size in enumerate(x.shape) if i not in axes))

    def settled(self, x: TensorType) -> Op:
        axes = self.axes(x.shape)
        return Squeeze(axes) if axes else Index(())

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return ()

    def reference(self, x: Array) -> Array:
        return np.squeeze(x, axis=self.axes(x.shape))


@operation("unsqueeze")
@dataclass(frozen=True)
class Unsqueeze(Op):
    """With new axes of size 1 at the given places of the result.

    ONNX: Unsqueeze.

        h = x |> unsqueeze(axis = 1)
    """

    operands = (Operand("x"),)
    layout = Layout.CANONICAL
    elements = Elements.RESHAPED
    work = 0
    axis: int | tuple[int, ...]

    def axes(self, rank: int) -> tuple[int, ...]:
        """The places of the new axes in the result, for an x of that rank."""
        count = 1 if isinstance(self.axis, int) else len(self.axis)
        return normalized_axes(self.axis, rank + count)

    def infer(self, x: TensorType) -> TensorType:
        shape = list(x.shape)
        for axis in self.axes(x.rank):
            shape.insert(axis, 1)
        return x.with_shape(*shape)

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return ()

    def reference(self, x: Array) -> Array:
        return np.expand_dims(x, self.axes(x.ndim))


# ------------------------------------------------------------------------------------------ shapes


def require_sizes(shape: Shape, free: int) -> None:
    """Sizes in an attribute are positive, but for at most `free` of -1.  Raises OpError E0504."""
    require_at_least(1, [size for size in shape if size != -1], "shape")
    if shape.count(-1) > free:
        message = "only one size can be -1" if free else "no size can be -1 here"
        require(False, "shape", message)


def moved_by_reshape(given: Shape, wanted: Shape) -> tuple[int, ...]:
    """The axes that are not what they were, seen from the front."""
    return tuple(k for k in range(len(given)) if given[: k + 1] != wanted[: k + 1])


@operation("reshape")
@dataclass(frozen=True)
class Reshape(Op):
    """The same elements in the same order in another shape.

    One size may be -1: it is what is left.  The number of elements must stay the same for all
    values of the symbolic sizes; where a division is involved (`D // heads`) it becomes a
    constraint.  ONNX: Reshape.

        q = q |> reshape([N, T, heads, D // heads])
    """

    operands = (Operand("x"),)
    layout = Layout.CANONICAL
    elements = Elements.RESHAPED
    work = 0
    shape: Shape

    def __post_init__(self) -> None:
        require_sizes(self.shape, free=1)

    def infer(self, x: TensorType) -> TensorType:
        self.constraints(x)
        return x.with_shape(*self.output_shape(x))

    def output_shape(self, x: TensorType) -> Shape:
        """The shape with the size for -1 filled in."""
        if -1 not in self.shape:
            return self.shape
        known = dims.product(size for size in self.shape if size != -1)
        free = dims.product(x.shape) // known
        return tuple(free if size == -1 else size for size in self.shape)

    def constraints(self, x: TensorType) -> tuple[Requirement, ...]:
        total, wanted = dims.product(x.shape), dims.product(self.output_shape(x))
        message = f"{x} has {total} elements, and {shape_text(self.shape)} has {wanted}"
        if -1 in self.shape:
            known = dims.product(size for size in self.shape if size != -1)
            message = f"{x} has {total} elements, which is not a multiple of {known}"
        problem = OpError("E0308", message, attribute="shape", operand=0)
        if wanted == 0:
            raise problem
        return equality(total, wanted, problem)

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return moved_by_reshape(x.shape, self.output_shape(x))

    def reference(self, x: Array) -> Array:
        return np.reshape(x, self.shape)  # type: ignore[arg-type]


@operation("flatten")
@dataclass(frozen=True)
class Flatten(Op):
    """The axes from `start_axis` to `end_axis`, both included, as one.

    `[N, C, H, W]` becomes `[N, C * H * W]`.  ONNX: Flatten, or Reshape.

        h = x |> flatten
    """

    operands = (Operand("x"),)
    layout = Layout.CANONICAL
    elements = Elements.RESHAPED
    work = 0
    start_axis: int = 1
    end_axis: int = -1

    def span(self, rank: int) -> tuple[int, int]:
        """First and last axis from the front.  Raises OpError E0309."""
        start = normalized_axis(self.start_axis, rank, "start_axis")
        end = normalized_axis(self.end_axis, rank, "end_axis")
        require(start <= end, "start_axis", f"axis {self.start_axis} is after {self.end_axis}")
        return start, end

    def infer(self, x: TensorType) -> TensorType:
        start, end = self.span(x.rank)
        flat = dims.product(x.shape[start : end + 1])
        return x.with_shape(*x.shape[:start], flat, *x.shape[end + 1 :])

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return moved_by_reshape(x.shape, self.infer(x).shape)

    def reference(self, x: Array) -> Array:
        start, end = self.span(x.ndim)
        flat = dims.product(x.shape[start : end + 1])
        return np.reshape(x, (*x.shape[:start], flat, *x.shape[end + 1 :]))  # type: ignore[arg-type]


# ------------------------------------------------------------------------------------- broadcasting


@operation("expand")
@dataclass(frozen=True)
class Expand(Op):
    """x repeated along its axes of size 1, and new ones in front, to broadcast with `shape`.

    -1, and a 1, keep the size of x.  ONNX: Expand.

        weights = w |> expand([N, -1, -1])
    """

    operands = (Operand("x"),)
    layout = Layout.CANONICAL
    elements = Elements.REARRANGED
    work = 0
    shape: Shape

    def __post_init__(self) -> None:
        require_sizes(self.shape, free=len(self.shape))

    def wanted(self, x: Shape) -> Shape:
        """The shape with -1 filled in from x.  Raises OpError E0303."""
        new = len(self.shape) - len(x)
        if -1 in self.shape[: max(0, new)]:
            message = f"-1 in {shape_text(self.shape)} stands where x, {shape_text(x)}, has no axis"
            raise OpError("E0303", message, attribute="shape", operand=0)
        return tuple(x[i - new] if size == -1 else size for i, size in enumerate(self.shape))

    def infer(self, x: TensorType) -> TensorType:
        return x.with_shape(*broadcast_shapes(x.shape, self.wanted(x.shape), operand=0))

    def constraints(self, x: TensorType) -> tuple[Requirement, ...]:
        return at_least_one(size for size in self.shape if size != -1)

    def reference(self, x: Array) -> Array:
        shape = np.broadcast_shapes(x.shape, self.wanted(x.shape))  # type: ignore[arg-type]
        return np.broadcast_to(x, shape)


@operation("broadcast_to")
@dataclass(frozen=True)
class BroadcastTo(Op):
    """x repeated along its axes of size 1 (and new ones in front) to exactly this shape.

    ONNX: Expand.

        mask = visible |> broadcast_to([N, heads, T, T])
    """

    operands = (Operand("x"),)
    layout = Layout.CANONICAL
    elements = Elements.REARRANGED
    work = 0
    shape: Shape

    def __post_init__(self) -> None:
        require_sizes(self.shape, free=0)

    def infer(self, x: TensorType) -> TensorType:
        shape = broadcast_shapes(x.shape, self.shape, operand=0)
        if shape != self.shape:
            message = f"{x} does not broadcast to {shape_text(self.shape)}"
            raise OpError("E0302", message, attribute="shape", operand=0)
        return x.with_shape(*shape)

    def constraints(self, x: TensorType) -> tuple[Requirement, ...]:
        return at_least_one(self.shape)

    def reference(self, x: Array) -> Array:
        return np.broadcast_to(x, self.shape)  # type: ignore[arg-type]


# --------------------------------------------------------------------------------------- channels


@dataclass(frozen=True)
class _Pixels(Op):
    operands = (Operand("x"),)
    layout = Layout.SPATIAL
    elements = Elements.REARRANGED
    work = 0
    factor: int

    def __post_init__(self) -> None:
        require_at_least(1, self.factor, "factor")

    def _divided(self, x: TensorType, axis: int, by: int) -> tuple[Requirement, ...]:
        size = x.shape[axis]
        message = f"size {size} of axis {axis} is not a multiple of {by}"
        problem = OpError("E0312", message, attribute="factor", operand=0)
        return equality(size, by * (size // by), problem)


@operation("pixel_shuffle")
class PixelShuffle(_Pixels):
    """Channels laid out as pixels: `[N, C * factor * factor, H, W]` gives
    `[N, C, H * factor, W * factor]` (Shi et al., 2016).

    Those of one result stand beside each other, as in PyTorch and unlike TensorFlow's
    `depth_to_space`.  ONNX: DepthToSpace, mode CRD.

        h = x |> conv2d(4 * channels, 3, padding = 1) |> pixel_shuffle(2)
    """

    def infer(self, x: TensorType) -> TensorType:
        require_rank(x, 4)
        self.constraints(x)
        n, c, height, width = x.shape
        return x.with_shape(n, c // self.factor**2, height * self.factor, width * self.factor)

    def constraints(self, x: TensorType) -> tuple[Requirement, ...]:
        return self._divided(x, 1, self.factor**2)

    def reference(self, x: Array) -> Array:
        n, c, height, width = x.shape
        r = self.factor
        apart = x.reshape(n, c // (r * r), r, r, height, width).transpose(0, 1, 4, 2, 5, 3)
        return np.reshape(apart, (n, c // (r * r), height * r, width * r))


@operation("pixel_unshuffle")
class PixelUnshuffle(_Pixels):
    """The reverse of `pixel_shuffle`: `[N, C, H * factor, W * factor]` gives
    `[N, C * factor * factor, H, W]`.

    ONNX: Reshape, Transpose, Reshape, for SpaceToDepth has another order of channels.

        h = x |> pixel_unshuffle(2) |> conv2d(channels, 3, padding = 1)
    """

    def infer(self, x: TensorType) -> TensorType:
        require_rank(x, 4)
        self.constraints(x)
        n, c, height, width = x.shape
        return x.with_shape(n, c * self.factor**2, height // self.factor, width // self.factor)

    def constraints(self, x: TensorType) -> tuple[Requirement, ...]:
        return self._divided(x, 2, self.factor) + self._divided(x, 3, self.factor)

    def reference(self, x: Array) -> Array:
        n, c, height, width = x.shape
        r = self.factor
        apart = x.reshape(n, c, height // r, r, width // r, r).transpose(0, 1, 3, 5, 2, 4)
        return np.reshape(apart, (n, c * r * r, height // r, width // r))
