"""Small models of every family, for scripts that are run: the source, and sizes of its symbols."""

from __future__ import annotations

from dataclasses import dataclass

from tercet.compiler.ops.base import Layout
from tests.ops.cases import CASES
from tests.ops.frame import Input, written

Sizes = dict[str, int]


@dataclass(frozen=True)
class Model:
    name: str
    text: str
    sizes: tuple[Sizes, Sizes] = ({"N": 2}, {"N": 3})
    high: int = 5
    """Integer inputs are below this."""


_TEXTS = """
model Mlp(width = 8) {
    input x: f32[N, 5]
    logits = x |> dense(width) |> tanh |> dense(3, bias = false)
    output logits
}
---
block Odd(channels, stride = 1) {
    input x: f32[N, C, H, W]
    h = x |> conv2d(channels, 3, stride = stride, padding = [(2, 0), (1, 1)]) |> prelu
    h = h |> max_pool2d(3, stride = 2, padding = 1)
    output h |> avg_pool2d(2, stride = 1, padding = [(0, 1), (1, 0)])
}
model OddPaddings() {
    input image: f32[N, 2, 17, 19]
    h = image |> Odd(4) |> Odd(6, stride = 2)
    output code = h |> flatten |> dense(3)
}
---
block Even(s) {
    input x: f32[N, C, H, W]
    output x |> conv2d(4, 4, stride = s, padding = [(1, 2), (1, 2)])
}
block Wide(s) {
    input x: f32[N, C, H, W]
    output x |> conv2d(4, [5, 3], stride = [1, s], padding = [2, 1])
}
model Symmetric(s = 2) {
    input image: f32[N, 3, 19, 20]
    even = image |> Even(1) |> Even(2) |> Even(3)
    h = image |> Wide(1) |> Wide(2) |> Wide(s) |> conv2d(4, 3, stride = 2, padding = 1)
    h = h |> conv2d(3, 3, padding = "same", dilation = 2) |> conv2d(4, 3, padding = 2)
    output even, wide = h
}
---
block Squeeze(reduced) {
    input x: f32[N, C, H, W]
    s = x |> global_avg_pool2d |> flatten |> dense(reduced) |> relu |> dense(C) |> sigmoid
    output x * reshape(s, [N, C, 1, 1])
}
block Swish() {
    input x: f32[N, C, H, W]
    output x * sigmoid(x)
}
model SqueezeExcite() {
    input image: f32[N, 3, H, W]
    param scale: f32[8, 1, 1] = normal(std = 0.5)
    param plane: f32[1] = normal(std = 0.5)
    h = image |> conv2d(8, 3, padding = 1, bias = false) |> batch_norm |> Swish
    h = (h * scale + plane) |> Squeeze(2)
    h = concat([h, h |> conv2d(4, 1)], axis = 1) |> softmax(axis = 1)
    output pooled = mean(h, axis = [2, 3]), flat = max(h, axis = 1)
}
---
model Groups() {
    input image: f32[N, 4, 9, 9]
    h = image |> conv2d(8, 3, padding = 1, groups = 4) |> group_norm(2) |> relu
    h = h |> conv2d(6, 3, groups = 2, stride = 2) |> instance_norm
    h = h |> conv2d(6, 3, padding = "same", dilation = 2) |> hard_swish |> gelu
    output y = h |> permute([0, 2, 3, 1]) |> layer_norm
}
---
model Upwards() {
    input code: f32[N, 6]
    h = code |> dense(4 * 3 * 3) |> reshape([N, 4, 3, 3])
    h = h |> conv_transpose2d(5, 3, stride = 2, padding = 1, output_padding = 1) |> elu(0.5)
    h = h |> conv_transpose2d(3, 2, stride = 3) |> conv_transpose2d(2, 3, dilation = 2)
    output image = h[:, :, 1:-1, ::2]
}
---
model Sequence1d() {
    input wave: f32[N, 3, L]
    h = wave |> conv1d(6, 5, stride = 2, padding = 2) |> batch_norm |> relu |> max_pool1d(2)
    h = h |> conv1d(6, 3, padding = [(2, 0)]) |> global_avg_pool1d |> flatten
    output y = h |> dense(2)
}
---
block Attention(heads) {
    input x: f32[N, T, D]
    q, k, v = x |> dense(3 * D) |> split(3, axis = -1)
    split_heads = [N, T, heads, D // heads]
    q = q |> reshape(split_heads) |> transpose([0, 2, 1, 3])
    k = k |> reshape(split_heads) |> transpose([0, 2, 1, 3])
    v = v |> reshape(split_heads) |> transpose([0, 2, 1, 3])
    h = scaled_dot_product_attention(q, k, v, causal = true)
        |> transpose([0, 2, 1, 3]) |> reshape([N, T, D])
    output h |> dense(D)
}
model Gpt(vocab = 17, layers = 2, dim = 8, context = 12) {
    input tokens: i64[N, T]
    embed = embedding(vocab, dim)
    param position: f32[context, dim] = normal(std = 0.02)
    x = embed(tokens) + position[0:T]
    for _ in range(layers) {
        x = x + (x |> layer_norm |> Attention(2))
        x = x + (x |> rms_norm |> dense(4 * dim) |> gelu |> dense(dim))
    }
    logits = layer_norm(x) @ transpose(embed.weight)
    output logits
}
---
model Recurrences() {
    input x: f32[N, T, 4]
    input lengths: i64[N]
    a, h = x |> gru(5, layers = 2, bidirectional = true, return_state = true)
    b, h2, c = lstm(3, return_state = true)(a)
    d = lstm(3)(b, h2, c)
    e = d |> rnn(4, activation = "relu")
    f = gru(3, bidirectional = true)(e, lengths = lengths)
    output f, last = h, cell = c
}
---
block Tower(units) {
    input x: f32[N, D]
    output x |> dense(units) |> relu |> dense(units)
}
model Shared() {
    input left: f32[N, 6]
    input class: f32[N, 6]
    tower = Tower(4)
    a = tower(left)
    b = tower(class)
    output distance = sum((a - b) ** 2, axis = 1), lambda = [a, b]
}
---
model Names() {
    input self: f32[N, 3]
    input training: i64[N]
    param kernel: f32[3] = normal(std = 1.0)
    param gamma: f32[3, 3] = normal(std = 1.0)
    buffer table: f32[5, 3] = normal(std = 1.0)
    name = self |> dense(3, name = "weights") |> relu
    losses = dense(3)
    output y = losses(name) * kernel @ gamma + gather(table, training)
}
---
block Stage(channels, depth) {
    input x: f32[N, C, H, W]
    for i in range(depth) {
        x = x + (x |> conv2d(channels, 3, padding = 1, bias = false) |> batch_norm |> relu)
    }
    output x
}
model Deep() {
    input image: f32[N, 4, 8, 8]
    h = image
    skips = []
    for depth in [1, 3, 2] {
        h = h |> Stage(4, depth)
        skips = skips + [h]
    }
    h = concat(skips, axis = 1) |> conv2d(4, 1)
    output y = h |> adaptive_avg_pool2d(2) |> flatten |> dense(2)
}
---
model Wide() {
    input x: f64[N, 3]
    h = x |> dense(4) |> layer_norm |> relu |> dense(5) |> reshape([N, 5, 1])
    output y = h |> max_pool1d(1) |> batch_norm
}
---
model Casts() {
    input x: f32[N, 4]
    input n: i32[N, 4]
    h = where(n > 2, x, cast(n, f32)) |> dense(3)
    output y = h * N, place = argmax(h, axis = 1), odd = n % 2 - n // 3, sign = cast(x > 0, u8)
}
---
model Volumes() {
    input volume: f32[N, 2, 5, 6, 7]
    h = volume |> conv3d(4, 3, padding = 1, groups = 2) |> relu |> max_pool3d(2)
    h = h |> conv_transpose3d(3, 2, stride = 2) |> avg_pool3d(2, stride = 1)
    output y = h
}
"""

