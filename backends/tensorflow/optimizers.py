"""Optimizers in Keras: its stock ones, with the language's settings named.

Where a stock one means something else, the script says so in a comment.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from tercet.codegen.expr import Expr, Name, default
from tercet.codegen.script.pieces import Piece
from tercet.codegen.script.training import MATCHED
from tercet.compiler.graph.callees import all_graphs
from tercet.compiler.graph.ir import Apply, Graph
from tercet.compiler.graph.training import Training
from tercet.compiler.ops.base import Elements
from tercet.compiler.training.clipping import Clip, ClipValue, GlobalNorm
from tercet.compiler.training.optimizers import (
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    NAdam,
    Optimizer,
    RmsProp,
    Sgd,
)
from tercet.dsl.diagnostics import Diagnostic, DiagnosticError

_KERAS: dict[type[Optimizer], str] = {
    Sgd: "SGD",
    Adam: "Adam",
    AdamW: "AdamW",
    NAdam: "Nadam",
    RmsProp: "RMSprop",
    Adagrad: "Adagrad",
    Adadelta: "Adadelta",
    Lion: "Lion",
}

_KERAS_MOMENTUM_DECAY = 1


def adds_rows(training: Training) -> bool:
    """Whether the script must add up the gradients of rows that a batch uses several times.

    They come one by one, and what is not linear in the gradient takes each by itself.
    """
    update = training.update
    linear = isinstance(update.optimizer, Sgd | Lion) and update.clip is None
    return not linear and any(
        isinstance(item, Apply)
        and item.op.elements is Elements.SELECTED
        and item.op.index_ranges(*(v and v.type for v in item.inputs))
        for graph in all_graphs(update.loss)
        for item in graph.body.walk()
    )


def row_adding_piece(optimizer: Optimizer) -> Piece:
    """Keras' optimizer, given whole gradients; it has Keras' own name."""
    name = _KERAS[type(optimizer)]
    text = f'''\
class {name}(keras.optimizers.{name}):
    """Adds up the gradients of a row that a batch uses several times.

    Keras' own squares and clips each of them by itself.
    """

    def apply(self, grads, trainable_variables=None):
        whole = [g if g is None else tf.convert_to_tensor(g) for g in grads]
        super().apply(whole, trainable_variables)'''
    return Piece(text)


def optimizer_call(
    optimizer: Optimizer,
    rate: Expr,
    clip: Clip | None,
    clip_name: str,
    constants: dict[str, str],
    own: bool,
) -> Expr:
    """The expression that makes the optimizer; `constants` name attributes' values.

    `own`: the script's class of that name, not Keras'.
    """
    name = _KERAS[type(optimizer)]
    made: Expr = Name(name) if own else getattr(Name("keras").optimizers, name)

    def value(attribute: str) -> Expr | object:
        name = constants.get(attribute)
        return Name(name) if name else getattr(optimizer, attribute)

    ends: dict[str, object] = {"weight_decay": default(value("weight_decay"), 0.0)}
    match clip:
        case GlobalNorm():
            ends["global_clipnorm"] = Name(clip_name)
        case ClipValue():
            ends["clipvalue"] = Name(clip_name)
    match optimizer:
        case Sgd():
            momentum = {
                "momentum": default(value("momentum"), 0.0),
                "nesterov": default(optimizer.nesterov, False),
            }
            return made(rate, **momentum, **ends)
        case Adam() | AdamW() | NAdam():
            if isinstance(optimizer, AdamW):
                ends["weight_decay"] = value("weight_decay")
            betas = {"beta_1": optimizer.beta1, "beta_2": optimizer.beta2}
            return made(rate, **betas, epsilon=optimizer.eps, **ends)
        case RmsProp():
            return made(
                rate,
                rho=optimizer.rho,
                momentum=default(value("momentum"), 0.0),
                epsilon=optimizer.eps,
                centered=default(optimizer.centered, False),
                **ends,
            )
        case Adagrad():
            start = optimizer.initial_accumulator
            return made(rate, initial_accumulator_value=start, epsilon=optimizer.eps, **ends)
        case Adadelta():
            return made(rate, rho=optimizer.rho, epsilon=optimizer.eps, **ends)
        case Lion():
            betas = {"beta_1": optimizer.beta1, "beta_2": optimizer.beta2}
            return made(rate, **betas, **ends)
    raise TypeError(type(optimizer).__name__)


def spared(optimizer: str, notes: list[str]) -> list[str]:
    """Lines that make the optimizer and name to it what has no weight decay."""
    return [
        *notes,
        f"optimizer = {optimizer}",
        "optimizer.exclude_from_weight_decay(",
        f"    [variable for name, variable, *_ in weights(model) if {MATCHED}]",
        ")",
    ]


def check_optimizer(model: Graph, training: Training) -> None:
    """What is asked of the optimizer is what Keras' has.  Raises DiagnosticError E0701."""
    _check_no_decay(model, training)
    _check_momentum(training)


def _check_no_decay(model: Graph, training: Training) -> None:
    """Keras keeps both biases of a GRU in one variable.  Raises DiagnosticError."""
    patterns = training.decay_exceptions
    for path, parameter in model.parameters():
        if parameter.role != "recurrent_bias":
            continue
        head, _, own = path.rpartition("recurrent_bias")
        twin = f"{head}bias{own}"
        if _matched(path, patterns) != _matched(twin, patterns):
            message = (
                f"tensorflow cannot tell `{path}` from `{twin}` in `no_decay`: Keras keeps both "
                "in one variable"
            )
            help = "match both, as `*bias` does, or neither"
            span = training.places["no_decay"]
            raise DiagnosticError(Diagnostic("E0701", message, span, help))


def _check_momentum(training: Training) -> None:
    """Keras' Nadam knows one pace of its momentum.  Raises DiagnosticError for one asked for."""
    optimizer = training.update.optimizer
    known = (NAdam.momentum_decay, _KERAS_MOMENTUM_DECAY)
    if isinstance(optimizer, NAdam) and optimizer.momentum_decay not in known:
        message = (
            f"tensorflow cannot express `nadam` with a `momentum_decay` of "
            f"{optimizer.momentum_decay:g}: Keras' is always {_KERAS_MOMENTUM_DECAY}"
        )
        help = f"`momentum_decay = {_KERAS_MOMENTUM_DECAY}` is the same in all targets"
        raise DiagnosticError(Diagnostic("E0701", message, training.places["optimizer"], help))


def _matched(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def differences(optimizer: Optimizer, changing_rate: bool) -> list[str]:
    """Sentences on what Keras' optimizer does otherwise than the language says."""
    found = []
    if isinstance(optimizer, Sgd | RmsProp) and optimizer.momentum and changing_rate:
        found.append("Keras keeps the learning rate in the velocity: a change acts slowly.")
    match optimizer:
        case Adam() | AdamW():
            found.append("Keras adds epsilon before the correction of the bias.")
        case NAdam() if optimizer.momentum_decay != _KERAS_MOMENTUM_DECAY:
            found.append(f"Keras' Nadam has a momentum_decay of {_KERAS_MOMENTUM_DECAY}.")
        case RmsProp() | Adagrad():
            found.append("Keras adds epsilon inside the root.")
    if optimizer.weight_decay and not optimizer.decoupled:
        found.append("Keras takes weight decay off the weights, not into the gradient.")
    return found
