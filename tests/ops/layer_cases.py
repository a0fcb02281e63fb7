"""One record per configuration of a layer, activation or loss: the odd ones, where mistakes hide.

Sizes are distinct numbers, so that a swapped axis cannot go unnoticed; `symbolic` names those that
are also tried as symbols.
"""

from __future__ import annotations

from typing import Any

from tercet.compiler.ops import activation as act
from tercet.compiler.ops import conv, convolving, linear, loss, norm, pooling, recurrent
from tercet.compiler.ops.attention import ScaledDotProductAttention
from tercet.compiler.ops.base import Op
from tercet.compiler.ops.einsum import Einsum
from tercet.compiler.ops.sequence_loss import Ctc
from tests.ops.frame import Input, OpCase
from tests.ops.frame import make_case as _case


def _on_image(name: str, op: Op, channels: int = 6) -> OpCase:
    return _case(name, op, (2, channels, 11, 13), symbolic=(2, 11, 13))


CONVOLUTIONS = [
    _case("conv1d", conv.Conv1d(5, (3,), padding=((1, 1),)), (2, 4, 11), symbolic=(2, 11)),
    _case(
        "conv1d_causal",
        conv.Conv1d(5, (3,), padding=((4, 0),), dilation=(2,)),
        (2, 4, 11),
        symbolic=(2, 11),
    ),
    _on_image("conv2d", conv.Conv2d(4, (3, 3))),
    _on_image("conv2d_1x1", conv.Conv2d(4, (1, 1), stride=(2, 2), bias=False)),
    _on_image(
        "conv2d_odd",
        conv.Conv2d(8, (3, 2), stride=(2, 3), padding=((2, 0), (1, 3)), dilation=(2, 1), groups=2),
    ),
    _on_image("conv2d_depthwise", conv.Conv2d(12, (3, 5), padding=((1, 1), (2, 2)), groups=6)),
    _on_image("conv2d_same", conv.Conv2d(4, (4, 3), padding="same", dilation=(1, 2))),
    _case("conv2d_same_stride", conv.Conv2d(4, (4, 3), (2, 3), padding="same"), (2, 3, 11, 13)),
    _on_image("conv2d_valid", conv.Conv2d(4, (2, 2), padding="valid")),
    _case(
        "conv3d",
        conv.Conv3d(4, (2, 3, 1), stride=(1, 2, 1), padding=((1, 0), (1, 1), (0, 0)), groups=2),
        (2, 6, 5, 7, 9),
        symbolic=(2, 5, 7, 9),
    ),
    _case(
        "conv_transpose1d",
        conv.ConvTranspose1d(3, (5,), stride=(3,), padding=((1, 2),), output_padding=(1,)),
        (2, 4, 7),
        symbolic=(2, 7),
    ),
    _on_image("conv_transpose2d", conv.ConvTranspose2d(4, (2, 2), stride=(2, 2))),
    _on_image(
        "conv_transpose2d_odd",
        conv.ConvTranspose2d(
            8,
            (3, 4),
            stride=(2, 3),
            padding=((1, 1), (2, 2)),
            dilation=(2, 1),
            groups=2,
            output_padding=(1, 2),
        ),
    ),
    _on_image(
        "conv_transpose2d_same",
        conv.ConvTranspose2d(4, (3, 3), stride=(2, 2), padding="same", bias=False),
    ),
    _on_image(
        "conv_transpose2d_dilated_apart",
        conv.ConvTranspose2d(3, (3, 2), dilation=(2, 3)),
    ),
    _case(
        "conv_transpose3d_dilated",
        conv.ConvTranspose3d(4, (2, 3, 2), (2, 1, 2), ((1, 1), (2, 2), (0, 0)), (2, 2, 1)),
        (2, 3, 4, 5, 3),
        symbolic=(2,),
    ),
    _case(
        "conv_transpose2d_dilated_steps",
        conv.ConvTranspose2d(4, (2, 3), (2, 3), dilation=(2, 3), output_padding=(1, 2)),
        (2, 3, 4, 5),
        symbolic=(2,),
    ),
    _case(
        "conv_transpose3d_of_groups",
        conv.ConvTranspose3d(6, (2, 1, 3), stride=(2, 1, 3), groups=2, output_padding=(1, 0, 0)),
        (2, 4, 3, 5, 7),
        symbolic=(2, 3, 5, 7),
    ),
    _on_image("conv_transpose2d_to_one", conv.ConvTranspose2d(1, (4, 3), stride=(2, 2))),
    _case(
        "conv_transpose1d_to_one_of_each_group",
        conv.ConvTranspose1d(2, (4,), stride=(3,), padding=((1, 0),), groups=2, bias=False),
        (2, 6, 7),
        symbolic=(2, 7),
    ),
    _case(
        "conv_transpose3d",
        conv.ConvTranspose3d(3, (2, 3, 2), stride=(2, 1, 2), padding=((0, 0), (1, 1), (0, 0))),
        (2, 4, 3, 5, 7),
        symbolic=(2, 3, 5, 7),
    ),
]

