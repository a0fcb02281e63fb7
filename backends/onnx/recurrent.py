"""Recurrent layers in ONNX: one node for each layer of a stack, both directions in it.

ONNX Runtime takes time first and stacks the directions' weights; its gates stand in the order
i, o, f, c (LSTM) and z, r, h (GRU), so the weights are initializers of their own beside which no
canonical ones stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tercet.backends.onnx.builder import Context, lower
from tercet.compiler.lazy import np
from tercet.compiler.ops.recurrent import Cell, Gru, Lstm, Recurrent, Rnn
from tercet.compiler.types import DType

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


@dataclass(frozen=True)
class _Form:
    """ONNX's operator for a kind of recurrent layer, and its gates by their place in ours."""

    op_type: str
    name: str
    gates: tuple[int, ...]

    def ordered(self, array: Array) -> Array:
        """The rows of the gates in ONNX's order."""
        parts = np.split(array, len(self.gates))
        return np.concatenate([parts[gate] for gate in self.gates])


_RNN = _Form("RNN", "stacked", (0,))
_LSTM = _Form("LSTM", "iofc", (0, 3, 1, 2))
_GRU = _Form("GRU", "zrh", (1, 0, 2))


@lower(Rnn)
def _rnn(op: Rnn, c: Context) -> tuple[str, ...]:
    activation = {"tanh": "Tanh", "relu": "Relu"}[op.activation]
    return _stack(op, c, _RNN, activations=[activation] * op.directions)


@lower(Lstm)
def _lstm(op: Lstm, c: Context) -> tuple[str, ...]:
    return _stack(op, c, _LSTM)


@lower(Gru)
def _gru(op: Gru, c: Context) -> tuple[str, ...]:
    return _stack(op, c, _GRU, linear_before_reset=int(op.linear_before_reset))


def _stack(op: Recurrent, c: Context, form: _Form, **attributes: Any) -> tuple[str, ...]:
    """All layers; the sequence stays time-first between them."""
    lengths = c.operand(1 + len(op.states))
    if lengths is not None:
        lengths = c.cast(lengths, c.type_of(1 + len(op.states)).dtype, DType.I32)
    direction = "bidirectional" if op.bidirectional else "forward"
    sequence = c.node("Transpose", c.x, perm=[1, 0, 2])
    finals: list[tuple[str, ...]] = []
    for layer in range(op.layers):
        states = [_initial(op, c, index, layer) for index in range(1, 1 + len(op.states))]
        y, *final = c.nodes(
            form.op_type,
            [sequence, *_weights(op, c, form, layer), lengths, *states],
            1 + len(op.states),
            hidden_size=op.units,
            direction=direction,
            **attributes,
        )
        finals.append(tuple(final))
        sequence = _joined(op, c, y)
    sequence = c.node("Transpose", sequence, perm=[1, 0, 2])
    if not op.return_state:
        return (sequence,)
    return sequence, *(_concatenated(c, states) for states in zip(*finals, strict=True))


def _joined(op: Recurrent, c: Context, y: str) -> str:
    """[T, directions, N, units] as [T, N, directions * units]."""
    if not op.bidirectional:
        return c.node("Squeeze", y, c.ints(1))
    return c.node("Reshape", c.node("Transpose", y, perm=[0, 2, 1, 3]), c.ints(0, 0, -1))


def _initial(op: Recurrent, c: Context, index: int, layer: int) -> str | None:
    """The layer's part of an initial state."""
    state = c.operand(index)
    if state is None or op.layers == 1:
        return state
    start = layer * op.directions
    return c.node("Slice", state, c.ints(start), c.ints(start + op.directions), c.ints(0))


def _concatenated(c: Context, states: Sequence[str]) -> str:
    return states[0] if len(states) == 1 else c.node("Concat", *states, axis=0)


def _weights(op: Recurrent, c: Context, form: _Form, layer: int) -> tuple[str, str, str | None]:
    """W [directions, gates * units, inputs], R alike, and B with both biases side by side."""
    cells = [cell for cell in op.cells() if cell.layer == layer]

    def stacked(kind: str) -> str:
        names = [kind + cell.suffix for cell in cells]
        return c.derived(names, form.name, lambda *arrays: np.stack([*map(form.ordered, arrays)]))

    biases = _biases(op, c, form, cells) if op.bias else None
    return stacked("weight"), stacked("recurrent_weight"), biases


def _biases(op: Recurrent, c: Context, form: _Form, cells: Sequence[Cell]) -> str:
    kinds = ("bias", "recurrent_bias") if op.separate_recurrent_bias else ("bias",)
    names = [kind + cell.suffix for cell in cells for kind in kinds]

    def make(*arrays: Array) -> Array:
        rows = [form.ordered(array) for array in arrays]
        if not op.separate_recurrent_bias:
            rows = [part for row in rows for part in (row, np.zeros_like(row))]
        return np.concatenate(rows).reshape(len(cells), -1)

    return c.derived(names, form.name, make)
