"""Mixed precision in Keras: policies of layers, and scaled losses for float16."""

from __future__ import annotations

from tercet.codegen.script.pieces import Piece, literal
from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.ir import Apply, Graph
from tercet.compiler.ops.pooling import AvgPool3d, MaxPool3d
from tercet.compiler.types import DType

LOSS_SCALE = "LossScale"
_POLICIES = {DType.F16: "mixed_float16", DType.BF16: "mixed_bfloat16", DType.F32: "float32"}


def policy(precision: DType) -> str:
    """Keras' policy for a precision, as text."""
    return literal(_POLICIES[precision])


def precision_pieces(precision: DType) -> list[Piece]:
    """`use_precision`, and what scales the loss; none for f32."""
    if precision is DType.F32:
        return []
    return [_USE, *([_LOSS_SCALE] if precision is DType.F16 else [])]


def pooling_check(model: Graph) -> list[str]:
    """Lines that refuse what `train` cannot do in float16 on a CPU."""
    items = (item for graph in all_graphs(model) for item in graph.body.walk())
    if not any(isinstance(i, Apply) and isinstance(i.op, MaxPool3d | AvgPool3d) for i in items):
        return []
    message = "TensorFlow has no 3-D pooling in float16 on CPUs; train on --device cuda"
    return ['if args.device == "cpu":', f"    raise SystemExit({literal(message)})"]


_USE = Piece('''\
def use_precision(model, policy):
    """Let all layers compute by this policy; the weights are float32 in any."""
    for layer in model._flatten_layers():
        layer.dtype_policy = policy''')

_LOSS_SCALE = Piece(
    '''\
class LossScale(keras.optimizers.LossScaleOptimizer):
    """Counts the steps that it leaves out, because a gradient overflowed, too."""

    def build(self, variables):
        if not self.built:  # Keras would begin with another scale
            super().build(variables)

    def _stateful_handle_non_finite_grads(self):
        super()._stateful_handle_non_finite_grads()
        self.iterations.assign_add(1)''',
    ("import keras",),
)
