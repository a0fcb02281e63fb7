"""Optimizers in Keras: its stock ones, or a class of the script where these mean another thing."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from tercet.backends.draft import COLUMNS
from tercet.backends.tensorflow.optimizer_texts import own_update
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


def decays_itself(optimizer: Optimizer, *, exact: bool = False) -> bool:
    """Whether the script does the weight decay, not Keras, which takes it off the weights.

    That is the same without momentum, but for an `exact` script: Keras' share is in float32.
    """
    plain = isinstance(optimizer, Sgd) and not optimizer.momentum
    return bool(optimizer.weight_decay) and (exact or not (optimizer.decoupled or plain))


def own_class(training: Training, varies: bool, *, exact: bool = False) -> Piece | None:
    """The optimizer as a class of the script, if there must be one; it has Keras' own name.

    `varies`: whether the learning rate changes from step to step.
    """
    optimizer = training.update.optimizer
    own = own_update(optimizer, varies, exact=exact)
    decays = decays_itself(optimizer, exact=exact)
    joins = decays and not optimizer.decoupled
    whole = _adds_rows(training, linear=own is None and not decays)
    if own is None and not decays and not whole:
        return None
    summaries = [own.summary] if own else []
    summaries += ["weight decay joins the gradient"] if joins else []
    if whole:
        summaries.append("gradients of rows that a batch uses several times are added up")
    name = _KERAS[type(optimizer)]
    lines = [f"class {name}(keras.optimizers.{name}):", *_documentation(summaries), ""]
    lines += [f"    {line}" if line else "" for line in (own.methods if own else ())]
    lines += [*_WHOLE, ""] if whole else []
    if own is not None or decays:
        lines.append("    def update_step(self, gradient, variable, learning_rate):")
        lines += [f"        {line}" for line in _decaying(training)] if decays else []
        update = own.update if own else ("super().update_step(gradient, variable, learning_rate)",)
        lines += [f"        {line}" for line in update]
    return Piece("\n".join(lines).rstrip())


def _documentation(summaries: Sequence[str]) -> list[str]:
    """The docstring of these phrases: on one line where it fits."""
    phrases = "; ".join(summaries)
    line = f'    """{phrases[0].upper()}{phrases[1:]}."""'
    if len(line) <= COLUMNS:
        return [line]
    sentences = [f"{phrase[0].upper()}{phrase[1:]}." for phrase in summaries]
    return [f'    """{sentences[0]}', "", *(f"    {line}" for line in sentences[1:]), '    """']


_WHOLE = (
    "    def apply(self, grads, trainable_variables=None):",
    "        whole = [g if g is None else tf.convert_to_tensor(g) for g in grads]",
    "        super().apply(whole, trainable_variables)",
)


def _decaying(training: Training) -> list[str]:
    line = "gradient += WEIGHT_DECAY * variable"
    if training.update.optimizer.decoupled:
        line = "variable.assign_sub(learning_rate * WEIGHT_DECAY * variable)"
    if not training.decay_exceptions:
        return [line]
    return ["if self._use_weight_decay(variable):", f"    {line}"]


def _adds_rows(training: Training, *, linear: bool) -> bool:
    """Whether the script must add up the gradients of rows that a batch uses several times.

    They come one by one, and what is not linear in the gradient takes each by itself; `linear` is
    whether the script itself does nothing with them.
    """
    update = training.update
    linear = linear and isinstance(update.optimizer, Sgd | Lion) and update.clip is None
    return not linear and any(
        isinstance(item, Apply)
        and item.op.elements is Elements.SELECTED
        and item.op.index_ranges(*(v and v.type for v in item.inputs))
        for graph in all_graphs(update.loss)
        for item in graph.body.walk()
    )


def optimizer_call(
    optimizer: Optimizer,
    rate: Expr,
    clip: Clip | None,
    clip_name: str,
    constants: dict[str, str],
    *,
    own: bool,
    exact: bool = False,
) -> Expr:
    """The expression that makes the optimizer; `constants` name attributes' values.

    `own`: the script's class of that name, not Keras'.
    """
    name = _KERAS[type(optimizer)]
    made: Expr = Name(name) if own else getattr(Name("keras").optimizers, name)

    def value(attribute: str) -> Expr | object:
        name = constants.get(attribute)
        return Name(name) if name else getattr(optimizer, attribute)

    ends: dict[str, object] = {}
    itself = decays_itself(optimizer, exact=exact)
    if not itself:
        ends["weight_decay"] = default(value("weight_decay"), 0.0)
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
                # Keras' own default is another number.
                ends["weight_decay"] = 0.0 if itself else value("weight_decay")
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
            start: object = optimizer.initial_accumulator
            if exact:
                start = Name("np").float64(start)  # else Keras has it in float32
            return made(rate, initial_accumulator_value=start, epsilon=optimizer.eps, **ends)
        case Adadelta():
            return made(rate, rho=optimizer.rho, epsilon=optimizer.eps, **ends)
        case Lion():
            betas = {"beta_1": optimizer.beta1, "beta_2": optimizer.beta2}
            return made(rate, **betas, **ends)
    raise TypeError(type(optimizer).__name__)


def spared(optimizer: str) -> list[str]:
    """Lines that make the optimizer and name to it what has no weight decay."""
    return [
        f"optimizer = {optimizer}",
        "optimizer.exclude_from_weight_decay(",
        f"    [variable for name, variable, *_ in weights(model) if {MATCHED}]",
        ")",
    ]


def check_optimizer(model: Graph, training: Training) -> None:
    """Keras keeps both biases of a GRU in one variable.  Raises DiagnosticError E0701."""
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


def _matched(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(path, pattern) for pattern in patterns)
