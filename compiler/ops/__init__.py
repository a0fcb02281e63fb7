"""All operations.  Importing this package registers every one of them."""

from tercet.compiler.ops import (
    activation,
    attention,
    conv,
    einsum,
    elementwise,
    indexing,
    linear,
    loss,
    norm,
    pooling,
    random,
    recurrent,
    reduce,
    resizing,
    scattering,
    shape,
)

__all__ = [
    "activation",
    "attention",
    "conv",
    "einsum",
    "elementwise",
    "indexing",
    "linear",
    "loss",
    "norm",
    "pooling",
    "random",
    "recurrent",
    "reduce",
    "resizing",
    "scattering",
    "shape",
]