CONVOLVING = [
    _case(
        "convolve1d",
        convolving.Convolve1d(padding=((2, 1),), dilation=(2,)),
        *((2, 4, 11), (5, 4, 3), (5,)),
        symbolic=(2, 11),
    ),
    _case(
        "convolve2d", convolving.Convolve2d(), (9, 3, 11, 13), (4, 3, 3, 2), symbolic=(9, 11, 13)
    ),
    _case(
        "convolve2d_odd",
        convolving.Convolve2d((2, 3), ((2, 0), (1, 3)), (2, 1), groups=2),
        *((9, 6, 11, 13), (8, 3, 3, 2), (8,)),
        symbolic=(9, 11, 13),
    ),
    _case(
        "convolve2d_depthwise",
        convolving.Convolve2d(padding="same", groups=6),
        *((9, 6, 11, 13), (12, 1, 3, 5)),
        symbolic=(9, 11, 13),
    ),
    _case(
        "convolve3d",
        convolving.Convolve3d((1, 2, 1), ((1, 0), (1, 1), (0, 0)), groups=2),
        *((10, 6, 5, 7, 9), (4, 3, 2, 3, 1), (4,)),
        symbolic=(10, 5, 7, 9),
    ),
    _case(
        "convolve_transpose1d",
        convolving.ConvolveTranspose1d((3,), ((1, 2),), output_padding=(1,)),
        *((2, 4, 7), (4, 3, 5), (3,)),
        symbolic=(2, 7),
    ),
    _case(
        "convolve_transpose2d",
        convolving.ConvolveTranspose2d((2, 2)),
        *((9, 6, 11, 13), (6, 4, 2, 2)),
        symbolic=(9, 11, 13),
    ),
    _case(
        "convolve_transpose2d_odd",
        convolving.ConvolveTranspose2d(
            (2, 3), ((1, 1), (2, 2)), (2, 1), groups=2, output_padding=(1, 2)
        ),
        *((9, 6, 11, 13), (6, 4, 3, 4), (8,)),
        symbolic=(9, 11, 13),
    ),
    _case(
        "convolve_transpose3d",
        convolving.ConvolveTranspose3d((2, 1, 2), ((0, 0), (1, 1), (0, 0))),
        *((2, 4, 3, 5, 7), (4, 3, 2, 3, 2), (3,)),
        symbolic=(5, 7),
    ),
]