_SIZES: dict[str, tuple[Sizes, Sizes]] = {
    "SqueezeExcite": ({"N": 2, "H": 6, "W": 5}, {"N": 3, "H": 7, "W": 9}),
    "Sequence1d": ({"N": 2, "L": 16}, {"N": 3, "L": 21}),
    "Gpt": ({"N": 2, "T": 7}, {"N": 3, "T": 12}),
    "Recurrences": ({"N": 2, "T": 5}, {"N": 3, "T": 8}),
}


def _model(text: str) -> Model:
    name = text.rpartition("model ")[2].partition("(")[0]
    return Model(name, text, _SIZES.get(name, ({"N": 2}, {"N": 3})))


def _between_convolutions() -> Model:
    """What may be computed channels-last, on what a convolution gives; floats go into another."""
    lines = [
        "model Between() {",
        "    input wave: f32[2, 2, 6]",
        "    h = wave |> conv1d(3, 2)",
    ]
    outputs = []
    for case in CASES:
        if case.op.layout is not Layout.REMAPPING or case.inputs != (Input((2, 3, 5)),):
            continue
        results = case.op.infer_types(case.types())
        names = [f"{case.name}_{k}" for k in range(len(results))]
        only = "[0]" if case.op.gives_tuple and len(names) == 1 else ""
        lines.append(f"    {', '.join(names)} = {written(case.op, 'h')}{only}")
        for name, result in zip(names, results, strict=True):
            image = result.dtype.is_float and result.rank == 3
            outputs.append(f"{name}_out = {name}{' |> conv1d(4, 1)' if image else ''}")
    return Model("Between", "\n".join([*lines, f"    output {', '.join(outputs)}", "}"]), ({}, {}))


MODELS = [*(_model(text) for text in _TEXTS.split("---\n")), _between_convolutions()]
