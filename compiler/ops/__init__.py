"""All operations.  Importing this package registers every one of them."""

from compiler.ops import (
    activation,
    attention,
    conv,
    elementwise,
    linear,
    loss,
    norm,
    pooling,
    recurrent,
)

__all__ = [
    "activation",
    "attention",
    "conv",
    "elementwise",
    "linear",
    "loss",
    "norm",
    "pooling",
    "recurrent",
]
