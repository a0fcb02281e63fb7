"""The PyTorch target: `nn.Module` classes and an explicit training loop."""

from backends.base import Backend
from backends.pytorch import (  # noqa: F401  (they register their lowerings)
    activation,
    attention,
    conv,
    elementwise,
    indexing,
    joining,
    linear,
    loss,
    norm,
    pooling,
    random,
    recurrent,
    reduce,
    shape,
    slicing,
)
from backends.pytorch.script import render
from backends.pytorch.target import lower

BACKEND = Backend("pytorch", "pytorch", render)

__all__ = ["BACKEND", "lower"]
