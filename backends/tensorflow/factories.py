"""What all layers of one kind have in common, said once: `conv2d = partial(layers.Conv2D, …)`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from tercet.codegen.expr import Attribute, Call, Expr, Helper, Literal, Name
from tercet.codegen.printed import ClassCode
from tercet.codegen.render import render
from tercet.codegen.script.pieces import Piece
from tercet.codegen.tree import find_parts, map_expressions

_ALIASES = {
    "BatchNormalization": "batch_norm",
    "Conv1D": "conv1d",
    "Conv2D": "conv2d",
    "Conv3D": "conv3d",
    "Conv1DTranspose": "conv1d_transpose",
    "Conv2DTranspose": "conv2d_transpose",
    "Conv3DTranspose": "conv3d_transpose",
    "Dense": "dense",
    "DepthwiseConv2D": "depthwise_conv2d",
    "Embedding": "embedding",
    "GroupNormalization": "group_norm",
    "GroupedConv1D": "grouped_conv1d",
    "GroupedConv2D": "grouped_conv2d",
    "GroupedConv3D": "grouped_conv3d",
    "GRU": "gru",
    "LongerConv1DTranspose": "longer_conv1d_transpose",
    "LongerConv2DTranspose": "longer_conv2d_transpose",
    "LongerConv3DTranspose": "longer_conv3d_transpose",
    "LSTM": "lstm",
    "LayerNormalization": "layer_norm",
    "PReLU": "prelu",
    "RMSNormalization": "rms_norm",
    "SimpleRNN": "simple_rnn",
}
_MATTERS_OF_STYLE = {"use_bias", "momentum", "epsilon", "return_sequences", "unit_forget_bias"}
ALIASES = frozenset(_ALIASES.values())

_Keywords = tuple[tuple[str, Expr], ...]


def with_factories(classes: Sequence[ClassCode]) -> tuple[list[ClassCode], Piece]:
    """The classes with their layers made by short functions, and these functions."""
    calls: dict[str, list[Call]] = defaultdict(list)
    for code in classes:
        for call in find_parts(code.construct, Call):
            if _alias(call.callee) is not None:
                calls[render(call.callee)].append(call)
    shared = {made: _common(found) for made, found in sorted(calls.items()) if len(found) > 1}
    shared = {made: common for made, common in shared.items() if common}
    lines = [_line(made, common) for made, common in shared.items()]
    changed = [
        replace(
            code, construct=tuple(map_expressions(code.construct, lambda e: _shortened(e, shared)))
        )
        for code in classes
    ]
    return changed, Piece("\n".join(lines), ("from functools import partial",))


def _alias(callee: Expr) -> str | None:
    match callee:
        case Attribute(Name("layers"), member):
            return _ALIASES.get(member)
        case Helper(identifier):
            return _ALIASES.get(identifier)
    return None


def _common(calls: Sequence[Call]) -> _Keywords:
    """The keywords that all calls have with one value, if it is one that many layers have."""
    first, *others = (dict(call.keywords) for call in calls)
    return tuple(
        (key, value)
        for key, value in first.items()
        if _is_style(key)
        and all(other.get(key) == value for other in others)
        and isinstance(value, Literal)  # an initializer shared would draw the same for all
    )


def _is_style(keyword: str) -> bool:
    """Whether a setting is a matter of style rather than of structure."""
    return keyword.endswith("_initializer") or keyword in _MATTERS_OF_STYLE


def _line(made: str, common: _Keywords) -> str:
    name = _ALIASES[made.rpartition(".")[2]]
    settings = ", ".join(f"{key}={render(value)}" for key, value in common)
    return f"{name} = partial({made}, {settings})"


def _shortened(expr: Expr, shared: dict[str, _Keywords]) -> Expr | None:
    if not isinstance(expr, Call) or _alias(expr.callee) is None:
        return None
    common = shared.get(render(expr.callee))
    alias = _alias(expr.callee)
    if common is None or alias is None:
        return None
    gone = {key for key, _ in common}
    kept = tuple((key, value) for key, value in expr.keywords if key not in gone)
    return Call(Name(alias), expr.positional, kept)
