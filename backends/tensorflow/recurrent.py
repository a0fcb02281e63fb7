"""Recurrent layers in Keras: its own where there is one direction, a short stack of them else.

tf2onnx makes an ONNX LSTM of an LSTM without `lengths`, and a Loop of everything else: correct, but
slow to run.
"""

from __future__ import annotations

from tercet.backends.tensorflow.facts import Facts
from tercet.backends.tensorflow.initial import initializer, recurrent_initializer
from tercet.backends.tensorflow.target import Placed, construct, layers, lower, tf
from tercet.codegen.expr import (
    Attribute,
    Call,
    Expr,
    Helper,
    Made,
    Name,
    Sequence,
    Template,
    Temporary,
    default,
)
from tercet.compiler.graph.ir import Layer, Site
from tercet.compiler.ops.recurrent import Gru, Lstm, Recurrent, Rnn

_LAYERS = {Rnn: layers.SimpleRNN, Lstm: layers.LSTM, Gru: layers.GRU}


def _is_stacked(site: Site, facts: Facts) -> bool:
    """Whether a site needs more than Keras' own layer; the same for all its layers."""
    ops = [op for op in facts.ops(site) if isinstance(op, Recurrent)]
    return facts.has_lengths(site) or any(op.layers > 1 or op.bidirectional for op in ops)


@construct.exact(Rnn, Lstm, Gru)
def _exact_recurrent(op: Recurrent, layer: Layer, facts: Facts) -> Expr:
    return _made(op, layer, facts, Helper("Dropout"))


@construct(Rnn, Lstm, Gru)
def _recurrent(op: Recurrent, layer: Layer, facts: Facts) -> Expr:
    return _made(op, layer, facts, layers.Dropout)


def _made(op: Recurrent, layer: Layer, facts: Facts, dropout: Expr) -> Expr:
    settings: dict[str, object] = {}
    if isinstance(op, Rnn):
        settings["activation"] = default(op.activation, "tanh")
    settings["kernel_initializer"] = initializer(layer.parameter("weight"))
    recurrent = layer.parameter("recurrent_weight")
    settings["recurrent_initializer"] = recurrent_initializer(recurrent, op.gates)
    if op.bias:
        settings["bias_initializer"] = default(initializer(layer.parameter("bias")), "zeros")
    else:
        settings["use_bias"] = False
    if isinstance(op, Gru):
        settings["reset_after"] = default(op.linear_before_reset, True)
    if isinstance(op, Lstm):
        settings["unit_forget_bias"] = False
    if not _is_stacked(layer.site, facts):
        states = {"return_state": default(op.return_state, False)}
        return _LAYERS[type(op)](op.units, return_sequences=True, **states, **settings)
    if facts.has_lengths(layer.site):
        settings["zero_output_for_mask"] = True
    redrawn = {key: _redrawn(value) for key, value in settings.items()}
    between = {"between": dropout(op.dropout, name="between")} if op.dropout else {}
    return Helper("DroppingRecurrent" if op.dropout else "Recurrent")(
        Name("partial")(_LAYERS[type(op)], op.units, **redrawn),
        **between,
        count=default(op.layers, 1),
        bidirectional=default(op.bidirectional, False),
    )


def _redrawn(value: object) -> object:
    """An initializer that draws anew for every cell of a stack."""
    match value:
        case Call(Attribute(_, member), positional, keywords) if member != "Constant":
            seed = ("seed", Name("keras").random.SeedGenerator())
            return Call(value.callee, positional, (*keywords, seed))
    return value


@lower(Rnn, Gru)
def _apply(
    op: Rnn | Gru, at: Placed, x: Expr, h: Expr | None, lengths: Expr | None
) -> Expr | Template:
    return _applied(op, at, x, [h], lengths)


@lower(Lstm)
def _apply_lstm(
    op: Lstm, at: Placed, x: Expr, h: Expr | None, c: Expr | None, lengths: Expr | None
) -> Expr | Template:
    return _applied(op, at, x, [h, c], lengths)


def _applied(
    op: Recurrent, at: Placed, x: Expr, initial: list[Expr | None], lengths: Expr | None
) -> Expr | Template:
    known = next((state for state in initial if state is not None), None)
    given = [] if known is None else [tf.zeros_like(known) if s is None else s for s in initial]
    layer = at.item.layer
    assert layer is not None
    if _is_stacked(layer.site, at.facts):
        # Keras takes `mask` for its own, and warns that it goes no further.
        steps = {} if lengths is None else {"step_mask": tf.sequence_mask(lengths, tf.shape(x)[1])}
        start = {"initial": given} if given else {}
        called = Made()(x, **start, **steps)
        return called if op.return_state else called[0]
    start = {"initial_state": [state[0] for state in given]} if given else {}
    called = Made()(x, **start)
    if not op.return_state:
        return called
    found = Temporary(0)
    states = (found[k + 1][tf.newaxis] for k in range(len(initial)))
    return Template(Sequence((found[0], *states)), (("found", called),))
