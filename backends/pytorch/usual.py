"""What layers start as where the source says nothing else."""

from __future__ import annotations

from compiler.initializers import (
    GlorotUniform,
    HeUniform,
    Initializer,
    Normal,
    Ones,
    Orthogonal,
    Zeros,
)
from compiler.ops.base import LayerOp
from compiler.ops.conv import AnyConvolution
from compiler.ops.linear import Dense, Embedding
from compiler.ops.norm import ChannelNorm, TrailingNorm
from compiler.ops.recurrent import Recurrent

_RECURRENT: dict[str, Initializer] = {
    "weight": GlorotUniform(),
    "recurrent_weight": Orthogonal(),
    "bias": Zeros(),
    "recurrent_bias": Zeros(),
}


def usual_initializer(op: LayerOp, name: str, own: Initializer) -> Initializer:
    """What a parameter of such a layer starts as, by `initialize` or by PyTorch itself.

    `own` is given back for operations that this table does not know.
    """
    match op:
        case AnyConvolution():
            return HeUniform() if name == "weight" else Zeros()
        case Dense():
            return GlorotUniform() if name == "weight" else Zeros()
        case Embedding():
            return Normal(std=0.02)
        case Recurrent():
            kind = next(k for k in sorted(_RECURRENT, key=len, reverse=True) if name.startswith(k))
            return _RECURRENT[kind]
        case ChannelNorm() | TrailingNorm():
            return Zeros() if name == "bias" else Ones()
    return own
