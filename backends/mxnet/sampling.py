"""Images read at computed places in MXNet, whose own sampler has 0 outside and aligned corners."""

from __future__ import annotations

from tercet.backends.mxnet.target import F, held_as, lower
from tercet.codegen.expr import Expr, Helper, default
from tercet.codegen.target import Application
from tercet.compiler.ops.sampling import GridSample


@lower(GridSample)
def _grid_sample(op: GridSample, at: Application, x: Expr, grid: Expr) -> Expr:
    return Helper("grid_sample")(
        F,
        x,
        grid,
        nearest=default(op.mode == "nearest", False),
        border=default(op.padding == "border", False),
        align_corners=default(op.align_corners, False),
        dtype=default(held_as(at.type(1).dtype), "float32"),
    )
