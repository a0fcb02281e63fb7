"""Initializers in Keras, with the language's distributions and fans."""

from __future__ import annotations

from backends.base import Unsupported
from compiler.codegen.expr import Expr, Helper, Name, default, lift
from compiler.initializers import (
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Identity,
    Initializer,
    LecunNormal,
    Normal,
    Ones,
    Orthogonal,
    TruncatedNormal,
    Uniform,
    Zeros,
)

_made = Name("keras").initializers


def initializer(init: Initializer) -> Expr:
    """The expression of an initializer, a string where Keras knows it by name.

    Keras' own `he_normal` and its like cut the normal distribution off; the language's do not.
    Raises Unsupported.
    """
    match init:
        case Zeros():
            return lift("zeros")
        case Ones():
            return lift("ones")
        case GlorotUniform():
            return lift("glorot_uniform")
        case HeUniform():
            return lift("he_uniform")
        case GlorotNormal():
            return _scaled(1.0, "fan_avg")
        case HeNormal():
            return _scaled(2.0, "fan_in")
        case LecunNormal():
            return _scaled(1.0, "fan_in")
        case Identity():
            return lift("identity")
        case Constant(value):
            return _made.Constant(float(value))
        case Uniform(low, high):
            return _made.RandomUniform(low, high)
        case Normal(std, mean):
            return _made.RandomNormal(mean=default(mean, 0.0), stddev=std)
        case TruncatedNormal(std, mean):
            return _made.TruncatedNormal(mean=default(mean, 0.0), stddev=std)
        case Orthogonal(gain):
            return lift("orthogonal") if gain == 1 else _made.Orthogonal(gain=gain)
    raise Unsupported(f"the initializer {type(init).__name__} has no counterpart")


def recurrent_initializer(init: Initializer, gates: int) -> Expr:
    """The initializer of a recurrent kernel: an orthogonal one is so gate by gate."""
    if isinstance(init, Orthogonal) and gates > 1:
        return Helper("OrthogonalGates")(gain=default(init.gain, 1.0))
    return initializer(init)


def _scaled(scale: float, mode: str) -> Expr:
    return _made.VarianceScaling(scale, mode, "untruncated_normal")
