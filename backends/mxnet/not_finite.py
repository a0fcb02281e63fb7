"""What becomes of NaN and infinity here, where that is not what the operations say.

`tests/backends/test_not_finite.py` measures it.
"""

from __future__ import annotations

from tercet.backends.mxnet.target import lower
from tercet.compiler.ops.activation import Hardmax, Relu, Softmax
from tercet.compiler.ops.arithmetic import Modulo
from tercet.compiler.ops.indexing import ArgMax, ArgMin, CumSum, Sort, TopK
from tercet.compiler.ops.mathematics import Round, Sign
from tercet.compiler.ops.norm import LocalResponseNorm
from tercet.compiler.ops.pooling import GlobalMaxPool1d, GlobalMaxPool2d, GlobalMaxPool3d
from tercet.compiler.ops.reduce import ReduceLogSumExp, ReduceMax, ReduceMin
from tercet.compiler.ops.resizing import Resize, Upsample
from tercet.compiler.ops.scattering import ScatterNd

lower.exceptional(
    "ONNX Runtime may lose a NaN", ReduceMax, ReduceMin, ArgMax, ArgMin, Hardmax, TopK, file=True
)
lower.exceptional(
    "NaN where an infinity stands, in sums that leave out the element or begin at the end",
    CumSum,
    framework=True,
    file=True,
)
lower.exceptional("NaN is put among the numbers", TopK, framework=True)
lower.exceptional("the sign of NaN is 0", Sign, framework=True)
lower.exceptional("in a model with convolutions NaN is 0", Relu, framework=True)
lower.exceptional("NaN for infinity", Round, ReduceLogSumExp, framework=True, file=True)
lower.exceptional("x where y is infinite", Modulo, framework=True, file=True)
lower.exceptional("0 beside infinity", Softmax, framework=True)
_MAXIMA = (GlobalMaxPool1d, GlobalMaxPool2d, GlobalMaxPool3d)
lower.exceptional("ONNX Runtime may lose a NaN", Sort, *_MAXIMA, file=True)
lower.exceptional("NaN is put among the numbers", Sort, framework=True)
lower.exceptional("NaN beside infinity", LocalResponseNorm, file=True)
lower.exceptional(
    "where an infinite update is added, NaN in all rows", ScatterNd, framework=True, file=True
)
lower.exceptional(
    "`linear` may be NaN, or not, beside what is not finite and has the weight 0",
    Resize,
    Upsample,
    framework=True,
    file=True,
)
