"""Initial weights: what layers usually start as, and the script's `initialize`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compiler import initializers as init
from compiler.codegen.pieces import Piece
from compiler.codegen.specialised import layers_of
from compiler.initializers import Initializer
from compiler.ir import Graph, Layer
from compiler.ops.base import LayerOp
from compiler.ops.conv import AnyConvolution
from compiler.ops.linear import Dense, Embedding
from compiler.ops.norm import ChannelNorm, TrailingNorm
from compiler.ops.recurrent import Gru, Lstm, Recurrent, Rnn

_RECURRENT: dict[str, Initializer] = {
    "weight": init.GlorotUniform(),
    "recurrent_weight": init.Orthogonal(),
    "bias": init.Zeros(),
    "recurrent_bias": init.Zeros(),
}


def usual_initializer(op: LayerOp, name: str, own: Initializer) -> Initializer:
    """What a parameter of such a layer starts as, by `initialize` or by PyTorch itself.

    `own` is given back for operations that this table does not know.
    """
    match op:
        case AnyConvolution():
            return init.HeUniform() if name == "weight" else init.Zeros()
        case Dense():
            return init.GlorotUniform() if name == "weight" else init.Zeros()
        case Embedding():
            return init.Normal(std=0.02)
        case Recurrent():
            kind = next(k for k in sorted(_RECURRENT, key=len, reverse=True) if name.startswith(k))
            return _RECURRENT[kind]
        case ChannelNorm() | TrailingNorm():
            return init.Zeros() if name == "bias" else init.Ones()
    return own


def initialize_piece(model: Graph) -> Piece:
    """`initialize(module)` for the kinds of layers that the model has; empty if it needs none."""
    layers = layers_of(model)
    groups = list(_groups(layers))
    if not groups:
        return Piece()
    own = any(_has_own(layer) for layer in layers)
    return Piece("\n".join(["def initialize(module):", *_cases(groups, own)]))


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


def _cases(groups: list[tuple[list[str], list[str]]], own: bool) -> list[str]:
    result: list[str] = []
    if own:
        result += ['    if getattr(module, "has_own_initial_values", False):', "        return"]
    word = "if"
    for modules, body in groups:
        test = modules[0] if len(modules) == 1 else f"({', '.join(modules)})"
        result.append(f"    {word} isinstance(module, {test}):")
        result += [f"        {line}" for line in body]
        word = "elif"
    return result


def _has_own(layer: Layer) -> bool:
    return any(
        p.trainable and p.init != usual_initializer(layer.op, p.name, p.init)
        for p in layer.parameters
    )
