"""Small models in which everything stands that exact scripts do otherwise than ordinary ones."""

from __future__ import annotations

_TRAIN = """
train M {{
    target t: f32[N, 4]
    data = iris(split = 0.9) {{ x = features - 3, t = features }}
    loss = mse(y, t)
    optimizer = {optimizer}
    {more}
    batch = 6
    epochs = 1
}}
"""

LAYERS = """
block Part(rate) {
    input x: f32[N, D]
    h = x |> dense(D) |> batch_norm(momentum = 0.7, eps = 1e-3) |> leaky_relu(alpha = 0.3)
    output h |> dropout(rate)
}
model M {
    input x: f32[N, 4]
    param scale: f32[4] = uniform(low = 0.3, high = 0.9)
    h = (x * scale) |> dense(8) |> layer_norm(eps = 1e-3)
    for i in range(3) { h = h |> Part(0.1 * (i + 1)) }
    image = h |> reshape([N, 2, 2, 2]) |> conv2d(4, 2, padding = "same", bias = false)
    image = image |> batch_norm |> silu |> dropout(0.25) |> instance_norm(eps = 1e-3)
    line = image |> reshape([N, 4, 4]) |> batch_norm |> prelu |> dropout(0.3)
    states = line |> lstm(3, layers = 2) |> gelu |> relu6
    a = states |> flatten |> dense(4) |> elu(alpha = 0.7) |> celu(alpha = 0.3)
    b = image |> flatten |> dense(4) |> gelu(approximate = "tanh") |> softplus |> erf
    output y = a + (b |> selu |> hard_tanh(low = -0.7, high = 0.9)) + clip(a, -0.3, 0.6)
}
"""

SHARED = """
block Twice(drop) {
    input x: f32[N, D]
    output drop(x) * tanh(drop(2 * x + 1))
}
model M {
    input x: f32[N, 4]
    drop = dropout(0.4)
    norm = batch_norm()
    twice = Twice(drop)
    h = x |> dense(4)
    a = tanh(twice(h) - twice(3 * norm(h)))
    b = drop(a * 2 + a * norm(h * 2 + 1)) - 3 * tanh(tanh(tanh(drop(h)))) * norm(a)
    output y = b |> dense(4)
}
"""

DRAWN = """
model Net {
    input x: f32[N, 4]
    output y = x |> dense(6) |> dropout(0.2) |> dense(4)
}
train Drawn(net = Net()) {
    input x: f32[N, 4]
    target t: f32[N, 4]
    data = iris(split = 0.9) { x = features, t = features }
    noisy = x + random_normal([N, 4], std = 0.1) * random_uniform([N, 1], low = 0.5)
    for _ in range(2) { noisy = noisy + random_normal([N, 4], std = 0.1) }
    kept = random_bernoulli([N, 4], p = 0.7)
    y = net(noisy * kept)
    kind = cast(t[:, 3], i64)
    classes = cross_entropy(y, softmax(t, axis = 1), label_smoothing = 0.1) + softmax_focal(y, kind)
    loss = mse(y, t) + mse(net(x) * random_normal([4], mean = 1.0), t) + focal(y, t / 8) + classes
    metrics = { mae = mae(y, t), auc = auc(y[:, 0], kind > 0), kappa = cohen_kappa(y, kind) }
    optimizer = sgd(lr = 0.001, momentum = 0.9, nesterov = true)
    batch = 6
    epochs = 1
}
"""

TABLES = """
block Attention(heads) {
    input x: f32[N, T, D]
    q, k, v = x |> dense(3 * D) |> split(3, axis = -1)
    output scaled_dot_product_attention(q, k, v, causal = true) |> dense(D) |> dropout(0.1)
}
model M {
    input x: f32[N, 4]
    ids = cast(abs(x), i64)
    h = ids |> embedding(8, 6) |> dropout(0.2)
    for _ in range(2) { h = h + (h |> rms_norm |> Attention(2)) }
    gates = h |> gru(5, bidirectional = true, layers = 2) |> group_norm(2)
    output y = gates |> mean(axis = 1) |> dense(4) |> softplus
}
"""

STACKS = """
model M {
    input x: f32[N, 4]
    line = x |> batch_norm(affine = false, momentum = 0.8) |> unsqueeze(2)
    lengths = cast(x[:, 0] >= 0, i64) + 3
    a = line |> lstm(3, layers = 3, bidirectional = true, dropout = 0.3) |> relu
    b, state = gru(4, layers = 2, dropout = 0.2, return_state = true)(a, lengths = lengths)
    c = b |> batch_norm(affine = false) |> rnn(3, layers = 2, dropout = 0.4, bias = false)
    d, h, cell = lstm(2, layers = 2, dropout = 0.5, return_state = true)(c, lengths = lengths)
    output y = (d |> flatten |> dense(4)) + (state[0] + state[1]) * mean(h + cell)
}
"""

_ADAM = "adam(lr = 0.01, beta1 = 0.8, eps = 1e-3, weight_decay = 0.1)"
_DECAY = 'no_decay = ["*.bias"]\n    schedule = cosine(warmup = 5)\n    clip = global_norm(1.0)'
MODELS = {
    "layers": LAYERS + _TRAIN.format(optimizer=_ADAM, more=_DECAY),
    "shared": SHARED + _TRAIN.format(optimizer="rmsprop(lr = 0.01)", more="clip = value(0.1)"),
    "drawn": DRAWN,
    "stacks": STACKS + _TRAIN.format(optimizer="adam(lr = 0.01, eps = 1e-3)", more=""),
    "tables": TABLES + _TRAIN.format(optimizer="adamw(lr = 0.01, weight_decay = 0.1)", more=""),
}
