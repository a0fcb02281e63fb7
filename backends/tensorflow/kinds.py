"""The layers of Keras that may be made by short functions of the script."""

from __future__ import annotations

from tercet.backends.factories import Kinds

KINDS = Kinds(
    "layers",
    {
        "BatchNormalization": "batch_norm",
        "Conv1D": "conv1d",
        "Conv2D": "conv2d",
        "Conv3D": "conv3d",
        "Conv1DTranspose": "conv1d_transpose",
        "Conv2DTranspose": "conv2d_transpose",
        "Conv3DTranspose": "conv3d_transpose",
        "Dense": "dense",
        "DepthwiseConv2D": "depthwise_conv2d",
        "Embedding": "embedding",
        "GroupNormalization": "group_norm",
        "GroupedConv1D": "grouped_conv1d",
        "GroupedConv2D": "grouped_conv2d",
        "GroupedConv3D": "grouped_conv3d",
        "GRU": "gru",
        "LongerConv1DTranspose": "longer_conv1d_transpose",
        "LongerConv2DTranspose": "longer_conv2d_transpose",
        "LongerConv3DTranspose": "longer_conv3d_transpose",
        **{
            f"{kind}Conv{rank}DTranspose": f"{kind.lower()}_conv{rank}d_transpose"
            for kind in ("Grouped", "Dilated")
            for rank in (1, 2, 3)
        },
        "LSTM": "lstm",
        "LayerNormalization": "layer_norm",
        "PReLU": "prelu",
        "RMSNormalization": "rms_norm",
        "SimpleRNN": "simple_rnn",
        "SymmetricConv2D": "conv2d",
    },
    frozenset({"use_bias", "momentum", "epsilon", "return_sequences", "unit_forget_bias"}),
    shares_initializers=False,
)
