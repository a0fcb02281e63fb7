"""Initializers in Keras, with the language's distributions and fans."""

from __future__ import annotations

from tercet.backends.base import Unsupported
from tercet.codegen.expr import Expr, Helper, Name, default, lift
from tercet.compiler import initializers as kinds
from tercet.compiler.initializers import Initializer

_made = Name("keras").initializers


def initializer(init: Initializer) -> Expr:
    """The expression of an initializer, a string where Keras knows it by name.

    Keras' own `he_normal` and its like cut the normal distribution off; the language's do not.
    Raises Unsupported.
    """
    match init:
        case kinds.Zeros():
            return lift("zeros")
        case kinds.Ones():
            return lift("ones")
        case kinds.GlorotUniform():
            return lift("glorot_uniform")
        case kinds.HeUniform():
            return lift("he_uniform")
        case kinds.GlorotNormal():
            return _scaled(1.0, "fan_avg")
        case kinds.HeNormal():
            return _scaled(2.0, "fan_in")
        case kinds.LecunNormal():
            return _scaled(1.0, "fan_in")
        case kinds.Identity():
            return lift("identity")
        case kinds.Constant(value):
            return _made.Constant(float(value))
        case kinds.Uniform(low, high):
            return _made.RandomUniform(low, high)
        case kinds.Normal(std, mean):
            return _made.RandomNormal(mean=default(mean, 0.0), stddev=std)
        case kinds.TruncatedNormal(std, mean):
            return _made.TruncatedNormal(mean=default(mean, 0.0), stddev=std)
        case kinds.Orthogonal(gain):
            return lift("orthogonal") if gain == 1 else _made.Orthogonal(gain=gain)
    raise Unsupported(f"the initializer {type(init).__name__} has no counterpart")


def recurrent_initializer(init: Initializer, gates: int) -> Expr:
    """The initializer of a recurrent kernel: an orthogonal one is so gate by gate."""
    if isinstance(init, kinds.Orthogonal) and gates > 1:
        return Helper("OrthogonalGates")(gain=default(init.gain, 1.0))
    return initializer(init)


def _scaled(scale: float, mode: str) -> Expr:
    return _made.VarianceScaling(scale, mode, "untruncated_normal")
