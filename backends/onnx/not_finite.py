"""What becomes of NaN and infinity here, where that is not what the operations say.

`tests/backends/test_not_finite.py` measures it.
"""

from __future__ import annotations

from tercet.backends.onnx.builder import lower
from tercet.compiler.ops.activation import Hardmax, HardShrink, SoftShrink, ThresholdedRelu
from tercet.compiler.ops.indexing import ArgMax, ArgMin, TopK
from tercet.compiler.ops.reduce import ReduceLogSumExp, ReduceMax, ReduceMin

_SELECTING = (ReduceMax, ReduceMin, ArgMax, ArgMin, Hardmax, TopK, ReduceLogSumExp)
lower.exceptional("ONNX Runtime may lose a NaN", *_SELECTING, file=True)
lower.exceptional("0 for NaN", HardShrink, SoftShrink, ThresholdedRelu, file=True)
