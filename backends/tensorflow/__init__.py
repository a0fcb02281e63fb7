"""The TensorFlow target: Keras 3 classes by subclassing, trained by `compile` and `fit`."""

from tercet.backends.base import Backend
from tercet.backends.tensorflow import (  # noqa: F401  (they register their lowerings)
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
from tercet.backends.tensorflow.script import draft
from tercet.backends.tensorflow.target import lower

BACKEND = Backend("tensorflow", "tensorflow", draft)

__all__ = ["BACKEND", "lower"]
