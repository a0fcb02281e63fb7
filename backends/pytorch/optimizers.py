"""Optimizers in PyTorch: its stock ones, with the language's settings named."""

from __future__ import annotations

from tercet.codegen.expr import Expr, Helper, Name, default
from tercet.codegen.script.pieces import Piece
from tercet.codegen.script.training import MATCHED, MATCHED_IMPORT
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

optim = Name("torch").optim


GROUPS = "parameter_groups"


def groups_piece(renamed: bool) -> Piece:
    """`parameter_groups`; `renamed` where the script has `source_name`."""
    called = "source_name(name)" if renamed else "name"
    text = f'''\
def {GROUPS}(model):
    """The parameters with weight decay, and those without."""
    decayed, spared = [], []
    for name, parameter in model.named_parameters():
        matched = {MATCHED.replace("(name", f"({called}")}
        (spared if matched else decayed).append(parameter)
    return [{{"params": decayed}}, {{"params": spared, "weight_decay": 0.0}}]'''
    return Piece(text, (MATCHED_IMPORT,))


def optimizer_call(
    optimizer: Optimizer,
    parameters: Expr,
    rate: Expr,
    constants: dict[str, str],
    *,
    exact: bool = False,
) -> Expr:
    """The expression that makes the optimizer; `constants` name attributes' values."""

    def value(attribute: str) -> Expr | object:
        name = constants.get(attribute)
        return Name(name) if name else getattr(optimizer, attribute)

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
        case NAdam():
            betas = (optimizer.beta1, optimizer.beta2)
            made = Helper("NAdam") if exact else optim.NAdam
            return made(
                parameters,
                rate,
                betas=betas,
                eps=optimizer.eps,
                weight_decay=decay,
                momentum_decay=default(optimizer.momentum_decay, 4e-3),
            )
        case Adam() | AdamW():
            cls = {Adam: optim.Adam, AdamW: optim.AdamW}[type(optimizer)]
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