POOLINGS = [
    _case("max_pool1d", pooling.MaxPool1d((3,), (2,), ((1, 1),)), (2, 3, 11), symbolic=(2, 11)),
    _on_image("max_pool2d", pooling.MaxPool2d((3, 2))),
    _on_image("max_pool2d_odd", pooling.MaxPool2d((3, 4), (2, 3), ((1, 0), (2, 1)))),
    _on_image("max_pool2d_ceil", pooling.MaxPool2d((3, 2), (2, 2), ceil=True)),
    _on_image("max_pool2d_ceil_cut", pooling.MaxPool2d((2, 2), (3, 3), ((1, 1),) * 2, ceil=True)),
    _case(
        "max_pool2d_ceil_uneven",
        pooling.MaxPool2d((2, 2), (2, 2), ((0, 1), (1, 0)), ceil=True),
        (2, 3, 4, 5),
    ),
    _case("max_pool2d_same", pooling.MaxPool2d((3, 3), (2, 2), padding="same"), (2, 3, 8, 13)),
    _case("max_pool3d", pooling.MaxPool3d((2, 3, 2), (1, 2, 2)), (2, 3, 5, 7, 9), symbolic=(2, 5)),
    _case("avg_pool1d", pooling.AvgPool1d((4,), (3,), ((2, 1),)), (2, 3, 11), symbolic=(2, 11)),
    _on_image("avg_pool2d", pooling.AvgPool2d((3, 2), (2, 2), ((1, 1), (1, 1)))),
    _on_image(
        "avg_pool2d_counted",
        pooling.AvgPool2d((3, 3), (2, 2), ((1, 1), (1, 1)), count_include_pad=True),
    ),
    _on_image("avg_pool2d_ceil", pooling.AvgPool2d((3, 2), (2, 3), ((1, 1), (0, 0)), ceil=True)),
    _on_image(
        "avg_pool2d_ceil_counted",
        pooling.AvgPool2d((2, 3), (2, 3), ((1, 1), (1, 1)), ceil=True, count_include_pad=True),
    ),
    _case(
        "avg_pool2d_ceil_uneven",
        pooling.AvgPool2d((2, 2), (2, 2), ((0, 1), (1, 0)), ceil=True),
        (2, 3, 4, 5),
    ),
    _case(
        "avg_pool2d_ceil_uneven_counted",
        pooling.AvgPool2d((3, 2), (2, 2), ((0, 2), (0, 1)), ceil=True, count_include_pad=True),
        (2, 3, 5, 4),
    ),
    _case("avg_pool3d", pooling.AvgPool3d((2, 2, 3)), (2, 3, 5, 7, 9), symbolic=(2, 7)),
    _case("global_avg_pool1d", pooling.GlobalAvgPool1d(), (2, 3, 11), symbolic=(2, 11)),
    _on_image("global_avg_pool2d", pooling.GlobalAvgPool2d()),
    _on_image("global_max_pool2d", pooling.GlobalMaxPool2d()),
    _case("global_max_pool1d", pooling.GlobalMaxPool1d(), (2, 3, 11), symbolic=(2, 11)),
    _case("global_max_pool3d", pooling.GlobalMaxPool3d(), (2, 3, 4, 5, 6), symbolic=(2, 4, 6)),
    _on_image("lp_pool2d", pooling.LpPool2d((3, 2))),
    _on_image("lp_pool2d_three", pooling.LpPool2d((2, 2), (1, 2), ((1, 0), (1, 1)), p=3)),
    _on_image("lp_pool2d_ceil", pooling.LpPool2d((3, 2), (2, 3), ((1, 1), (0, 1)), ceil=True)),
    _case("lp_pool2d_ceil_cut", pooling.LpPool2d((2, 2), (3, 3), ceil=True, p=1), (2, 3, 9, 8)),
    _case("lp_pool2d_same", pooling.LpPool2d((3, 3), (2, 2), "same"), (2, 3, 8, 13)),
    _case(
        "max_pool1d_dilated",
        pooling.MaxPool1d((3,), (2,), ((2, 1),), dilation=(3,)),
        (2, 3, 11),
        symbolic=(2, 11),
    ),
    _on_image(
        "max_pool2d_dilated", pooling.MaxPool2d((3, 2), (1, 2), ((1, 1), (1, 1)), dilation=(2, 3))
    ),
    _on_image(
        "max_pool2d_dilated_ceil",
        pooling.MaxPool2d((3, 2), (3, 2), ((1, 1), (1, 1)), True, (2, 1)),
    ),
    _case("max_pool3d_dilated", pooling.MaxPool3d((2, 2, 1), dilation=(2, 1, 3)), (2, 3, 5, 6, 7)),
    _case(
        "max_pool2d_dilated_same",
        pooling.MaxPool2d((3, 3), (2, 1), "same", dilation=(3, 2)),
        (2, 3, 8, 9),
    ),
    _on_image("avg_pool2d_dilated", pooling.AvgPool2d((3, 2), (2, 1), dilation=(2, 3))),
    _on_image(
        "avg_pool2d_dilated_padded",
        pooling.AvgPool2d((3, 2), (1, 2), ((2, 1), (1, 0)), dilation=(2, 3)),
    ),
    _on_image(
        "avg_pool2d_dilated_ceil",
        pooling.AvgPool2d((3, 2), (2, 3), ((1, 1), (1, 1)), True, True, (2, 2)),
    ),
    _case(
        "avg_pool1d_dilated", pooling.AvgPool1d((2,), dilation=(4,)), (2, 3, 11), symbolic=(2, 11)
    ),
    _case("adaptive_max_pool2d", pooling.AdaptiveMaxPool2d((3, 1)), (2, 5, 12, 7), symbolic=(2, 7)),
    _case(
        "adaptive_max_pool2d_one",
        pooling.AdaptiveMaxPool2d((1, 1)),
        (2, 5, 12, 7),
        symbolic=(2, 12, 7),
    ),
    _case(
        "adaptive_max_pool2d_uneven", pooling.AdaptiveMaxPool2d((5, 9)), (2, 3, 8, 7), symbolic=(2,)
    ),
    _case(
        "adaptive_avg_pool2d_uneven",
        pooling.AdaptiveAvgPool2d((3, 4)),
        (2, 3, 11, 7),
        symbolic=(2,),
    ),
    _case(
        "adaptive_avg_pool2d_line",
        pooling.AdaptiveAvgPool2d((1, 3)),
        (2, 5, 11, 7),
        symbolic=(2, 11),
    ),
    _case("adaptive_avg_pool2d", pooling.AdaptiveAvgPool2d((3, 1)), (2, 5, 12, 7), symbolic=(2, 7)),
]

