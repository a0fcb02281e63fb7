"""Recurrent layers: simple, LSTM and GRU, stacked and in both directions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from tercet.compiler import dims
from tercet.compiler.dims import Size
from tercet.compiler.errors import require
from tercet.compiler.initializers import GlorotUniform, Orthogonal, Zeros
from tercet.compiler.lazy import np
from tercet.compiler.ops.base import (
    Elements,
    IndexRange,
    InTraining,
    LayerOp,
    Layout,
    Operand,
    ParameterSpec,
    operation,
    require_float,
)
from tercet.compiler.ops.checks import (
    known,
    require_at_least,
    require_dtype,
    require_integer,
    require_rank,
    require_shape,
)
from tercet.compiler.ops.special import sigmoid
from tercet.compiler.types import TensorType
from tercet.dsl.records import dataclass

if TYPE_CHECKING:
    from tercet.compiler.ops.base import Array


MOST_LAYERS = 1_000
"""Most layers of a stack, each of which has parameters of its own."""


@dataclass(frozen=True)
class Cell:
    """One direction of one layer of a stack."""

    layer: int
    reverse: bool

    @property
    def suffix(self) -> str:
        """What follows `weight` and the other names of parameters: "", "_reverse", "_1", …"""
        return (f"_{self.layer}" if self.layer else "") + ("_reverse" if self.reverse else "")


@dataclass(frozen=True)
class Recurrent(LayerOp):
    """What recurrent layers share.

    Parameters of every cell: `weight` [gates * units, inputs], `recurrent_weight` [gates * units,
    units], `bias` [gates * units], for a GRU also `recurrent_bias`; names of layers after the first
    end in `_1`, `_2`, …, and those of the reverse direction in `_reverse` after that:
    `weight_1_reverse`.  With `dropout`, elements are dropped between a layer and the next.
    """

    layout = Layout.CANONICAL
    elements = Elements.COMPUTED

    gates: ClassVar[int]
    """Gates, whose rows of the weights stand one after the other."""
    states: ClassVar[tuple[str, ...]] = ("h",)

    units: int
    layers: int = 1
    bidirectional: bool = False
    return_state: bool = False
    bias: bool = True
    dropout: float = 0.0

    @property
    def in_training(self) -> InTraining:  # type: ignore[override]
        """Dropout, where there is any, makes the difference."""
        return InTraining.RANDOM if self.dropout else InTraining.SAME

    def __post_init__(self) -> None:
        require_at_least(1, self.units, "units")
        require_at_least(1, self.layers, "layers")
        message = f"`layers` must be at most {MOST_LAYERS:,}, not {self.layers}"
        require(self.layers <= MOST_LAYERS, "layers", message)
        message = f"`dropout` must be at least 0 and below 1, not {self.dropout}"
        require(0 <= self.dropout < 1, "dropout", message)
        message = (
            "`dropout` is between the layers of a stack, and `layers` is 1; "
            f"`|> dropout({self.dropout})` drops what one layer gives"
        )
        require(not self.dropout or self.layers > 1, "dropout", message)
        message = "`bias_init` is given, and there is no bias"
        require(self.bias or self.bias_init is None, "bias_init", message)

    @property
    def separate_recurrent_bias(self) -> bool:
        """Whether the product with h has a bias of its own, which means something of its own."""
        return False

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    def cells(self) -> Iterator[Cell]:
        """All cells, in the order of the initial and final states."""
        for layer in range(self.layers):
            yield Cell(layer, reverse=False)
            if self.bidirectional:
                yield Cell(layer, reverse=True)

    def infer(
        self, x: TensorType, *others: TensorType | None
    ) -> TensorType | tuple[TensorType, ...]:
        require_rank(x, 3)
        require_float(x)
        known(x.shape[2], "the size of the last axis")
        batch, time, _ = x.shape
        state = x.with_shape(self.layers * self.directions, batch, self.units)
        *initial, lengths = others or (None,)
        for operand, (given, name) in enumerate(zip(initial, self.states, strict=False), 1):
            if given is not None:
                what = f"the initial state {name}"
                require_dtype(given, x.dtype, what, operand=operand)
                require_shape(given, state.shape, what, operand=operand)
        if lengths is not None:
            require_integer(lengths, "lengths", operand=len(self.states) + 1)
            require_shape(lengths, (batch,), "lengths", operand=len(self.states) + 1)
        sequence = x.with_shape(batch, time, self.directions * self.units)
        return (sequence, *[state] * len(self.states)) if self.return_state else sequence

    def index_ranges(self, x: TensorType, *others: TensorType | None) -> tuple[IndexRange, ...]:
        lengths = len(self.states) + 1
        return (IndexRange(lengths, 1, x.shape[1]),) if len(others) == lengths else ()

    def parameters(self, x: TensorType, *others: TensorType | None) -> tuple[ParameterSpec, ...]:
        inputs = known(x.shape[2], "the size of the last axis")
        found: list[ParameterSpec] = []
        for cell in self.cells():
            width = self.directions * self.units if cell.layer else inputs
            found += self._cell_parameters(cell, x, width)
        return tuple(found)

    def _cell_parameters(self, cell: Cell, x: TensorType, width: int) -> Iterator[ParameterSpec]:
        rows, suffix = self.gates * self.units, cell.suffix
        weight = x.with_shape(rows, width)
        init, bias_init = self.init or GlorotUniform(), self.bias_init or Zeros()
        yield ParameterSpec(f"weight{suffix}", weight, init, "weight", (width, rows))
        yield ParameterSpec(
            f"recurrent_weight{suffix}",
            x.with_shape(rows, self.units),
            Orthogonal(),
            "recurrent_weight",
            (self.units, rows),
        )
        if not self.bias:
            return
        fans = (width, rows)
        yield ParameterSpec(f"bias{suffix}", x.with_shape(rows), bias_init, "bias", fans)
        if self.separate_recurrent_bias:
            name = f"recurrent_bias{suffix}"
            yield ParameterSpec(name, x.with_shape(rows), bias_init, "recurrent_bias", fans)

    def reference(
        self, x: Array, *others: Array | None, **parameters: Array
    ) -> Array | tuple[Array, ...]:
        *initial, lengths = others or (None,)
        if lengths is not None and ((lengths < 1) | (lengths > x.shape[1])).any():
            raise ValueError(f"lengths must be from 1 to {x.shape[1]}")
        finals: list[tuple[Array, ...]] = []
        sequence = x
        outputs: list[Array] = []
        for index, cell in enumerate(self.cells()):
            if not cell.reverse:
                outputs = []
            own = {
                name.removesuffix(cell.suffix): value
                for name, value in parameters.items()
                if name in self._names(cell)
            }
            start = self._start(x, [*initial, None, None], index)
            output, final = self._run(sequence, cell.reverse, start, lengths, own)
            outputs.append(output)
            finals.append(final)
            if len(outputs) == self.directions:
                sequence = np.concatenate(outputs, axis=2)
        if not self.return_state:
            return sequence
        return sequence, *(np.stack(states) for states in zip(*finals, strict=True))

    def _names(self, cell: Cell) -> set[str]:
        kinds = ("weight", "recurrent_weight", "bias", "recurrent_bias")
        return {kind + cell.suffix for kind in kinds}

    def _start(self, x: Array, initial: Sequence[Array | None], index: int) -> tuple[Array, ...]:
        zeros = np.zeros((len(x), self.units), dtype=x.dtype)
        pairs = zip(self.states, initial, strict=False)
        return tuple(zeros if given is None else given[index] for _, given in pairs)

    def _run(
        self,
        x: Array,
        reverse: bool,
        states: tuple[Array, ...],
        lengths: Array | None,
        parameters: dict[str, Array],
    ) -> tuple[Array, tuple[Array, ...]]:
        """One cell over all steps.  Past its length an example keeps its states and gives zeros."""
        inputs = x @ parameters["weight"].T + parameters.get("bias", 0)
        recurrent = parameters["recurrent_weight"].T
        recurrent_bias = parameters.get("recurrent_bias", 0)
        output = np.zeros((*x.shape[:2], self.units), dtype=inputs.dtype)
        steps = range(x.shape[1])
        for time in reversed(steps) if reverse else steps:
            hidden = states[0] @ recurrent + recurrent_bias
            after = self._step(inputs[:, time], hidden, states, recurrent)
            if lengths is None:
                states = after
                output[:, time] = after[0]
            else:
                inside = (time < lengths)[:, None]
                pairs = zip(after, states, strict=True)
                states = tuple(np.where(inside, new, old) for new, old in pairs)
                output[:, time] = np.where(inside, after[0], 0)
        return output, states

    def _step(
        self, x: Array, hidden: Array, states: tuple[Array, ...], recurrent: Array
    ) -> tuple[Array, ...]:
        """States after a step, from the products of the input and of h with their weights.

        `recurrent` are those of h, by columns.
        """
        raise NotImplementedError(type(self).__name__)

    def flops(self, inputs: Sequence[TensorType | None], outputs: Sequence[TensorType]) -> Size:
        x = inputs[0]
        assert x is not None
        batch, time, width = x.shape
        later = (self.layers - 1) * (self.directions + 1) * self.units
        products = 2 * self.gates * self.units * (width + self.units + later)
        return self.directions * dims.product((batch, time)) * products


@operation("rnn")
@dataclass(frozen=True)
class Rnn(Recurrent):
    """Recurrent layer `h = activation(W x + U h + bias)` (Elman, 1990).

    x `[N, T, C]` gives the sequence `[N, T, directions * units]`; with `return_state = true` also
    the last state h `[layers * directions, N, units]`.  Optional operands: the initial state `h`
    (zeros) and `lengths` `[N]`, after which an example's outputs are zeros and its state stays.
    weight W `[units, C]`, recurrent_weight U `[units, units]`, bias `[units]` (none with
    `bias = false`); the names of further
    layers end in `_1`, `_2`, …, of the reverse direction in `_reverse` (`weight_1_reverse`). In
    training `dropout` acts between stacked layers.  ONNX: RNN.  Initial weights:
    glorot_uniform, recurrent ones orthogonal.

        h = x |> rnn(32, activation = "relu")
    """

    operands = (Operand("x"), Operand("h", optional=True), Operand("lengths", optional=True))
    gates = 1

    activation: Literal["tanh", "relu"] = "tanh"

    def __post_init__(self) -> None:
        super().__post_init__()
        message = f'`activation` must be "tanh" or "relu", not "{self.activation}"'
        require(self.activation in ("tanh", "relu"), "activation", message)

    def _step(
        self, x: Array, hidden: Array, states: tuple[Array, ...], recurrent: Array
    ) -> tuple[Array, ...]:
        total = x + hidden
        return (np.tanh(total) if self.activation == "tanh" else np.maximum(total, 0),)


@operation("lstm")
class Lstm(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997; Gers et al., 2000).

    `i, f, g, o = split(W x + U h + bias, 4)`; `c = sigmoid(f) * c + sigmoid(i) * tanh(g)`;
    `h = sigmoid(o) * tanh(c)`. x `[N, T, C]` gives the sequence `[N, T, directions * units]`; with
    `return_state = true` also the last states h and c, `[layers * directions, N, units]`.  Optional
    operands: the initial states `h` and `c` (zeros) and `lengths` `[N]`, after which an example's
    outputs are zeros and its states stay. weight W `[4 * units, C]`, recurrent_weight U
    `[4 * units, units]`, bias `[4 * units]` (none with `bias = false`), gates in the order
    i, f, g, o; the names of further layers end in `_1`, `_2`, …, of the reverse direction in
    `_reverse` (`weight_1_reverse`).  In training `dropout` acts between stacked layers.  ONNX:
    LSTM.  Initial weights: glorot_uniform, recurrent ones orthogonal gate by gate.

        sequence, h, c = x |> lstm(64, return_state = true)
    """

    operands = (
        Operand("x"),
        Operand("h", optional=True),
        Operand("c", optional=True),
        Operand("lengths", optional=True),
    )
    gates = 4
    states = ("h", "c")

    def _step(
        self, x: Array, hidden: Array, states: tuple[Array, ...], recurrent: Array
    ) -> tuple[Array, ...]:
        i, f, g, o = np.split(x + hidden, 4, axis=1)
        c = sigmoid(f) * states[1] + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c


