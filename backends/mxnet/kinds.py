"""The layers of Gluon that may be made by short functions of the script."""

from __future__ import annotations

from tercet.backends.factories import Kinds

KINDS = Kinds(
    "nn",
    {
        "BatchNorm": "batch_norm",
        "Conv1D": "conv1d",
        "Conv2D": "conv2d",
        "Conv3D": "conv3d",
        "Conv1DTranspose": "conv1d_transpose",
        "Conv2DTranspose": "conv2d_transpose",
        "Conv3DTranspose": "conv3d_transpose",
        "Dense": "dense",
        "Embedding": "embedding",
        "InstanceNorm": "instance_norm",
        "LayerNorm": "layer_norm",
        "PReLU": "prelu",
    },
    frozenset({"use_bias", "flatten", "momentum", "epsilon"}),
    shares_initializers=True,
)
