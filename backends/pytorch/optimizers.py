"""Optimizers in PyTorch: its stock ones, with the language's settings named."""

from __future__ import annotations

from compiler.codegen.expr import Expr, Helper, Name, default
from compiler.training.optimizers import (
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

optim = Name("torch").optim


def optimizer_call(optimizer: Optimizer, constants: dict[str, str]) -> Expr:
    """The expression that makes the optimizer of `model`; `constants` name attributes' values."""

    def value(attribute: str) -> Expr | object:
        name = constants.get(attribute)
        return Name(name) if name else getattr(optimizer, attribute)

    parameters, rate = Name("model").parameters(), Name("args").lr
    decay = default(value("weight_decay"), 0.0)
    match optimizer:
        case Sgd():
            return optim.SGD(
                parameters,
                rate,
                momentum=default(value("momentum"), 0.0),
                nesterov=default(optimizer.nesterov, False),
                weight_decay=decay,
            )
        case Adam() | AdamW() | NAdam():
            cls = {Adam: optim.Adam, AdamW: optim.AdamW, NAdam: optim.NAdam}[type(optimizer)]
            betas = (optimizer.beta1, optimizer.beta2)
            shown = value("weight_decay") if isinstance(optimizer, AdamW) else decay
            return cls(parameters, rate, betas=betas, eps=optimizer.eps, weight_decay=shown)
        case RmsProp():
            return optim.RMSprop(
                parameters,
                rate,
                alpha=optimizer.rho,
                eps=optimizer.eps,
                centered=default(optimizer.centered, False),
                momentum=default(value("momentum"), 0.0),
                weight_decay=decay,
            )
        case Adagrad():
            return optim.Adagrad(
                parameters,
                rate,
                lr_decay=default(optimizer.lr_decay, 0.0),
                initial_accumulator_value=default(optimizer.initial_accumulator, 0.0),
                eps=optimizer.eps,
                weight_decay=decay,
            )
        case Adadelta():
            return optim.Adadelta(
                parameters, rate, rho=optimizer.rho, eps=optimizer.eps, weight_decay=decay
            )
        case Lion():
            betas = (optimizer.beta1, optimizer.beta2)
            return Helper("Lion")(parameters, rate, betas=betas, weight_decay=decay)
    raise TypeError(type(optimizer).__name__)
