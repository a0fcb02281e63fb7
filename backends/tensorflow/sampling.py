"""Images read at computed places in TensorFlow, which gathers them."""

from __future__ import annotations

from tercet.backends.tensorflow.target import Placed, lower
from tercet.codegen.expr import Expr, Helper, default
from tercet.compiler.ops.sampling import GridSample


@lower(GridSample)
def _grid_sample(op: GridSample, at: Placed, x: Expr, grid: Expr) -> Expr:
    return Helper("grid_sample")(
        x,
        grid,
        nearest=default(op.mode == "nearest", False),
        border=default(op.padding == "border", False),
        align_corners=default(op.align_corners, False),
    )
