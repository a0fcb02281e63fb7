"""What becomes of NaN and infinity here, where that is not what the operations say.

`tests/backends/test_not_finite.py` measures it.
"""

from __future__ import annotations

from tercet.backends.tensorflow.target import lower
from tercet.compiler.ops.activation import Hardmax, Softmax
from tercet.compiler.ops.indexing import ArgMax, ArgMin, Sort, TopK
from tercet.compiler.ops.mathematics import Expm1
from tercet.compiler.ops.norm import LocalResponseNorm
from tercet.compiler.ops.pooling import GlobalMaxPool1d, GlobalMaxPool2d, GlobalMaxPool3d
from tercet.compiler.ops.reduce import ReduceLogSumExp, ReduceMax, ReduceMin
from tercet.compiler.ops.resizing import Resize, Upsample

lower.exceptional(
    "ONNX Runtime may lose a NaN", ReduceMax, ReduceMin, ArgMax, ArgMin, Hardmax, TopK, file=True
)
lower.exceptional("NaN may be passed over", ArgMax, ArgMin, Hardmax, TopK, framework=True)
lower.exceptional("NaN where all elements are infinite", ReduceLogSumExp, file=True)
lower.exceptional("NaN for -infinity", Expm1, framework=True, file=True)
lower.exceptional("0 beside infinity", Softmax, framework=True)
_MAXIMA = (GlobalMaxPool1d, GlobalMaxPool2d, GlobalMaxPool3d)
lower.exceptional("ONNX Runtime may lose a NaN", Sort, *_MAXIMA, file=True)
lower.exceptional("NaN is put among the numbers", Sort, framework=True)
lower.exceptional("NaN beside infinity", LocalResponseNorm, framework=True, file=True)
lower.exceptional(
    "`linear` may be NaN, or not, beside what is not finite and has the weight 0",
    Resize,
    Upsample,
    framework=True,
    file=True,
)
