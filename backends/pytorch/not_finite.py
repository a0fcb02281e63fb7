"""What becomes of NaN and infinity here, where that is not what the operations say.

`tests/backends/test_not_finite.py` measures it.
"""

from __future__ import annotations

from tercet.backends.pytorch.target import lower
from tercet.compiler.ops.activation import Gelu, Hardmax, HardShrink, SoftShrink
from tercet.compiler.ops.arithmetic import FloorDivide, Modulo
from tercet.compiler.ops.elementwise import Clip
from tercet.compiler.ops.indexing import ArgMax, ArgMin, CumSum, Sort, TopK
from tercet.compiler.ops.mathematics import Sign
from tercet.compiler.ops.pooling import GlobalMaxPool1d, GlobalMaxPool2d, GlobalMaxPool3d
from tercet.compiler.ops.reduce import ReduceLogSumExp, ReduceMax, ReduceMin
from tercet.compiler.ops.resizing import Resize, Upsample
from tercet.compiler.ops.sampling import GridSample

_SELECTING = (ReduceMax, ReduceMin, ArgMax, ArgMin, Hardmax, TopK, ReduceLogSumExp)

lower.exceptional("ONNX Runtime may lose a NaN", *_SELECTING, file=True)
lower.exceptional(
    "NaN where an infinity stands, in sums that leave out the element or begin at the end",
    CumSum,
    framework=True,
    file=True,
)
lower.exceptional("the sign of NaN is 0", Sign, framework=True)
lower.exceptional("NaN for a quotient that is infinite", FloorDivide, framework=True)
lower.exceptional("a number or infinity where x is finite and y infinite", Modulo, framework=True)
lower.exceptional("with one limit, infinity becomes the largest number", Clip, file=True)
lower.exceptional("0 for NaN", HardShrink, SoftShrink, file=True)
lower.exceptional("NaN for infinity", Gelu, framework=True)
_MAXIMA = (GlobalMaxPool1d, GlobalMaxPool2d, GlobalMaxPool3d)
lower.exceptional("ONNX Runtime may lose a NaN", Sort, *_MAXIMA, file=True)
lower.exceptional("NaN where a border is infinite", GridSample, file=True)
lower.exceptional(
    "`linear` may be NaN, or not, beside what is not finite and has the weight 0",
    Resize,
    Upsample,
    framework=True,
    file=True,
)
