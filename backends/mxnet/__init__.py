"""The MXNet target: Gluon's `HybridBlock` classes and an explicit training loop."""

from tercet.backends.base import Backend
from tercet.backends.mxnet import (  # noqa: F401  (they register their lowerings)
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
from tercet.backends.mxnet.script import draft
from tercet.backends.mxnet.target import lower

BACKEND = Backend("mxnet", "mxnet", draft)

__all__ = ["BACKEND", "lower"]
