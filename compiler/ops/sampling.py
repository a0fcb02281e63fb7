"""Images read at places that are computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from tercet.compiler import dims
from tercet.compiler.errors import OpError
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import (
    Elements,
    Layout,
    Op,
    Operand,
    operation,
    require_float,
)
from tercet.compiler.ops.checks import require_dtype, require_rank
from tercet.compiler.types import TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


@operation("grid_sample")
@dataclass(frozen=True)
class GridSample(Op):
    """Elements of images at places of their own, or between them: warped images.

    x `[N, C, H, W]` and grid `[N, P, Q, 2]`, of one dtype, give `[N, C, P, Q]`.  The last axis of
    grid is (x, y): along W, then along H, from -1 to 1 where the image is, whose ends are the
    middles of the outermost elements with `align_corners = true`, else their outer edges.  `mode`
    is `"bilinear"` or `"nearest"` (halves to the even element); outside is 0 with `padding =
    "zeros"`, the outermost element with `"border"`.  The grid is finite.  ONNX: GridSample.

        warped = image |> grid_sample(identity + flow, padding = "border")
    """

    operands = (Operand("x"), Operand("grid"))
    layout = Layout.SPATIAL
    elements = Elements.COMPUTED
    work = 8

    mode: Literal["bilinear", "nearest"] = "bilinear"
    padding: Literal["zeros", "border"] = "zeros"
    align_corners: bool = False

    def infer(self, x: TensorType, grid: TensorType) -> TensorType:
        require_float(x)
        if x.rank == 5:
            message = f"samples images, of 4 axes, and {x} has 5: volumes are not supported"
            raise OpError("E0303", message, operand=0)
        require_rank(x, 4)
        require_dtype(grid, x.dtype, "grid", operand=1)
        require_rank(grid, 4, operand=1)
        if grid.shape[3] != 2:
            message = f"the last axis of grid must be 2, an x and a y, and {grid} has another"
            raise OpError("E0301", message, operand=1)
        if dims.equal(x.shape[0], grid.shape[0]) is not True:
            message = f"x has {x.shape[0]} examples and grid {grid.shape[0]}: they must be equal"
            raise OpError("E0301", message, operand=1)
        return x.with_shape(*x.shape[:2], *grid.shape[1:3])

    def mixed_axes(self, x: TensorType) -> tuple[int, ...]:
        return (1, 2, 3)

    def reference(self, x: Array, grid: Array) -> Array:
        sizes = np.array(x.shape[2:], grid.dtype)
        last = sizes - 1
        places = grid[..., ::-1] + 1
        places = places / 2 * last if self.align_corners else (places * sizes - 1) / 2
        if self.padding == "border":
            places = np.clip(places, 0, last)
        if self.mode == "nearest":
            return _elements(x, np.round(places), last)
        low = np.floor(places)
        rest = places - low
        total: Any = 0
        for corner in ((0, 0), (0, 1), (1, 0), (1, 1)):
            weight = np.where(corner, rest, 1 - rest).prod(-1)[:, None]
            total = total + _elements(x, low + corner, last) * weight
        return np.asarray(total, x.dtype)


def _elements(x: Array, places: Array, last: Array) -> Array:
    """The elements of x at whole places (y, x), 0 outside."""
    inside = ((places >= 0) & (places <= last)).all(-1)[:, None]
    y, x_ = np.moveaxis(np.clip(np.nan_to_num(places), 0, last).astype(int), -1, 0)
    found = np.moveaxis(x, 1, -1)[np.arange(len(x))[:, None, None], y, x_]
    return np.where(inside, np.moveaxis(found, -1, 1), 0)
