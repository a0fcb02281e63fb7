"""Optimizers in MXNet: its own where they mean the language's, else a short class in the script.

MXNet's SGD keeps the rate in the velocity and its Adam adds epsilon before the correction of the
bias: a line in each step mends either.  Its NAG is wrong with weight decay, its Nadam shares one
momentum schedule between all parameters, its Adagrad decouples weight decay, its Adadelta knows no
learning rate, its RMSProp adds epsilon inside the root and has momentum in the centred form only;
AdamW is there as an operation alone, Lion not at all.  Its Adam clips values after weight decay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field

from tercet.backends.mxnet.optimizer_texts import EXACT_OPTIMIZERS, OPTIMIZERS
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
from tercet.compiler.training.schedules import ConstantSchedule
from tercet.dsl.records import dataclass


@dataclass(frozen=True)
class PrintedOptimizer:
    """The arguments of `gluon.Trainer` after the parameters, and what they need.

    `each_step` are lines before an update that make the stock optimizer mean the language's; with a
    schedule they may read `factor` and `before`, those of this step and of the one before.  `notes`
    are comments where it is made.
    `clips`: whether it is what clips values, where that is asked for.
    """

    arguments: str
    piece: Piece
    each_step: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    clips: bool = True


@dataclass(frozen=True)
class _Kind:
    """MXNet's name of an optimizer, or that of a class of the script, and its settings."""

    name: str
    own: bool
    settings: dict[str, Expr] = field(default_factory=dict)
    each_step: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


_ROUNDED = "# The operation has betas in float32; what corrects the bias must have the same."


def _rounded(beta: Expr) -> Expr:
    return Name("float")(Name("np").float32(beta))


def printed_optimizer(
    update: Update, rate: Expr, constants: dict[str, str], *, exact: bool = False
) -> PrintedOptimizer:
    """How the script makes the optimizer; `constants` name attributes' values.

    MXNet's own, and its operations, have their settings in float32: where training is to be
    `exact`, it is a class of the script over whole arrays.
    """
    optimizer = update.optimizer

    def value(attribute: str) -> Expr:
        name = constants.get(attribute)
        return Name(name) if name else lift(getattr(optimizer, attribute))

    kind = _exact_kind(update, value) if exact else _kind(update, value)
    settings = {"learning_rate": rate, **kind.settings}
    if optimizer.weight_decay:
        settings["wd"] = value("weight_decay")
    if exact:
        return _own(kind, settings, EXACT_OPTIMIZERS, clips=False)
    # MXNet's own Adam clips what weight decay has joined already.
    clips = kind.own or isinstance(optimizer, Sgd) or not optimizer.weight_decay
    if isinstance(update.clip, ClipValue) and clips:
        settings["clip_gradient"] = Name("MAX_GRADIENT")
    if kind.own:
        return _own(kind, settings, OPTIMIZERS)
    entries = ", ".join(f'"{key}": {render(entry)}' for key, entry in settings.items())
    return PrintedOptimizer(
        f'"{kind.name}", {{{entries}}}', Piece(), kind.each_step, kind.notes, clips
    )


def _own(
    kind: _Kind, settings: dict[str, Expr], texts: dict[str, str], *, clips: bool = True
) -> PrintedOptimizer:
    """A class of the script with these settings."""
    keywords = ", ".join(f"{key}={render(entry)}" for key, entry in settings.items())
    piece = Piece(texts[kind.name], _IMPORTS)
    return PrintedOptimizer(f"{kind.name}({keywords})", piece, clips=clips)


_IMPORTS = ("import math", "import mxnet as mx", "from mxnet import nd")


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


def _kind(update: Update, value: Callable[[str], Expr]) -> _Kind:
    optimizer = update.optimizer
    match optimizer:
        case Sgd():
            return _sgd(update, optimizer, value("momentum"))
        case Adam():
            correction = "math.sqrt(1 - trainer.optimizer.beta2 ** (step + 1))"
            line = f"trainer.optimizer.epsilon = {literal(optimizer.eps)} * {correction}"
            note = "# MXNet adds it before the correction of the bias."
            betas = {name: _rounded(beta) for name, beta in _betas(optimizer).items()}
            settings = betas | {"epsilon": lift(optimizer.eps)}
            return _Kind("adam", False, settings, (note, line), (_ROUNDED,))
        case AdamW():
            return _Kind("AdamW", True, _betas(optimizer) | {"epsilon": lift(optimizer.eps)})
        case NAdam():
            settings = _betas(optimizer) | {"epsilon": lift(optimizer.eps)}
            settings["momentum_decay"] = lift(optimizer.momentum_decay)
            return _Kind("NAdam", True, settings)
        case RmsProp():
            settings = {"rho": lift(optimizer.rho), "epsilon": lift(optimizer.eps)}
            if not (optimizer.momentum or optimizer.centered):
                return _Kind("RMSProp", True, settings)
            settings |= {"momentum": value("momentum"), "centered": lift(optimizer.centered)}
            return _Kind("MomentumRMSProp", True, settings)
        case Adagrad():
            names = {"lr_decay": "lr_decay", "epsilon": "eps"}
            names["initial_accumulator"] = "initial_accumulator"
            settings = {name: lift(getattr(optimizer, own)) for name, own in names.items()}
            return _Kind("Adagrad", True, settings)
        case Adadelta():
            settings = {"rho": lift(optimizer.rho), "epsilon": lift(optimizer.eps)}
            return _Kind("Adadelta", True, settings)
        case Lion():
            return _Kind("Lion", True, _betas(optimizer))
    raise TypeError(type(optimizer).__name__)


def _exact_kind(update: Update, value: Callable[[str], Expr]) -> _Kind:
    optimizer = update.optimizer
    match optimizer:
        case Sgd(momentum=0):
            return _Kind("SGD", True)
        case Sgd(nesterov=nesterov):
            settings = {"momentum": value("momentum")}
            return _Kind("Nesterov" if nesterov else "Momentum", True, settings)
        case Adam():
            return _Kind("Adam", True, _betas(optimizer) | {"epsilon": lift(optimizer.eps)})
    return _kind(update, value)


def _betas(optimizer: Adam | AdamW | NAdam | Lion) -> dict[str, Expr]:
    return {"beta1": lift(optimizer.beta1), "beta2": lift(optimizer.beta2)}


def _sgd(update: Update, optimizer: Sgd, momentum: Expr) -> _Kind:
    if not optimizer.momentum:
        return _Kind("sgd", False)
    settings = {"momentum": momentum}
    varies = update.schedule != ConstantSchedule()
    if optimizer.nesterov:
        own = bool(optimizer.weight_decay) or varies
        return _Kind("Nesterov" if own else "nag", own, settings)
    line = f"trainer.optimizer.momentum = {render(momentum)} * factor / (before or 1.0)"
    note = "# MXNet's velocity has the rate in it."
    return _Kind("sgd", False, settings, (note, line) if varies else ())
