"""Images read at computed places in PyTorch."""

from __future__ import annotations

from tercet.backends.pytorch.target import DTYPES, F, lower
from tercet.codegen.expr import Expr, default
from tercet.codegen.target import Application
from tercet.compiler.ops.sampling import GridSample
from tercet.compiler.types import DType


@lower(GridSample)
def _grid_sample(op: GridSample, at: Application, x: Expr, grid: Expr) -> Expr:
    """In 16 bits PyTorch rounds the places too."""
    settings = {
        "mode": default(op.mode, "bilinear"),
        "padding_mode": default(op.padding, "zeros"),
        "align_corners": op.align_corners,  # PyTorch warns where it is left out
    }
    dtype = at.type(0).dtype
    if dtype not in (DType.F16, DType.BF16):
        return F.grid_sample(x, grid, **settings)
    return F.grid_sample(x.float(), grid.float(), **settings).to(DTYPES[dtype])
