"""What becomes of NaN and infinity here, where that is not what the operations say.

`tests/backends/test_not_finite.py` measures it.
"""

from __future__ import annotations

from tercet.backends.onnx.builder import lower
from tercet.compiler.ops.activation import Hardmax, HardShrink, SoftShrink, ThresholdedRelu
from tercet.compiler.ops.indexing import ArgMax, ArgMin, Sort, TopK
from tercet.compiler.ops.norm import LocalResponseNorm
from tercet.compiler.ops.pooling import GlobalMaxPool1d, GlobalMaxPool2d, GlobalMaxPool3d
from tercet.compiler.ops.reduce import ReduceLogSumExp, ReduceMax, ReduceMin
from tercet.compiler.ops.resizing import Resize, Upsample
from tercet.compiler.ops.sampling import GridSample

_SELECTING = (ReduceMax, ReduceMin, ArgMax, ArgMin, Hardmax, TopK, ReduceLogSumExp)

lower.exceptional("ONNX Runtime may lose a NaN", *_SELECTING, file=True)
lower.exceptional("0 for NaN", HardShrink, SoftShrink, ThresholdedRelu, file=True)
_MAXIMA = (GlobalMaxPool1d, GlobalMaxPool2d, GlobalMaxPool3d)
lower.exceptional("ONNX Runtime may lose a NaN", Sort, *_MAXIMA, file=True)
lower.exceptional("NaN beside infinity", LocalResponseNorm, file=True)
lower.exceptional("NaN where a border is infinite", GridSample, file=True)
lower.exceptional(
    "`linear` may be NaN, or not, beside what is not finite and has the weight 0",
    Resize,
    Upsample,
    file=True,
)
