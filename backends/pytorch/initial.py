"""Initial weights: the script's `initialize`."""

from __future__ import annotations

from backends.pytorch.usual import usual_initializer
from compiler.codegen.pieces import Piece
from compiler.codegen.specialised import layers_of
from compiler.ir import Graph, Layer
from compiler.ops.conv import AnyConvolution
from compiler.ops.linear import Dense, Embedding
from compiler.ops.recurrent import Gru, Lstm, Rnn


def initialize_piece(model: Graph) -> Piece:
    """`initialize(module)` for the kinds of layers that the model has; empty if it needs none."""
    layers = layers_of(model)
    ops = {type(layer.op): layer.op for layer in layers}
    groups: list[tuple[list[str], list[str]]] = []
    convolutions = sorted(c.__name__ for c, op in ops.items() if isinstance(op, AnyConvolution))
    if convolutions:
        kinds = [f"nn.{name}" for name in convolutions]
        body = ['nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")']
        body += _bias_lines([x for x in layers if isinstance(x.op, AnyConvolution)])
        groups.append((kinds, body))
    if Dense in ops:
        body = ["nn.init.xavier_uniform_(module.weight)"]
        body += _bias_lines([layer for layer in layers if isinstance(layer.op, Dense)])
        groups.append((["nn.Linear"], body))
    if Embedding in ops:
        groups.append((["nn.Embedding"], ["nn.init.normal_(module.weight, std=0.02)"]))
    recurrent = [f"nn.{n}" for c, n in ((Rnn, "RNN"), (Lstm, "LSTM"), (Gru, "GRU")) if c in ops]
    if recurrent:
        groups.append((recurrent, _recurrent_lines()))
    if not groups:
        return Piece()
    own = any(_has_own(layer) for layer in layers)
    return Piece("\n".join(["def initialize(module):", *_cases(groups, own)]))


def _bias_lines(alike: list[Layer]) -> list[str]:
    """Zeros for the biases of layers of one kind, if they have any."""
    zero = "nn.init.zeros_(module.bias)"
    biased = [len(layer.parameters) > 1 for layer in alike]
    if not any(biased):
        return []
    return [zero] if all(biased) else ["if module.bias is not None:", f"    {zero}"]


def _recurrent_lines() -> list[str]:
    return [
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
    for kinds, body in groups:
        test = kinds[0] if len(kinds) == 1 else f"({', '.join(kinds)})"
        result.append(f"    {word} isinstance(module, {test}):")
        result += [f"        {line}" for line in body]
        word = "elif"
    return result


def _has_own(layer: Layer) -> bool:
    return any(
        p.trainable and p.init != usual_initializer(layer.op, p.name, p.init)
        for p in layer.parameters
    )
