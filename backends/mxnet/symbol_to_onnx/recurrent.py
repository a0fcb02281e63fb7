"""The fused RNN operator as native ONNX LSTM, GRU and RNN nodes, one per layer.

MXNet keeps all parameters in one vector: for each layer and direction the input and the recurrent
weights, then in the same order the two biases.  Gates are i f c o (LSTM) and r z n (GRU, which
applies the reset gate after the recurrent product); ONNX wants i o f c and z r h.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .builder import Tensor
from .extents import Extent
from .registry import Node, converts
from .sizes import reshape

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class _Kind:
    operator: str
    gates: tuple[int, ...]  # ONNX's order in terms of MXNet's
    attributes: tuple[tuple[str, object], ...] = ()
    activation: str | None = None


_KINDS = {
    "lstm": _Kind("LSTM", (0, 3, 1, 2)),
    "gru": _Kind("GRU", (1, 0, 2), (("linear_before_reset", 1),)),
    "rnn_tanh": _Kind("RNN", (0,), activation="Tanh"),
    "rnn_relu": _Kind("RNN", (0,), activation="Relu"),
}


@dataclass(frozen=True)
class _Layer:
    """ONNX's W [directions, gates * units, inputs], R [.., units] and B [directions, 2 * ..]."""

    weight: Array
    recurrent: Array
    bias: Array


@converts("RNN", irrelevant=("p",))
def _rnn(node: Node) -> list[str]:
    kind = _KINDS[node.text("mode")]
    units, layers = node.integer("state_size"), node.integer("num_layers")
    directions = 2 if node.flag("bidirectional") else 1
    for key in ("projection_size", "lstm_state_clip_min", "lstm_state_clip_max"):
        node.expect(key)
    node.expect("lstm_state_clip_nan", "False", "0")
    node.expect("use_sequence_length", "False", "0")
    sequence, finals = node.x.name, []
    for index, layer in enumerate(_unpacked(node, kind, units, layers, directions)):
        states = _initial_states(node, index, layers, directions)
        sequence, *final = _emit_layer(node, kind, layer, sequence, states)
        sequence = _joined_directions(node, sequence, units, directions)
        finals.append(final)
    with_states = node.flag("state_outputs")
    return [sequence, *(_stacked(node, state) for state in zip(*finals, strict=True))][
        : len(node.outputs) if with_states else 1
    ]


def _unpacked(
    node: Node, kind: _Kind, units: int, layers: int, directions: int
) -> Iterator[_Layer]:
    inputs = node.x.shape[2].constant
    packed = node.constant(1)
    if inputs is None or packed is None:
        node.refuse("its weights must be parameters and its input width a number")
    gates = len(kind.gates)
    position = 0

    def take(*shape: int) -> Array:
        """The next array of shape [gates * units, ...], its gates in ONNX's order."""
        nonlocal position
        start, position = position, position + gates * units * int(np.prod(shape, dtype=int))
        array: Array = packed[start:position].reshape(gates, units, *shape)[list(kind.gates)]
        return array.reshape(gates * units, *shape)

    widths = [inputs, *[units * directions] * (layers - 1)]
    weights = [[(take(width), take(units)) for _ in range(directions)] for width in widths]
    biases = [[(take(), take()) for _ in range(directions)] for _ in widths]
    for weight, bias in zip(weights, biases, strict=True):
        yield _Layer(
            np.stack([w for w, _ in weight]),
            np.stack([r for _, r in weight]),
            np.stack([np.concatenate(pair) for pair in bias]),
        )


def _initial_states(node: Node, layer: int, layers: int, directions: int) -> list[str]:
    """This layer's part of the initial states; "" for zeros, which are ONNX's default."""
    states = []
    for state in node.inputs[2:]:
        if state.fill == 0:
            states.append("")
        elif layers == 1:
            states.append(state.name)
        else:
            start, stop = node.vector(layer * directions), node.vector((layer + 1) * directions)
            states.append(node.emit("Slice", [state.name, start, stop, node.vector(0)]))
    return states


def _emit_layer(
    node: Node, kind: _Kind, layer: _Layer, sequence: str, states: list[str]
) -> list[str]:
    """Y [T, directions, N, units] and the final states [directions, N, units]."""
    directions, _, units = layer.recurrent.shape
    attributes = dict(kind.attributes)
    if kind.activation:
        attributes["activations"] = [kind.activation] * directions
    weights = [
        node.graph.constant(np.ascontiguousarray(array), f"{node.symbol.name}/{label}")
        for label, array in (("W", layer.weight), ("R", layer.recurrent), ("B", layer.bias))
    ]
    inputs = [sequence, *weights, "", *states]
    while not inputs[-1]:
        inputs.pop()
    return node.graph.emit_many(
        kind.operator,
        inputs,
        3 if kind.operator == "LSTM" else 2,
        hidden_size=units,
        direction="bidirectional" if directions == 2 else "forward",
        **attributes,
    )


def _joined_directions(node: Node, sequence: str, units: int, directions: int) -> str:
    """[T, directions, N, units] as [T, N, directions * units]."""
    if directions == 1:
        return node.emit("Squeeze", [sequence, node.vector(1)])
    moved = node.emit("Transpose", [sequence], perm=[0, 2, 1, 3])
    length, batch, _ = node.x.shape
    two, each, joined = (
        Extent((size,) * len(batch.values)) for size in (directions, units, directions * units)
    )
    shape = (length, batch, two, each)
    return reshape(node, Tensor(moved, node.x.dtype, shape), (length, batch, joined))


def _stacked(node: Node, states: tuple[str, ...]) -> str:
    return states[0] if len(states) == 1 else node.emit("Concat", list(states), axis=0)


@converts("_rnn_param_concat", irrelevant=("num_args",))
def _rnn_parameters(node: Node) -> str:
    """The packed vector; `RNN` reads its value, so the concatenation itself is never needed."""
    return node.emit("Concat", node.names, axis=node.integer("dim", 1))
