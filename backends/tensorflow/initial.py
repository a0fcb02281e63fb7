"""Initializers in Keras, with the language's distributions and fans."""

from __future__ import annotations

from tercet.backends.base import Unsupported
from tercet.codegen.expr import Expr, Helper, Literal, Name, default, lift
from tercet.codegen.script.stored import stored
from tercet.compiler import initializers as kinds
from tercet.compiler.graph.ir import Parameter
from tercet.compiler.initializers import Initializer, counted_as, shape_fans
from tercet.compiler.stored import StoredArray

_made = Name("keras").initializers


def initializer(parameter: Parameter, *, as_kernel: bool = True) -> Expr:
    """The expression of an initializer, a string where Keras knows it by name.

    Keras' own `he_normal` and its like cut the normal distribution off; the language's do not.
    Of a variable that is no layer's kernel Keras takes the last axis for the outputs, the language
    the first.  Raises Unsupported.
    """
    init, shape = parameter.init, tuple(s for s in parameter.type.shape if isinstance(s, int))
    if as_kernel:
        theirs = shape_fans(shape)
    else:
        theirs = shape_fans((*reversed(shape[-2:]), *shape[:-2]))
    match init:
        case kinds.HeUniform() if theirs == parameter.fans[::-1] != parameter.fans:
            return _scaled(2.0, "fan_out", "uniform")
        case kinds.HeNormal() if theirs == parameter.fans[::-1] != parameter.fans:
            return _scaled(2.0, "fan_out")
        case kinds.LecunNormal() if theirs == parameter.fans[::-1] != parameter.fans:
            return _scaled(1.0, "fan_out")
    return _expression(counted_as(init, parameter.fans, theirs))


def _expression(init: Initializer) -> Expr:
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
        case kinds.Values(elements):
            return _made.Constant(Name("np").array(Literal(elements)))
        case StoredArray():
            return _made.Constant(stored(init))
        case kinds.Uniform(low, high):
            return _made.RandomUniform(low, high)
        case kinds.Normal(std, mean):
            return _made.RandomNormal(mean=default(mean, 0.0), stddev=std)
        case kinds.TruncatedNormal(std, mean):
            return _made.TruncatedNormal(mean=default(mean, 0.0), stddev=std)
        case kinds.Orthogonal(gain):
            return lift("orthogonal") if gain == 1 else _made.Orthogonal(gain=gain)
    raise Unsupported(f"the initializer {type(init).__name__} has no counterpart")


def recurrent_initializer(parameter: Parameter, gates: int) -> Expr:
    """The initializer of a recurrent kernel: an orthogonal one is so gate by gate."""
    init = parameter.init
    if isinstance(init, kinds.Orthogonal) and gates > 1:
        return Helper("OrthogonalGates")(gain=default(init.gain, 1.0))
    return initializer(parameter)


def _scaled(scale: float, mode: str, distribution: str = "untruncated_normal") -> Expr:
    return _made.VarianceScaling(scale, mode, distribution)
