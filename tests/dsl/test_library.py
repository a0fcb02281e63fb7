"""The standard library: its blocks build the published networks, to the parameter."""

from __future__ import annotations

import math

import pytest

import tercet.compiler.ops  # noqa: F401  (registers the operations)
from tercet.compiler.elaborate import elaborate
from tercet.dsl.formatter import format_source
from tercet.dsl.library import std_modules, std_source
from tercet.dsl.parser import parse
from tercet.dsl.source import Source

RESNET = """\
from std.vision import BLOCK
model ResNet(classes = 1000) {
    input image: f32[N, 3, 224, 224]
    x = image |> conv2d(64, 7, stride = 2, padding = 3, bias = false) |> batch_norm |> relu
              |> max_pool2d(3, stride = 2, padding = 1)
    for stage, depth in enumerate(DEPTHS) {
        for i in range(depth) {
            x = x |> BLOCK(64 * 2 ** stage, stride = if i == 0 and stage > 0 { 2 } else { 1 })
        }
    }
    output logits = x |> global_avg_pool2d |> flatten |> dense(classes)
}
"""


def _resnet(block: str, *depths: int) -> str:
    return RESNET.replace("BLOCK", block).replace("DEPTHS", str(list(depths)))


MOBILENET_V2 = """\
from std.vision import InvertedResidual
model MobileNetV2(classes = 1000) {
    input image: f32[N, 3, 224, 224]
    early = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2)]
    late = [(6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    x = image |> conv2d(32, 3, stride = 2, padding = 1, bias = false) |> batch_norm |> relu6
    for expansion, channels, depth, stride in early + late {
        for i in range(depth) {
            step = if i == 0 { stride } else { 1 }
            x = x |> InvertedResidual(channels, stride = step, expansion = expansion)
        }
    }
    x = x |> conv2d(1280, 1, bias = false) |> batch_norm |> relu6
    output logits = x |> global_avg_pool2d |> flatten |> dense(classes)
}
"""

EFFICIENTNET_B0 = """\
from std.vision import InvertedResidual
model EfficientNetB0(classes = 1000) {
    input image: f32[N, 3, 224, 224]
    early = [(1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3)]
    late = [(6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3)]
    x = image |> conv2d(32, 3, stride = 2, padding = 1, bias = false) |> batch_norm |> silu
    for expansion, channels, depth, stride, kernel in early + late {
        for i in range(depth) {
            step = if i == 0 { stride } else { 1 }
            x = x |> InvertedResidual(
                channels, step, expansion, kernel = kernel, activation = silu, squeeze = 4
            )
        }
    }
    x = x |> conv2d(1280, 1, bias = false) |> batch_norm |> silu
    output logits = x |> global_avg_pool2d |> flatten |> dense(classes)
}
"""

DENSENET_121 = """\
from std.vision import DenseLayer
model DenseNet(classes = 1000) {
    input image: f32[N, 3, 224, 224]
    x = image |> conv2d(64, 7, stride = 2, padding = 3, bias = false) |> batch_norm |> relu
              |> max_pool2d(3, stride = 2, padding = 1)
    width = 64
    for i, depth in enumerate([6, 12, 24, 16]) {
        for _ in range(depth) {
            x = x |> DenseLayer(32)
        }
        width = width + 32 * depth
        if i < 3 {
            width = width // 2
            x = x |> batch_norm |> relu |> conv2d(width, 1, bias = false) |> avg_pool2d(2)
        }
    }
    output logits = x |> batch_norm |> relu |> global_avg_pool2d |> flatten |> dense(classes)
}
"""

UNET = """\
from std.vision import DoubleConv, UpBlock
model UNet(classes = 2) {
    input image: f32[N, 3, 64, 64]
    a = image |> DoubleConv(64)
    b = a |> max_pool2d(2) |> DoubleConv(128)
    c = b |> max_pool2d(2) |> DoubleConv(256)
    d = c |> max_pool2d(2) |> DoubleConv(512)
    x = d |> max_pool2d(2) |> DoubleConv(1024)
    x = UpBlock(512)(x, d)
    x = UpBlock(256)(x, c)
    x = UpBlock(128)(x, b)
    x = UpBlock(64)(x, a)
    output logits = x |> conv2d(classes, 1)
}
"""

VIT_B_16 = """\
from std.vision import PatchEmbedding
from std.transformer import EncoderLayer
model ViT(classes = 1000, dim = 768) {
    input image: f32[N, 3, 224, 224]
    param token: f32[1, 1, dim] = zeros
    param position: f32[1, 197, dim] = normal(std = 0.02)
    x = concat([expand(token, [N, 1, dim]), image |> PatchEmbedding(dim)], axis = 1) + position
    for _ in range(12) {
        x = x |> EncoderLayer(12)
    }
    output logits = (x |> layer_norm)[:, 0] |> dense(classes)
}
"""

TRANSFORMER = """\
from std.transformer import CrossAttention, DecoderLayer, EncoderLayer, FeedForward
from std.transformer import MaskedAttention, MultiHeadAttention
model Translator(dim = 32) {
    input source: i64[N, S]
    input visible: bool[N, S]
    input tokens: i64[N, T]
    memory = MaskedAttention(4)(source |> embedding(100, dim), visible)
    memory = memory |> EncoderLayer(4, pre_norm = false) |> EncoderLayer(2, hidden = 48, rate = 0.0)
    x = tokens |> embedding(100, dim) |> MultiHeadAttention(4, causal = true) |> FeedForward
    x = CrossAttention(4)(x, memory)
    x = DecoderLayer(4)(x, memory)
    x = DecoderLayer(4, pre_norm = false, activation = relu)(x, memory)
    output logits = x |> dense(100)
}
"""


@pytest.mark.parametrize(
    "text, count",
    [
        pytest.param(_resnet("BasicBlock", 2, 2, 2, 2), 11_689_512, id="ResNet-18"),
        pytest.param(_resnet("Bottleneck", 3, 4, 6, 3), 25_557_032, id="ResNet-50"),
        pytest.param(MOBILENET_V2, 3_504_872, id="MobileNetV2"),
        pytest.param(EFFICIENTNET_B0, 5_288_548, id="EfficientNet-B0"),
        pytest.param(DENSENET_121, 7_978_856, id="DenseNet-121"),
        pytest.param(UNET, 31_037_698, id="U-Net"),
        pytest.param(VIT_B_16, 86_567_656, id="ViT-B/16"),
        pytest.param(TRANSFORMER, 84_916, id="transformer"),
    ],
)
def test_networks(text: str, count: int) -> None:
    program, diagnostics = elaborate(Source("test", text))
    assert program is not None, [str(d) for d in diagnostics]
    assert not diagnostics
    (graph,) = program.models.values()
    found = sum(
        math.prod(int(str(size)) for size in parameter.type.shape)
        for _, parameter in graph.parameters()
        if parameter.trainable
    )
    assert found == count


@pytest.mark.parametrize("module", std_modules())
def test_modules_are_read_and_formatted(module: str) -> None:
    source = std_source(module)
    assert source is not None
    assert not parse(source).diagnostics
    assert format_source(source) == source.text
    assert all(getattr(d, "documentation", "") for d in parse(source).module.declarations)


def test_absent_modules() -> None:
    for name in ("vision", "std.absent", "std.", "std.../vision", "std"):
        assert std_source(name) is None