_EQUATIONS: list[tuple[str, str, tuple[tuple[int, ...], ...], tuple[int, ...]]] = [
    ("matrices", "ij,jk->ik", ((2, 3), (3, 5)), (2, 3, 5)),
    ("batches", "bij,bkj->bik", ((2, 3, 4), (2, 5, 4)), (2, 3, 4, 5)),
    ("heads", "nqhd,nkhd->nhqk", ((2, 5, 3, 4), (2, 7, 3, 4)), (2, 5, 7)),
    ("outer", "i,j->ji", ((3,), (5,)), (3, 5)),
    ("elements", "ij,ij->ij", ((3, 5), (3, 5)), (3, 5)),
    ("implicit", "ba,ac", ((3, 5), (5, 2)), (2, 3, 5)),
    ("trace", "ij,ij->", ((3, 5), (3, 5)), (3, 5)),
    ("sum", "ijk->k", ((2, 3, 5),), (2, 3, 5)),
    ("order", "ijk->ki", ((2, 3, 5),), (2, 3, 5)),
    ("several", "abcd,cdef->abef", ((2, 3, 4, 5), (4, 5, 6, 7)), (2, 6)),
    ("three", "bn,nd,bd->bd", ((2, 3), (3, 5), (2, 5)), (2, 3, 5)),
    ("left_over", "ijk,kl->il", ((2, 3, 5), (5, 4)), (2, 3, 4, 5)),
]

LINEAR = [
    _case("dense", linear.Dense(5), (2, 7, 3), symbolic=(2, 7)),
    _case("dense_vector", linear.Dense(5, bias=False), (3,)),
    _case("matmul", linear.MatMul(), (2, 5, 3), (3, 7), symbolic=(2, 5, 3, 7)),
    _case("matmul_broadcast", linear.MatMul(), (4, 1, 5, 3), (2, 3, 7), symbolic=(4, 5, 3, 7)),
    _case("matmul_vector_left", linear.MatMul(), (3,), (2, 3, 7), symbolic=(3, 7)),
    _case("matmul_vectors", linear.MatMul(), (3,), (3,), symbolic=(3,)),
    _case("outer", linear.Outer(), (3,), (5,), symbolic=(3, 5)),
    *(
        _case(f"einsum_{name}", Einsum(equation), *shapes, symbolic=symbolic)
        for name, equation, shapes, symbolic in _EQUATIONS
    ),
    _case("embedding", linear.Embedding(11, 5), Input((2, 7), "index", 11), symbolic=(2, 7)),
]

