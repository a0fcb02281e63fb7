"""The script's `initialize` function: what layers get where the source says nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from compiler.initializers import (
    GlorotUniform,
    HeUniform,
    Initializer,
    Normal,
    Ones,
    Orthogonal,
    Zeros,
)
from compiler.ops.base import Op
from compiler.ops.conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from compiler.ops.linear import Dense, Embedding
from compiler.ops.norm import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RMSNorm
from compiler.ops.recurrent import Gru, Lstm, Rnn

_CONVOLUTION: dict[str, Initializer] = {"weight": HeUniform(), "bias": Zeros()}
_NORM: dict[str, Initializer] = {"weight": Ones(), "bias": Zeros()}
_RECURRENT: dict[str, Initializer] = {
    "weight": GlorotUniform(),
    "recurrent_weight": Orthogonal(),
    "bias": Zeros(),
    "recurrent_bias": Zeros(),
}

USUAL: dict[type[Op], dict[str, Initializer]] = {
    Dense: {"weight": GlorotUniform(), "bias": Zeros()},
    Embedding: {"weight": Normal(std=0.02)},
    **dict.fromkeys((Conv1d, Conv2d, Conv3d), _CONVOLUTION),
    **dict.fromkeys((ConvTranspose1d, ConvTranspose2d, ConvTranspose3d), _CONVOLUTION),
    **dict.fromkeys((BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RMSNorm), _NORM),
    **dict.fromkeys((Rnn, Lstm, Gru), _RECURRENT),
}
"""Initializers by operation and parameter; PyTorch's own of the norms are these already."""

_MODULES: dict[type[Op], str] = {
    Dense: "nn.Linear",
    Embedding: "nn.Embedding",
    Conv1d: "nn.Conv1d",
    Conv2d: "nn.Conv2d",
    Conv3d: "nn.Conv3d",
    ConvTranspose1d: "nn.ConvTranspose1d",
    ConvTranspose2d: "nn.ConvTranspose2d",
    ConvTranspose3d: "nn.ConvTranspose3d",
    Rnn: "nn.RNN",
    Lstm: "nn.LSTM",
    Gru: "nn.GRU",
}


def initialize_text(operations: Iterable[type[Op]], *, with_bias: Iterable[type[Op]]) -> str:
    """The text of `initialize` for a model with layers of these operations; "" if it needs none."""
    raise NotImplementedError
