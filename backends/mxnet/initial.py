"""Initial values: MXNet's initializers, which hold to the fans of the language."""

from __future__ import annotations

from tercet.backends.base import Unsupported
from tercet.codegen.expr import Expr, Helper, Literal, Name, default
from tercet.codegen.script.stored import stored
from tercet.compiler import initializers as kinds
from tercet.compiler.graph.ir import Layer
from tercet.compiler.initializers import Initializer
from tercet.compiler.stored import StoredArray

_made = Name("mx").init


def initializer(init: Initializer) -> Expr:
    """The object that fills a parameter.  Raises Unsupported."""
    match init:
        case kinds.Zeros():
            return _made.Zero()
        case kinds.Ones():
            return _made.One()
        case kinds.Constant(value):
            return _made.Constant(value)
        case kinds.Values(elements):
            return _made.Constant(Name("np").array(Literal(elements)))
        case StoredArray():
            return _made.Constant(stored(init))
        case kinds.GlorotUniform():
            return Helper("GLOROT_UNIFORM")
        case kinds.HeUniform():
            return Helper("HE_UNIFORM")
        case kinds.GlorotNormal():
            return Helper("GLOROT_NORMAL")
        case kinds.HeNormal():
            return Helper("HE_NORMAL")
        case kinds.LecunNormal():
            return Helper("LECUN_NORMAL")
        case kinds.Uniform(low, high) if low == -high:
            return _made.Uniform(high)
        case kinds.Uniform(low, high):
            return Helper("UniformBetween")(low, high)
        case kinds.Normal(std, mean) if mean == 0:
            return _made.Normal(std)
        case kinds.Normal(std, mean):
            return Helper("NormalAround")(mean, std)
        case kinds.TruncatedNormal(std, mean):
            return Helper("TruncatedNormal")(std, mean=default(mean, 0.0))
        case kinds.Orthogonal(gain):
            return Helper("Orthogonal")(gain=default(gain, 1.0))
        case kinds.Identity():
            return Helper("Identity")()
    raise Unsupported(f"the initializer {type(init).__name__} has no counterpart")


def initial(layer: Layer, **keywords: str) -> dict[str, object]:
    """Keywords of a Gluon layer that set initial values: `weight="weight_initializer"`.

    Zero biases are Gluon's own default and are left out.
    """
    found: dict[str, object] = {}
    for name, keyword in keywords.items():
        for parameter in layer.parameters:
            if parameter.name == name and not (name == "bias" and parameter.init == kinds.Zeros()):
                found[keyword] = initializer(parameter.start)
    return found