NORMS = [
    _on_image("batch_norm", norm.BatchNorm(eps=1e-3)),
    _on_image("batch_norm_plain", norm.BatchNorm(affine=False)),
    _case("batch_norm_of_many_axes", norm.BatchNorm(), (2, 3, 4, 1, 5, 2), symbolic=(4, 5)),
    _case("batch_norm_plain_line", norm.BatchNorm(affine=False), (2, 5, 7), symbolic=(2, 7)),
    _case("layer_norm_scaled", norm.LayerNorm(bias=False), (2, 7, 5), symbolic=(2, 7)),
    _case("layer_norm_plain", norm.LayerNorm(affine=False), (2, 7, 5), symbolic=(2, 7)),
    _case("layer_norm_plain_two", norm.LayerNorm((-2, -1), affine=False), (2, 7, 5)),
    _case("batch_norm_vector", norm.BatchNorm(), (2, 5), symbolic=(2,)),
    _on_image("group_norm", norm.GroupNorm(3, eps=1e-3)),
    _on_image("instance_norm", norm.InstanceNorm(eps=1e-3)),
    _case("layer_norm", norm.LayerNorm(eps=1e-3), (2, 7, 5), symbolic=(2, 7)),
    _case("layer_norm_two", norm.LayerNorm((-2, -1)), (2, 7, 5), symbolic=(2,)),
    _case("layer_norm_from_the_front", norm.LayerNorm((2,)), (2, 7, 5), symbolic=(2, 7)),
    _case("rms_norm", norm.RMSNorm(eps=1e-3), (2, 7, 5), symbolic=(2, 7)),
    _on_image("local_response_norm", norm.LocalResponseNorm(3, alpha=0.5, beta=0.6, k=1.5)),
    _on_image("local_response_norm_of_all", norm.LocalResponseNorm(13, alpha=0.2), 4),
    _on_image("channel_dropout", norm.ChannelDropout(0.3)),
    _case("channel_dropout_line", norm.ChannelDropout(0.3), (2, 3, 7), symbolic=(2, 7)),
    _case("channel_dropout_vector", norm.ChannelDropout(0.3), (2, 7), symbolic=(2,)),
    _case("channel_dropout_many", norm.ChannelDropout(0.3), (2, 3, 4, 5, 6, 7), symbolic=(2, 5)),
    _case("stochastic_depth", norm.StochasticDepth(0.3), (2, 7, 3), symbolic=(2, 7)),
    _case("dropout", norm.Dropout(0.3), (2, 7), symbolic=(2, 7)),
]

_ACTIVATIONS: dict[str, Op] = {
    "relu": act.Relu(),
    "relu6": act.Relu6(),
    "leaky_relu": act.LeakyRelu(0.2),
    "elu": act.Elu(0.7),
    "selu": act.Selu(),
    "celu": act.Celu(0.7),
    "gelu": act.Gelu(),
    "gelu_tanh": act.Gelu("tanh"),
    "silu": act.Silu(),
    "mish": act.Mish(),
    "hard_swish": act.HardSwish(),
    "hard_sigmoid": act.HardSigmoid(1 / 6),
    "sigmoid": act.Sigmoid(),
    "tanh": act.Tanh(),
    "softplus": act.Softplus(),
    "softsign": act.Softsign(),
    "softmax": act.Softmax(),
    "softmax_axis": act.Softmax(1),
    "log_softmax": act.LogSoftmax(1),
    "log_sigmoid": act.LogSigmoid(),
    "hard_tanh": act.HardTanh(-0.5, 1.5),
    "hard_shrink": act.HardShrink(0.7),
    "soft_shrink": act.SoftShrink(0.3),
    "thresholded_relu": act.ThresholdedRelu(0.4),
    "hardmax": act.Hardmax(),
    "hardmax_axis": act.Hardmax(1),
    "prelu_shared": act.PRelu(shared=True),
}

ACTIVATIONS = [
    *(_case(name, op, (2, 3, 5), symbolic=(2, 3, 5)) for name, op in _ACTIVATIONS.items()),
    _case("glu", act.Glu(), (2, 3, 10), symbolic=(2, 3)),
    _case("glu_axis", act.Glu(1), (2, 6, 5), symbolic=(2, 5, 6)),
    _case("hardmax_ties", act.Hardmax(1), Input((2, 40, 3), "halves"), symbolic=(2, 40)),
    _case("hard_shrink_at_its_edge", act.HardShrink(1.5), Input((4, 30), "halves")),
    _case("soft_shrink_at_its_edge", act.SoftShrink(1.5), Input((4, 30), "halves")),
    _case("thresholded_relu_at_its_edge", act.ThresholdedRelu(1.5), Input((4, 30), "halves")),
    _case("prelu", act.PRelu(), (2, 3, 5), symbolic=(2, 5)),
]

_X = (3, 5, 4)
_LENGTHS = Input((3,), "length", 5)