@operation("gru")
@dataclass(frozen=True)
class Gru(Recurrent):
    """Gated recurrent unit (Cho et al., 2014), with the reset gate applied after the product.

    `r = sigmoid(W_r x + U_r h + ...)`, `z = sigmoid(W_z x + U_z h + ...)`,
    `n = tanh(W_n x + bias_n + r * (U_n h + recurrent_bias_n))`, `h = (1 - z) * n + z * h`; with
    `linear_before_reset = false`, as in the article, `n = tanh(W_n x + U_n (r * h) + bias_n)`, and
    there is no recurrent_bias. x
    `[N, T, C]` gives the sequence `[N, T, directions * units]`; with `return_state = true` also the
    last state h `[layers * directions, N, units]`.  Optional operands: the initial state `h`
    (zeros) and `lengths` `[N]`, after which an example's outputs are zeros and its state stays.
    weight W `[3 * units, C]`, recurrent_weight U `[3 * units, units]`, bias and recurrent_bias
    `[3 * units]` (none with `bias = false`), gates in the order r, z, n; the names of further
    layers end in `_1`, `_2`, …, of the reverse direction in `_reverse` (`weight_1_reverse`).  In
    training `dropout` acts between stacked layers.  ONNX: GRU.  Initial weights:
    glorot_uniform, recurrent ones orthogonal gate by gate.

        h = x |> gru(128, layers = 2)
    """

    operands = (Operand("x"), Operand("h", optional=True), Operand("lengths", optional=True))
    gates = 3
    linear_before_reset: bool = True

    @property
    def separate_recurrent_bias(self) -> bool:
        return self.linear_before_reset

    def _step(
        self, x: Array, hidden: Array, states: tuple[Array, ...], recurrent: Array
    ) -> tuple[Array, ...]:
        xr, xz, xn = np.split(x, 3, axis=1)
        hr, hz, hn = np.split(hidden, 3, axis=1)
        z = sigmoid(xz + hz)
        r = sigmoid(xr + hr)
        if not self.linear_before_reset:
            hn, r = (r * states[0]) @ recurrent[:, 2 * self.units :], np.ones_like(r)
        n = np.tanh(xn + r * hn)
        return ((1 - z) * n + z * states[0],)
