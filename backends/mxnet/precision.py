"""Mixed precision in MXNet: a second graph over the same parameters, with AMP's casts.

`amp.init` would change all graphs of the process for good, those of inference too.
"""

from __future__ import annotations

from tercet.backends.base import Unsupported, rejected
from tercet.codegen.script.pieces import Piece, literal
from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.ir import Apply, Graph
from tercet.compiler.graph.reach import reached_inputs
from tercet.compiler.graph.training import Training
from tercet.compiler.ops.conv import ConvTranspose
from tercet.compiler.types import DType
from tercet.dsl.diagnostics import Diagnostic, DiagnosticError

_NAMES = {DType.BF16: "bfloat16", DType.F32: "float32"}


def precision_name(precision: DType) -> str:
    """MXNet's name of a precision, as text."""
    return literal(_NAMES[precision])


def check_precision(model: Graph, training: Training) -> None:
    """MXNet on CPUs has no products in float16, and in bfloat16 some gradients get stuck.

    Raises DiagnosticError.
    """
    if training.precision not in _NAMES:
        message = f"mxnet cannot train with `precision = {training.precision}`"
        help = "its packages have no float16 on CPUs: use `precision = bf16`"
        raise DiagnosticError(Diagnostic("E0701", message, training.places["precision"], help))
    if not training.is_mixed:
        return
    for graph in all_graphs(model):
        for item in graph.body.walk():
            if isinstance(item, Apply) and isinstance(item.op, ConvTranspose):
                reason = f"with `precision = {training.precision}` oneDNN loses its gradient"
                problem = Unsupported(reason, "train in f32")
                raise rejected("mxnet", item.op, item.span, problem)


def mixed_precision_piece(model: Graph) -> Piece:
    """`mixed_precision`: the block that is trained in place of the model."""
    names = [i.value.name for i in model.inputs]
    read = "names"
    if len(reached_inputs(model)) < len(names):
        read = "[n for n in names if n in symbol.list_inputs()]"
    outputs = "model(*inputs)"
    if len(model.outputs) > 1:
        outputs = f"mx.sym.Group(list({outputs}))"
    text = f'''\
def mixed_precision(model, device):
    """The model with products in bfloat16, its parameters being the same."""
    if device.device_type != "cpu":
        raise SystemExit("MXNet computes in bfloat16 on CPUs only; use --device cpu")
    try:
        x = nd.amp_cast(nd.ones((1, 1)), dtype=PRECISION)
        nd.FullyConnected(x, x, no_bias=True, num_hidden=1).wait_to_read()
    except mx.MXNetError:
        raise SystemExit("MXNet cannot compute in bfloat16 on this CPU") from None
    names = {literal(names)}
    inputs = [mx.sym.var(name) for name in names]
    symbol = {outputs}
    nodes = json.loads(symbol.tojson())["nodes"]
    others = {{node["op"] for node in nodes}} - {{"Convolution", "FullyConnected"}}
    kept = [node["name"] for node in nodes if node["op"] in others]
    symbol = amp.convert_symbol(
        symbol, PRECISION, excluded_sym_names=kept, data_names={read}
    )
    block = gluon.SymbolBlock(symbol, inputs, params=model.collect_params())
    block.hybridize(static_alloc=True, static_shape=True)
    return block'''
    return Piece(
        text, ("import json", "from mxnet import gluon, nd", "from mxnet.contrib import amp")
    )
