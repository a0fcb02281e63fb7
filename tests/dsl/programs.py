"""Programs that use every construct of the language, for the tests of parser and formatter."""

from __future__ import annotations

DIGITS = """\
# A small residual network.

from std.vision import ConvBnRelu, BasicBlock as Residual
from "parts/heads.model" import Head

const classes = 10

# Two lines
# of documentation.
block Bottleneck(channels, stride = 1, expansion = 4) {
    input x: f32[N, C, H, W]
    out = expansion * channels

    h = x |> conv2d(channels, 1, bias = false) |> batch_norm |> relu
          |> conv2d(out, 1, bias = false)      |> batch_norm
    shortcut = if stride == 1 and C == out { x }
               else { x |> conv2d(out, 1, stride = stride, name = "project") |> batch_norm }
    if stride == 1 { y = x } else if stride == 2 { y = -x } else { y = 2 * x }
    assert C % 4 == 0, "the width {C} is no multiple of 4"
    output relu(h + shortcut)
}

model Digits(width = 16) {
    input image: f32[N, 1, 8, 8]
    param scale: f32[width] = normal(std = 0.02)
    buffer count: i64[]
    x = image
    for channels, (depth, stride) in [(64, (3, 1)), (128, (4, 2))] {
        for i in range(depth) {
            x = x |> Bottleneck(channels, stride = if i == 0 { stride } else { 1 })
        }
    }
    a, b = x[:, 0], x[..., ::2, 1:-1]
    pair = Decoder(heads = 8)(a, b)
    logits = (a + b) |> flatten |> dense(classes) # a comment
    output logits, second = not a < b
}

train Digits {
    target label: i64[N]
    data      = digits(split = 0.8) { image = pixels / 16, label = digit }
    loss      = cross_entropy(logits, label)
    metrics   = { accuracy = accuracy(logits, label), top3 = top_k_accuracy(logits, label, k = 3) }
    lr_scale  = [("dense.*", 1.0), ("*", 0.1)]
    batch     = 32
}

train Gan(g = Generator(), d = Discriminator()) {
    input real: f32[N, 784]
    data = synthetic { real = uniform(0, 1) }
    update d, g {
        every = 2
        loss = mean(softplus(-d(real))) ** 2
    }
}
"""

CLASS_NAMES = """\
model class(lambda = 1, torch = none, self = true) {
    input def: f32[N, None]
    list = def |> import_(is = 3)
    output return_ = list @ yield
}
"""

ALL = {"digits": DIGITS, "class_names": CLASS_NAMES}
