"""The PyTorch target: `nn.Module` classes and an explicit training loop."""

from tercet.backends.base import Backend
from tercet.backends.pytorch import (  # noqa: F401  (they register their lowerings)
    activation,
    attention,
    conv,
    convolving,
    einsum,
    elementwise,
    indexing,
    joining,
    linear,
    loss,
    norm,
    not_finite,
    pooling,
    random,
    recurrent,
    reduce,
    resizing,
    sampling,
    scattering,
    shape,
    slicing,
)
from tercet.backends.pytorch.script import draft
from tercet.backends.pytorch.target import lower

BACKEND = Backend("pytorch", "pytorch", draft)

__all__ = ["BACKEND", "lower"]
