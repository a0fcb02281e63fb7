"""Operations on axes: their order, and those of size 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tercet.compiler.errors import OpError, require
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import Elements, Layout, Op, Operand, operation
from tercet.compiler.ops.checks import normalized_axes
from tercet.compiler.ops.slicing import Index
from tercet.compiler.types import Shape, TensorType, shape_text
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


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
