"""Every family of operations: importing this module registers them all."""

from compiler.ops import (  # noqa: F401
    activation,
    attention,
    conv,
    elementwise,
    indexing,
    linear,
    loss,
    norm,
    pooling,
    recurrent,
    reduce,
    shape,
)