RECURRENT = [
    _case("rnn", recurrent.Rnn(6), _X, None, None, symbolic=(3, 5)),
    _case(
        "rnn_relu_stacked",
        recurrent.Rnn(6, layers=2, bidirectional=True, return_state=True, activation="relu"),
        _X,
        (4, 3, 6),
        None,
        symbolic=(3, 5),
    ),
    _case("lstm", recurrent.Lstm(6), _X, None, None, None, symbolic=(3, 5)),
    _case(
        "lstm_everything",
        recurrent.Lstm(6, layers=2, bidirectional=True, return_state=True),
        _X,
        (4, 3, 6),
        (4, 3, 6),
        _LENGTHS,
        symbolic=(3,),
    ),
    _case("lstm_of_one_state", recurrent.Lstm(6), _X, (1, 3, 6), None, None, symbolic=(3, 5)),
    _case(
        "lstm_of_the_other_state",
        recurrent.Lstm(6, layers=2, return_state=True),
        _X,
        None,
        (2, 3, 6),
        None,
        symbolic=(3, 5),
    ),
    _case(
        "lstm_dropout",
        recurrent.Lstm(6, 3, bidirectional=True, return_state=True, dropout=0.3),
        *(_X, (6, 3, 6), None, _LENGTHS),
        symbolic=(3,),
    ),
    _case("rnn_dropout", recurrent.Rnn(6, 2, dropout=0.3), _X, None, None, symbolic=(3, 5)),
    _case(
        "gru_dropout",
        recurrent.Gru(6, 2, return_state=True, bias=False, dropout=0.3),
        *(_X, None, None),
        symbolic=(3, 5),
    ),
    _case("rnn_unbiased", recurrent.Rnn(6, bias=False), _X, None, None, symbolic=(3, 5)),
    _case(
        "lstm_unbiased",
        recurrent.Lstm(6, layers=2, bidirectional=True, return_state=True, bias=False),
        *(_X, None, None, _LENGTHS),
        symbolic=(3,),
    ),
    _case(
        "gru_reset_first",
        recurrent.Gru(6, linear_before_reset=False),
        *(_X, None, None),
        symbolic=(3, 5),
    ),
    _case(
        "gru_reset_first_everything",
        recurrent.Gru(6, 2, True, True, linear_before_reset=False),
        *(_X, (4, 3, 6), _LENGTHS),
    ),
    _case("gru_unbiased", recurrent.Gru(6, bias=False), _X, None, None, symbolic=(3, 5)),
    _case("gru", recurrent.Gru(6), _X, None, None, symbolic=(3, 5)),
    _case(
        "gru_everything",
        recurrent.Gru(6, layers=3, bidirectional=True, return_state=True),
        _X,
        (6, 3, 6),
        _LENGTHS,
    ),
]

_Q, _K, _V = (2, 3, 5, 4), (2, 3, 7, 4), (2, 3, 7, 6)

ATTENTION = [
    _case("attention", ScaledDotProductAttention(), _Q, _K, _V, None, symbolic=(2, 5, 7)),
    _case(
        "attention_causal", ScaledDotProductAttention(causal=True), _Q, _K, _V, None, symbolic=(5,)
    ),
    _case(
        "attention_mask",
        ScaledDotProductAttention(scale=0.7),
        _Q,
        _K,
        _V,
        Input((2, 1, 5, 7), "mask"),
        symbolic=(2, 5, 7),
    ),
    _case(
        "attention_bias",
        ScaledDotProductAttention(),
        *(_Q, _K, _V, Input((3, 5, 7))),
        symbolic=(2, 5, 7),
    ),
    _case(
        "attention_bias_causal",
        ScaledDotProductAttention(causal=True),
        *(_Q, _K, _V, Input((2, 1, 5, 7))),
        symbolic=(2,),
    ),
    _case(
        "attention_bias_hiding",
        ScaledDotProductAttention(),
        *(_Q, _K, _V, Input((2, 1, 5, 7), "hiding")),
        symbolic=(2, 5, 7),
    ),
    _case(
        "attention_unseen",
        ScaledDotProductAttention(),
        _Q,
        _K,
        _V,
        Input((2, 1, 5, 7), "mask_with_empty_rows"),
        symbolic=(2, 5, 7),
    ),
    _case(
        "attention_causal_unseen",
        ScaledDotProductAttention(causal=True),
        _Q,
        _K,
        _V,
        Input((5, 7), "mask_with_empty_rows"),
        symbolic=(2,),
    ),
    _case(
        "attention_causal_mask",
        ScaledDotProductAttention(causal=True),
        _Q,
        _K,
        _V,
        Input((5, 7), "mask"),
        symbolic=(2,),
    ),
]

