"""Initial weights: what layers usually start as, and the script's `initialize`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tercet.codegen.script.pieces import Piece
from tercet.codegen.specialised import layers_of
from tercet.compiler import initializers as init
from tercet.compiler.graph.ir import Graph, Layer
from tercet.compiler.initializers import Initializer
from tercet.compiler.ops.activation import PRelu
from tercet.compiler.ops.base import LayerOp
from tercet.compiler.ops.conv import AnyConvolution
from tercet.compiler.ops.linear import Dense, Embedding
from tercet.compiler.ops.norm import ChannelNorm, TrailingNorm
from tercet.compiler.ops.recurrent import Gru, Lstm, Recurrent, Rnn

_RECURRENT: dict[str, tuple[str, Initializer]] = {
    "weight": ("weight_ih", init.GlorotUniform()),
    "recurrent_weight": ("weight_hh", init.Orthogonal()),
    "bias": ("bias_ih", init.Zeros()),
    "recurrent_bias": ("bias_hh", init.Zeros()),
}
"""What PyTorch calls a cell's parameters, and what they usually start as."""


def own_initializers(layer: Layer) -> dict[str, Initializer]:
    """Those parameters, by PyTorch's names, that start otherwise than such layers usually do."""
    usual = _usual_initializers(layer.op)
    return {
        usual[p.name][0]: p.start
        for p in layer.parameters
        if p.trainable and p.init != usual[p.name][1]
    }


def _usual_initializers(op: LayerOp) -> dict[str, tuple[str, Initializer]]:
    """PyTorch's name of each parameter, and what it starts as, by `initialize` or by itself."""
    match op:
        case AnyConvolution():
            usual: dict[str, Initializer] = {"weight": init.HeUniform(), "bias": init.Zeros()}
        case Dense():
            usual = {"weight": init.GlorotUniform(), "bias": init.Zeros()}
        case Embedding():
            usual = {"weight": init.Normal(std=0.02)}
        case ChannelNorm() | TrailingNorm():
            usual = {"weight": init.Ones(), "bias": init.Zeros()}
        case PRelu():
            usual = {"weight": init.Constant(0.25)}
        case Recurrent():
            return {
                name + cell.suffix: (f"{theirs}_l{cell.layer}{'_reverse' * cell.reverse}", start)
                for cell in op.cells()
                for name, (theirs, start) in _RECURRENT.items()
            }
        case _:
            usual = {}
    return {name: (name, start) for name, start in usual.items()}


def initialize_piece(model: Graph) -> Piece:
    """`initialize(module)` for the kinds of layers that the model has; empty if it needs none."""
    layers = layers_of(model)
    usual = [layer for layer in layers if len(own_initializers(layer)) < len(_trainable(layer))]
    body = _cases(list(_groups(usual)))
    if any(own_initializers(layer) for layer in layers):
        body += [
            '    for name, fill in getattr(module, "own_initial_values", {}).items():',
            "        fill(getattr(module, name).data)",
        ]
    return Piece("\n".join(["def initialize(module):", *body])) if body else Piece()


def _trainable(layer: Layer) -> list[str]:
    return [p.name for p in layer.parameters if p.trainable]


def _groups(layers: Sequence[Layer]) -> Iterator[tuple[list[str], list[str]]]:
    """Modules of PyTorch that start alike, and the lines that fill one."""
    convolutions = [layer for layer in layers if isinstance(layer.op, AnyConvolution)]
    if convolutions:
        fill = 'nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")'
        modules = sorted({f"nn.{type(layer.op).__name__}" for layer in convolutions})
        yield modules, [fill, *_bias_lines(convolutions)]
    dense = [layer for layer in layers if isinstance(layer.op, Dense)]
    if dense:
        yield ["nn.Linear"], ["nn.init.xavier_uniform_(module.weight)", *_bias_lines(dense)]
    kinds = {type(layer.op) for layer in layers}
    if Embedding in kinds:
        yield ["nn.Embedding"], ["nn.init.normal_(module.weight, std=0.02)"]
    recurrent = {Rnn: "nn.RNN", Lstm: "nn.LSTM", Gru: "nn.GRU"}
    if modules := [module for kind, module in recurrent.items() if kind in kinds]:
        yield modules, _RECURRENT_LINES


def _bias_lines(alike: Sequence[Layer]) -> list[str]:
    """Zeros for the biases of layers of one kind, if they have any."""
    zero = "nn.init.zeros_(module.bias)"
    biased = [len(layer.parameters) > 1 for layer in alike]
    if not any(biased):
        return []
    return [zero] if all(biased) else ["if module.bias is not None:", f"    {zero}"]


_RECURRENT_LINES = [
    "for name, parameter in module.named_parameters():",
    '    if name.startswith("weight_ih"):',
    "        nn.init.xavier_uniform_(parameter)",
    '    elif name.startswith("weight_hh"):',
    "        for gate in parameter.data.split(module.hidden_size):",
    "            nn.init.orthogonal_(gate)",
    "    else:",
    "        nn.init.zeros_(parameter)",
]


def _cases(groups: list[tuple[list[str], list[str]]]) -> list[str]:
    result: list[str] = []
    word = "if"
    for modules, body in groups:
        test = modules[0] if len(modules) == 1 else f"({', '.join(modules)})"
        result.append(f"    {word} isinstance(module, {test}):")
        result += [f"        {line}" for line in body]
        word = "elif"
    return result
