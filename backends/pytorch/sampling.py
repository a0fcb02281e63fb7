"""Images read at computed places in PyTorch."""

from __future__ import annotations

from tercet.backends.pytorch.target import F, lower
from tercet.codegen.expr import Expr, default
from tercet.codegen.target import Application
from tercet.compiler.ops.sampling import GridSample


@lower(GridSample)
def _grid_sample(op: GridSample, at: Application, x: Expr, grid: Expr) -> Expr:
    return F.grid_sample(
        x,
        grid,
        mode=default(op.mode, "bilinear"),
        padding_mode=default(op.padding, "zeros"),
        align_corners=op.align_corners,  # PyTorch warns where it is left out
    )
