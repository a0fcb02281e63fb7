"""Recurrent layers: Gluon's own, batch first, with the second bias that it adds frozen at zero."""

from __future__ import annotations

from tercet.backends.mxnet.initial import initializer
from tercet.backends.mxnet.target import F, construct, is_exact, lower, nn
from tercet.codegen.expr import Expr, Helper, Made, Name, Template, Temporary, default
from tercet.codegen.expr import Sequence as SequenceExpr
from tercet.codegen.target import Application
from tercet.compiler.graph.ir import Layer
from tercet.compiler.initializers import Initializer, Zeros
from tercet.compiler.ops.recurrent import Cell, Gru, Lstm, Recurrent, Rnn
from tercet.compiler.types import DType

rnn = Name("rnn")
_BLOCKS = {Rnn: rnn.RNN, Lstm: rnn.LSTM, Gru: rnn.GRU}


_RESET_FIRST = lower.limit(
    "with `linear_before_reset = false`", "MXNet's own resets after the product only", Gru
)


@construct.exact(Rnn, Lstm, Gru)
def _exact_recurrent(op: Recurrent, layer: Layer) -> Expr:
    return _made(op, layer, Helper("Dropout"))


@construct(Rnn, Lstm, Gru)
def _recurrent(op: Recurrent, layer: Layer) -> Expr:
    return _made(op, layer, nn.Dropout)


def _made(op: Recurrent, layer: Layer, dropout: Expr) -> Expr:
    if isinstance(op, Gru) and not op.linear_before_reset:
        raise _RESET_FIRST.refusal()
    inputs = layer.parameter("weight").type.shape[1]
    activation = {"activation": op.activation} if isinstance(op, Rnn) else {}
    block = _BLOCKS[type(op)](
        op.units,
        num_layers=default(op.layers, 1),
        layout="NTC",
        bidirectional=default(op.bidirectional, False),
        input_size=inputs,
        i2h_weight_initializer=initializer(_of(layer, "weight")),
        h2h_weight_initializer=Helper("GateWiseOrthogonal")(op.gates),
        **_biases(op, layer),
        **activation,
    )
    if op.dropout:
        block = Helper("with_dropout")(block, dropout(op.dropout))
    if not op.bias:
        return Helper("without_bias")(block)
    return block if op.separate_recurrent_bias else Helper("one_bias")(block)


def _of(layer: Layer, name: str) -> Initializer:
    return layer.parameter(name).start


def _biases(op: Recurrent, layer: Layer) -> dict[str, object]:
    init = _of(layer, "bias") if op.bias else Zeros()
    if init == Zeros():
        return {}
    found: dict[str, object] = {"i2h_bias_initializer": initializer(init)}
    if op.separate_recurrent_bias:
        found["h2h_bias_initializer"] = initializer(_of(layer, "recurrent_bias"))
    return found


def parameter_names(op: Recurrent) -> dict[str, str]:
    """Gluon's names of a layer's parameters, and the language's."""
    kinds = {"i2h_weight": "weight", "h2h_weight": "recurrent_weight"}
    if op.bias:
        kinds["i2h_bias"] = "bias"
    if op.bias and op.separate_recurrent_bias:
        kinds["h2h_bias"] = "recurrent_bias"
    return {
        f"{_prefix(cell)}_{kind}": name + cell.suffix
        for cell in op.cells()
        for kind, name in kinds.items()
    }


def _prefix(cell: Cell) -> str:
    return f"{'r' if cell.reverse else 'l'}{cell.layer}"


@lower(Rnn, Gru)
def _apply(
    op: Rnn | Gru, at: Application, x: Expr, h: Expr | None, lengths: Expr | None
) -> Expr | Template:
    return _applied(op, at, x, [h], lengths)


@lower(Lstm)
def _apply_lstm(
    op: Lstm, at: Application, x: Expr, h: Expr | None, c: Expr | None, lengths: Expr | None
) -> Expr | Template:
    return _applied(op, at, x, [h, c], lengths)


_ROUNDED = lower.limit(
    "with relu, in f64 in an exact script", "MXNet rounds the activation to float32", Rnn
)


def _require_precise(at: Application) -> None:
    if at.type(0).dtype is DType.F64:
        raise _ROUNDED.refusal()


def _applied(
    op: Recurrent, at: Application, x: Expr, initial: list[Expr | None], lengths: Expr | None
) -> Expr | Template:
    """A call of the layer, with initial states where Gluon needs them to give final ones back."""
    given = [state for state in initial if state is not None]
    stacked = op.layers > 1 and (at.type(0).dtype is DType.F64 or op.dropout > 0)
    kind = "_and_dropout" if op.dropout else ""
    if isinstance(op, Rnn) and op.activation == "relu" and is_exact(at):
        _require_precise(at)
    if not (given or op.return_state or stacked or lengths is not None):
        return Made()(x)
    temporaries: tuple[tuple[str, Expr], ...] = ()
    if not given:  # then the input is used twice
        temporaries, x = (("x", x),), Temporary(0)
        states: object = Helper("begin_state")(F, Made(), x)
    else:
        states = [F.zeros_like(given[0]) if state is None else state for state in initial]
    if lengths is None:
        run = Helper(f"run_stack{kind}")
        called = run(F, Made(), x, states) if stacked else Made()(x, states)
    else:
        ends = F.cast(lengths, dtype="float32")
        called = Helper(f"run_with_lengths{kind}")(F, Made(), x, states, ends)
    if not op.return_state:
        return Template(called[0], temporaries)
    result = Temporary(len(temporaries))
    finals = (result[1][k] for k in range(len(initial)))
    return Template(SequenceExpr((result[0], *finals)), (*temporaries, ("states", called)))
