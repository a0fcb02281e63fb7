"""Recurrent layers: PyTorch's own, batch first; the second bias that it adds is frozen at zero."""

from __future__ import annotations

from dataclasses import replace

from tercet.backends.pytorch.target import construct, is_exact, lower, nn, torch
from tercet.codegen.expr import (
    Expr,
    Helper,
    Made,
    Sequence,
    Template,
    Temporary,
    default,
    lift,
)
from tercet.codegen.target import Application
from tercet.compiler.graph.ir import Layer
from tercet.compiler.ops.recurrent import Gru, Lstm, Recurrent, Rnn

_MODULES = {Rnn: nn.RNN, Lstm: nn.LSTM, Gru: nn.GRU}


_RESET_FIRST = lower.limit(
    "with `linear_before_reset = false`", "PyTorch's own resets after the product only", Gru
)


@construct.exact(Rnn, Lstm, Gru)
def _exact_recurrent(op: Recurrent, layer: Layer) -> Expr:
    made = _recurrent(replace(op, dropout=0.0), layer)
    return Helper("with_dropout")(made, Helper("Dropout")(op.dropout)) if op.dropout else made


@construct(Rnn, Lstm, Gru)
def _recurrent(op: Recurrent, layer: Layer) -> Expr:
    if isinstance(op, Gru) and not op.linear_before_reset:
        raise _RESET_FIRST.refusal()
    inputs = layer.parameter("weight").type.shape[1]
    activation = {"nonlinearity": default(op.activation, "tanh")} if isinstance(op, Rnn) else {}
    module = _MODULES[type(op)](
        inputs,
        op.units,
        num_layers=default(op.layers, 1),
        bias=default(op.bias, True),
        batch_first=True,
        dropout=default(op.dropout, 0.0),
        bidirectional=default(op.bidirectional, False),
        **activation,
    )
    return module if op.separate_recurrent_bias or not op.bias else Helper("one_bias")(module)


@lower(Rnn, Gru)
def _apply(op: Rnn | Gru, at: Application, x: Expr, h: Expr | None, lengths: Expr | None) -> Expr:
    called = _called(op, at, x, lengths, h)
    return called if op.return_state else called[0]


@lower(Lstm)
def _apply_lstm(
    op: Lstm,
    at: Application,
    x: Expr,
    h: Expr | None,
    c: Expr | None,
    lengths: Expr | None,
) -> Expr | Template:
    called = _called(op, at, x, lengths, _states(h, c))
    if not op.return_state:
        return called[0]
    states = Temporary(0)
    return Template(
        Sequence((states[0], states[1][0], states[1][1])),
        (("states", called),),
    )


def _states(h: Expr | None, c: Expr | None) -> Expr | None:
    """The initial states as PyTorch takes them: both, or none."""
    if h is None and c is None:
        return None
    if h is None:
        return Sequence((torch.zeros_like(c), lift(c)))
    return Sequence((h, torch.zeros_like(h) if c is None else c))


def _called(
    op: Recurrent, at: Application, x: Expr, lengths: Expr | None, state: Expr | None
) -> Expr:
    if op.dropout and is_exact(at):
        named = {"state": state, "lengths": lengths}
        present = {name: value for name, value in named.items() if value is not None}
        return Helper("run_with_dropout")(Made(), x, **present)
    given = () if state is None else (state,)
    if lengths is None:
        return Made()(x, *given)
    return Helper("run_with_lengths")(Made(), x, lengths, *given)
