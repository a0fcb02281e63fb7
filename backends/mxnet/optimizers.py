"""Optimizers in MXNet: its own where they mean the language's, else a short class in the script.

MXNet's NAG is wrong with weight decay, its Nadam shares one momentum schedule between all
parameters, its Adagrad decouples weight decay, its Adadelta knows no learning rate, its RMSProp has
momentum in the centred form only; AdamW and Lion it has not at all.  Its Adam and RMSProp clip
values after weight decay.
"""

from __future__ import annotations

from dataclasses import dataclass

from tercet.backends.mxnet.optimizer_texts import OPTIMIZERS
from tercet.codegen.expr import Expr, Name, lift
from tercet.codegen.render import render
from tercet.codegen.script.pieces import Piece, literal
from tercet.codegen.script.training import MATCHED
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.reach import untrained
from tercet.compiler.graph.training import Training, Update
from tercet.compiler.training.clipping import ClipValue
from tercet.compiler.training.optimizers import (
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Lion,
    NAdam,
    RmsProp,
    Sgd,
)


@dataclass(frozen=True)
class PrintedOptimizer:
    """The arguments of `gluon.Trainer` after the parameters, and what they need.

    `notes` are comments: where the stock optimizer differs from the language's.
    `clips`: whether it is what clips values, where that is asked for.
    """

    arguments: str
    piece: Piece
    notes: tuple[str, ...] = ()
    clips: bool = True


def printed_optimizer(update: Update, rate: Expr, constants: dict[str, str]) -> PrintedOptimizer:
    """How the script makes the optimizer; `constants` name attributes' values."""
    optimizer = update.optimizer

    def value(attribute: str) -> Expr:
        name = constants.get(attribute)
        return Name(name) if name else lift(getattr(optimizer, attribute))

    settings: dict[str, Expr] = {"learning_rate": rate}
    kind, own, notes = _stock(update, settings, value)
    if optimizer.weight_decay:
        settings["wd"] = value("weight_decay")
    # MXNet's own Adam and RMSProp clip what weight decay has joined already.
    clips = own or isinstance(optimizer, Sgd) or not optimizer.weight_decay
    if isinstance(update.clip, ClipValue) and clips:
        settings["clip_gradient"] = Name("MAX_GRADIENT")
    if own:
        keywords = ", ".join(f"{key}={render(entry)}" for key, entry in settings.items())
        return PrintedOptimizer(f"{kind}({keywords})", Piece(OPTIMIZERS[kind], _IMPORTS), notes)
    entries = ", ".join(f'"{key}": {render(entry)}' for key, entry in settings.items())
    return PrintedOptimizer(f'"{kind}", {{{entries}}}', Piece(), notes, clips)


_IMPORTS = ("import mxnet as mx", "from mxnet import nd")
_FOLDED = "MXNet folds the rate into the velocity: a changed rate acts with a delay."
_EPSILON = "MXNet adds epsilon before the bias correction."
_INSIDE = "MXNet adds epsilon inside the square root."


def spared(training: Training, model: Graph) -> list[str]:
    """Lines that take the weight decay off what has none.

    That is what matches `no_decay`, and parameters without a gradient: for MXNet theirs is zero.
    """
    lines = []
    if training.decay_exceptions:
        lines += [
            "for name, parameter in weights(model).items():",
            f"    if {MATCHED}:",
            "        parameter.wd_mult = 0.0",
        ]
    if training.update.optimizer.weight_decay and (names := untrained(training.update.loss, model)):
        lines += [
            "for name in (  # the loss does not depend on these",
            *(f"    {literal(name)}," for name in names),
            "):",
            "    weights(model)[name].wd_mult = 0.0",
        ]
    return [f"    {line}" for line in lines]


def _stock(
    update: Update, settings: dict[str, Expr], value: object
) -> tuple[str, bool, tuple[str, ...]]:
    """The optimizer's name, whether it is a class of the script, and notes; fills `settings`."""
    assert callable(value)
    optimizer = update.optimizer
    match optimizer:
        case Sgd():
            return _sgd(update, optimizer, settings, value("momentum"))
        case Adam():
            settings |= _betas(optimizer) | {"epsilon": lift(optimizer.eps)}
            return "adam", False, (_EPSILON,)
        case AdamW():
            settings |= _betas(optimizer) | {"epsilon": lift(optimizer.eps)}
            return "AdamW", True, ()
        case NAdam():
            settings |= _betas(optimizer) | {"epsilon": lift(optimizer.eps)}
            settings["momentum_decay"] = lift(optimizer.momentum_decay)
            return "NAdam", True, ()
        case RmsProp():
            return _rmsprop(optimizer, settings, value("momentum"))
        case Adagrad():
            settings["lr_decay"] = lift(optimizer.lr_decay)
            settings["epsilon"] = lift(optimizer.eps)
            settings["initial_accumulator"] = lift(optimizer.initial_accumulator)
            return "Adagrad", True, ()
        case Adadelta():
            settings |= {"rho": lift(optimizer.rho), "epsilon": lift(optimizer.eps)}
            return "Adadelta", True, ()
        case Lion():
            settings |= _betas(optimizer)
            return "Lion", True, ()
    raise TypeError(type(optimizer).__name__)


def _betas(optimizer: Adam | AdamW | NAdam | Lion) -> dict[str, Expr]:
    return {"beta1": lift(optimizer.beta1), "beta2": lift(optimizer.beta2)}


def _sgd(
    update: Update, optimizer: Sgd, settings: dict[str, Expr], momentum: Expr
) -> tuple[str, bool, tuple[str, ...]]:
    if not optimizer.momentum:
        return "sgd", False, ()
    settings["momentum"] = momentum
    if optimizer.nesterov and optimizer.weight_decay:
        return "Nesterov", True, ()
    varies = type(update.schedule).__name__ != "ConstantSchedule" or bool(update.schedule.warmup)
    return "nag" if optimizer.nesterov else "sgd", False, (_FOLDED,) if varies else ()


def _rmsprop(
    optimizer: RmsProp, settings: dict[str, Expr], momentum: Expr
) -> tuple[str, bool, tuple[str, ...]]:
    if optimizer.momentum or optimizer.centered:
        settings |= {"rho": lift(optimizer.rho), "epsilon": lift(optimizer.eps)}
        settings |= {"momentum": momentum, "centered": lift(optimizer.centered)}
        return "RMSProp", True, ()
    settings |= {"gamma1": lift(optimizer.rho), "epsilon": lift(optimizer.eps)}
    return "rmsprop", False, (_INSIDE,)