_LOGITS, _LABELS = (3, 5, 7), Input((3, 7), "index", 5)
_PAIR = ((3, 5), (3, 5))
_WEIGHT = Input((5,), "positive")


def _element_losses() -> list[OpCase]:
    p, q = Input((3, 5), "probability"), Input((3, 5), "probability")
    pairs: dict[str, tuple[Op, Any, Any]] = {
        "mse": (loss.Mse(), *_PAIR),
        "mae": (loss.Mae(), *_PAIR),
        "huber": (loss.Huber(delta=0.7), *_PAIR),
        "smooth_l1": (loss.SmoothL1(beta=0.7), *_PAIR),
        "binary_cross_entropy": (loss.BinaryCrossEntropy(), p, q),
        "binary_cross_entropy_with_logits": (loss.BinaryCrossEntropyWithLogits(), (3, 5), q),
        "binary_cross_entropy_of_zeros": (
            loss.BinaryCrossEntropyWithLogits("sum"),
            Input((3, 5), "zero"),
            q,
        ),
        "kl_div": (loss.KlDiv("sum"), (3, 5), q),
        "focal": (loss.Focal(), (3, 5), q),
        "focal_without_alpha": (loss.Focal("none", alpha=None, gamma=1.5), (3, 5), q),
        "focal_without_focus": (loss.Focal("sum", gamma=0.0), (3, 5), q),
        "hinge": (loss.Hinge(), (3, 5), Input((3, 5), "sign")),
        "cosine_similarity": (loss.CosineSimilarity(), *_PAIR),
    }
    return [_case(name, *each, None, symbolic=(3, 5)) for name, each in pairs.items()]


LOSSES = [
    _case("cross_entropy", loss.CrossEntropy(), _LOGITS, _LABELS, None, symbolic=(3, 5, 7)),
    _case(
        "cross_entropy_everything",
        loss.CrossEntropy(label_smoothing=0.1, ignore_index=2),
        _LOGITS,
        _LABELS,
        _WEIGHT,
        symbolic=(3, 7),
    ),
    _case(
        "cross_entropy_none",
        loss.CrossEntropy(label_smoothing=0.1, ignore_index=2, reduction="none"),
        _LOGITS,
        _LABELS,
        _WEIGHT,
        symbolic=(3, 7),
    ),
    _case(
        "cross_entropy_last",
        loss.CrossEntropy(axis=-1, reduction="sum"),
        (3, 7, 5),
        _LABELS,
        None,
        symbolic=(3, 7, 5),
    ),
    _case("nll", loss.Nll(ignore_index=4), _LOGITS, _LABELS, _WEIGHT, symbolic=(3, 7)),
    _case(
        "cross_entropy_soft",
        loss.CrossEntropy(),
        *(_LOGITS, Input(_LOGITS, "probability"), None),
        symbolic=(3, 5, 7),
    ),
    _case(
        "cross_entropy_soft_everything",
        loss.CrossEntropy(label_smoothing=0.1),
        *(_LOGITS, Input(_LOGITS, "probability"), _WEIGHT),
        symbolic=(3, 7),
    ),
    _case(
        "cross_entropy_soft_last",
        loss.CrossEntropy(axis=-1, label_smoothing=0.2, reduction="none"),
        *((3, 7, 5), Input((3, 7, 5), "probability"), None),
        symbolic=(3, 7, 5),
    ),
    _case(
        "cross_entropy_soft_sum",
        loss.CrossEntropy(axis=0, reduction="sum"),
        *((5,), Input((5,), "probability"), _WEIGHT),
    ),
    _case("softmax_focal", loss.SoftmaxFocal(), _LOGITS, _LABELS, None, symbolic=(3, 5, 7)),
    _case(
        "softmax_focal_everything",
        loss.SoftmaxFocal(gamma=1.5, ignore_index=2),
        *(_LOGITS, _LABELS, _WEIGHT),
        symbolic=(3, 7),
    ),
    _case(
        "softmax_focal_none",
        loss.SoftmaxFocal(axis=-1, ignore_index=-1, reduction="none"),
        *((3, 7, 5), _LABELS, _WEIGHT),
        symbolic=(3, 7),
    ),
    _case(
        "softmax_focal_sum",
        loss.SoftmaxFocal(gamma=0.0, reduction="sum"),
        *((3, 5), Input((3,), "index", 5), None),
        symbolic=(3, 5),
    ),
    *_element_losses(),
    _case("mse_weighted", loss.Mse(), *_PAIR, Input((3, 1), "positive"), symbolic=(3,)),
    _case("mse_none", loss.Mse("none"), *_PAIR, _WEIGHT, symbolic=(3,)),
    _case("mae_sum", loss.Mae("sum"), *_PAIR, _WEIGHT, symbolic=(3,)),
]

