"""Initial values: MXNet's initializers, which hold to the fans of the language."""

from __future__ import annotations

from backends.base import Unsupported
from compiler.codegen.expr import Expr, Helper, Name, default
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

init = Name("mx").init


def initializer_expr(initializer: Initializer) -> Expr:
    """The object that fills a parameter.  Raises Unsupported."""
    match initializer:
        case Zeros():
            return init.Zero()
        case Ones():
            return init.One()
        case Constant(value):
            return init.Constant(value)
        case GlorotUniform():
            return Helper("GLOROT_UNIFORM")
        case HeUniform():
            return Helper("HE_UNIFORM")
        case GlorotNormal():
            return Helper("GLOROT_NORMAL")
        case HeNormal():
            return Helper("HE_NORMAL")
        case LecunNormal():
            return Helper("LECUN_NORMAL")
        case Uniform(low, high) if low == -high:
            return init.Uniform(high)
        case Uniform(low, high):
            return Helper("UniformBetween")(low, high)
        case Normal(std, mean) if mean == 0:
            return init.Normal(std)
        case Normal(std, mean):
            return Helper("NormalAround")(mean, std)
        case TruncatedNormal(std, mean):
            return Helper("TruncatedNormal")(std, mean=default(mean, 0.0))
        case Orthogonal(gain):
            return Helper("Orthogonal")(gain=default(gain, 1.0))
        case Identity():
            return Helper("Identity")()
    raise Unsupported(f"the initializer {type(initializer).__name__} has no counterpart")
