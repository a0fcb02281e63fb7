"""Initializers in PyTorch: functions that fill a tensor in place."""

from __future__ import annotations

from tercet.backends.base import Unsupported
from tercet.codegen.expr import Expr, Name, default
from tercet.compiler import initializers as kinds
from tercet.compiler.initializers import Initializer

_init = Name("nn").init


def initializer(init: Initializer) -> Expr:
    """A function of a tensor that fills it in place and returns it."""
    function, settings = _fill(init)
    return Name("partial")(function, **settings) if settings else function


def filled(init: Initializer, tensor: Expr) -> Expr:
    """The tensor with its initial values."""
    function, settings = _fill(init)
    return function(tensor, **settings)


def _fill(init: Initializer) -> tuple[Expr, dict[str, object]]:
    match init:
        case kinds.Zeros():
            return _init.zeros_, {}
        case kinds.Ones():
            return _init.ones_, {}
        case kinds.GlorotUniform():
            return _init.xavier_uniform_, {}
        case kinds.GlorotNormal():
            return _init.xavier_normal_, {}
        case kinds.Identity():
            return _init.eye_, {}
        case kinds.Constant(value):
            return _init.constant_, {"val": value}
        case kinds.Uniform(low, high):
            return _init.uniform_, {"a": low, "b": high}
        case kinds.Normal(std, mean):
            return _init.normal_, {"mean": default(mean, 0.0), "std": std}
        case kinds.TruncatedNormal(std, mean):
            limits = {"a": mean - 2 * std, "b": mean + 2 * std}
            return _init.trunc_normal_, {"mean": default(mean, 0.0), "std": std, **limits}
        case kinds.HeUniform():
            return _init.kaiming_uniform_, {"nonlinearity": "relu"}
        case kinds.HeNormal():
            return _init.kaiming_normal_, {"nonlinearity": "relu"}
        case kinds.LecunNormal():
            return _init.kaiming_normal_, {"nonlinearity": "linear"}
        case kinds.Orthogonal(gain):
            return _init.orthogonal_, {"gain": default(gain, 1.0)}
    raise Unsupported(f"the initializer {type(init).__name__} has no counterpart")
