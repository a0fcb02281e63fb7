"""Images read at computed places in ONNX.  (ONNX Runtime computes GridSample in f32 only.)"""

from __future__ import annotations

from tercet.backends.onnx.builder import Context, lower
from tercet.compiler.ops.sampling import GridSample


@lower(GridSample)
def _grid_sample(op: GridSample, c: Context) -> str:
    return c.node(
        "GridSample",
        c[0],
        c[1],
        mode=op.mode,
        padding_mode=op.padding,
        align_corners=int(op.align_corners),
    )