_STEPS, _SPELT, _LONG = (3, 9, 5), Input((3, 4), "length", 4), Input((3,), "length", 4)
CTC = [
    _case("ctc", Ctc(), _STEPS, _SPELT, _LONG, None, symbolic=(3, 9, 4)),
    _case(
        "ctc_lengths",
        Ctc(reduction="none"),
        *((7, 9, 5), Input((7, 4), "length", 4), Input((7,), "index", 3)),
        Input((7,), "length", 9),
        symbolic=(7, 9, 4),
    ),
    _case("ctc_of_blanks", Ctc(), _STEPS, _SPELT, Input((3,), "index", 1), None),
    _case(
        "ctc_last_blank",
        Ctc(blank=4, reduction="sum"),
        *((3, 9, 5), Input((3, 4), "index", 4), _LONG, Input((3,), "length", 9)),
        symbolic=(3, 4),
    ),
    _case("ctc_middle_blank", Ctc(blank=2), _STEPS, Input((3, 4), "index", 2), _LONG, None),
    _case(
        "ctc_one_step", Ctc(), (3, 1, 2), Input((3, 1), "length", 1), Input((3,), "index", 2), None
    ),
    _case(
        "ctc_too_long",
        Ctc(reduction="none"),
        *((3, 4, 5), Input((3, 4), "length", 1), _LONG, None),
    ),
    _case(
        "ctc_with_blanks",
        Ctc(blank=1, zero_infinity=True),
        *((7, 9, 5), Input((7, 4), "index", 5), Input((7,), "length", 4), None),
        symbolic=(7, 9, 4),
    ),
    _case(
        "ctc_too_long_for_nothing",
        Ctc(zero_infinity=True),
        *((7, 3, 5), Input((7, 4), "length", 2), Input((7,), "length", 4), None),
        symbolic=(7, 4),
    ),
]
"""Of several lengths; the last ones have labels that the steps cannot read as."""

NOTHING_COUNTS = [
    _case(
        "cross_entropy_of_nothing",
        loss.CrossEntropy(ignore_index=0, label_smoothing=0.1),
        *((3, 5, 7), Input((3, 7), "index", 1), None),
        symbolic=(3, 7),
    ),
    _case(
        "cross_entropy_without_weight",
        loss.CrossEntropy(axis=-1),
        *((3, 7, 5), Input((3, 7), "index", 5), Input((5,), "zero")),
        symbolic=(3, 7),
    ),
    _case(
        "cross_entropy_soft_without_weight",
        loss.CrossEntropy(),
        *((3, 5, 7), Input((3, 5, 7), "probability"), Input((5,), "zero")),
        symbolic=(3, 7),
    ),
    _case(
        "softmax_focal_of_nothing",
        loss.SoftmaxFocal(ignore_index=0),
        *((3, 5), Input((3,), "index", 1), None),
    ),
    _case("nll_of_nothing", loss.Nll(ignore_index=0), (3, 5), Input((3,), "index", 1), None),
    _case("mse_without_weight", loss.Mse(), (3, 5), (3, 5), Input((3, 1), "zero"), symbolic=(3,)),
]
"""Losses of a batch in which nothing counts, where frameworks give NaN."""

CASES = [
    *CONVOLUTIONS,
    *CONVOLVING,
    *POOLINGS,
    *LINEAR,
    *NORMS,
    *ACTIVATIONS,
    *RECURRENT,
    *ATTENTION,
    *LOSSES,
    *CTC,
    *NOTHING_COUNTS,
]
