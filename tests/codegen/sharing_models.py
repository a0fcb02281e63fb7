"""Models whose blocks get layers as arguments: the name of each says in which way."""

from __future__ import annotations

SHARED: dict[str, str] = {
    "one_layer_in_two_blocks": """
block Head(embed) {
    input x: f32[N, T, D]
    output x @ transpose(embed.weight)
}
block Mix(layer) {
    input x: f32[N, T, D]
    output layer_norm(x + relu(layer(x)))
}
model M(vocab = 11, dim = 6) {
    input tokens: i64[N, T]
    embed = embedding(vocab, dim)
    shared = dense(dim)
    x = embed(tokens)
    x = x |> Mix(shared) |> Mix(shared)
    output logits = x |> Head(embed)
}
""",
    "applied_twice_inside": """
block Twice(layer) {
    input x: f32[N, C]
    output layer(tanh(layer(x)))
}
model M {
    input x: f32[N, 5]
    output y = x |> Twice(dense(5)) |> Twice(dense(5, bias = false))
}
""",
    "through_two_blocks": """
block Inner(layer, scale) {
    input x: f32[N, C]
    output x + (x |> layer |> tanh) * scale
}
block Outer(layer, scale) {
    input x: f32[N, C]
    output x |> Inner(layer, scale) |> dense(C) |> Inner(layer, 2 * scale)
}
model M {
    input x: f32[N, 5]
    layer = dense(5)
    output y = x |> Outer(layer, 0.5) |> Outer(layer, 1.5) |> Inner(layer, 1.0)
}
""",
    "made_in_a_block_and_passed_on": """
block Inner(layer) {
    input x: f32[N, C]
    output x |> layer |> dense(C)
}
block Outer {
    input x: f32[N, C]
    shared = dense(C)
    output x |> Inner(shared) |> Inner(shared)
}
model M {
    input x: f32[N, 5]
    output y = x |> Outer |> Outer
}
""",
    "called_like_a_layer_of_the_block": """
block Uses(dense_1) {
    input x: f32[N, C]
    output x |> dense(C) |> dense_1 |> dense(C, name = "other")
}
model M {
    input x: f32[N, 4]
    dense_1 = dense(4)
    other = dense(4)
    output y = x |> Uses(dense_1) |> Uses(other)
}
""",
    "a_list": """
block Each(layers) {
    input x: f32[N, C]
    for layer in layers { x = x |> layer |> relu }
    output x
}
model M {
    input x: f32[N, 5]
    stack = []
    for width in [4, 6, 5] {
        l = dense(width)
        stack = stack + [l]
    }
    first = dense(5)
    output y = x |> Each(stack) |> Each([first, first]) |> Each([first])
}
""",
    "parts_of_a_list": """
block Ends(layers) {
    input x: f32[N, C]
    output (x |> layers[0]) - (x |> layers[1] |> layers[-1])
}
block All(layers) {
    input x: f32[N, C]
    for i in range(len(layers)) { x = x + (x |> layers[i]) * i }
    output x |> Ends(layers)
}
model M {
    input x: f32[N, 5]
    stack = []
    for i in range(3) { stack = stack + [dense(5)] }
    output y = x |> All(stack) |> Ends(stack[0:2]) |> Ends([stack[2], stack[0], stack[1]])
}
""",
    "a_list_of_pairs": """
block Weighed(pairs) {
    input x: f32[N, C]
    total = 0 * x
    for layer, weight in pairs { total = total + layer(x) * weight }
    output total
}
model M {
    input x: f32[N, 5]
    a = dense(5)
    b = dense(5)
    output y = x |> Weighed([(a, 0.5), (b, 2.0)]) |> Weighed([(b, 0.25), (a, 3.0)])
}
""",
    "in_a_loop": """
block Mix(layer, scale) {
    input x: f32[N, C]
    output x + (x |> layer |> tanh |> dense(C)) * scale
}
model M {
    input x: f32[N, 5]
    shared = dense(5)
    for i in range(3) { x = x |> Mix(shared, 0.5) }
    for i in range(2) {
        own = dense(5)
        x = own(x) |> Mix(own, 1.0) |> Mix(shared, 2.0)
    }
    for width in [4, 5] {
        wide = dense(width)
        x = x |> Apply(wide)
    }
    output y = x
}
block Apply(layer) {
    input x: f32[N, C]
    output x |> layer |> relu
}
""",
    "a_loop_over_layers_in_a_block": """
block Stage(layers, depth) {
    input x: f32[N, C]
    for layer in layers {
        for i in range(depth) { x = x |> Mix(layer) }
    }
    output x
}
block Mix(layer) {
    input x: f32[N, C]
    output x + (x |> layer |> tanh |> dense(C))
}
model M {
    input x: f32[N, 5]
    a = dense(5)
    b = dense(5)
    output y = x |> Stage([a, b], 2) |> Stage([b, a, b], 1)
}
""",
    "a_block": """
block Feed(width) {
    input x: f32[N, C]
    output x |> dense(width) |> relu |> dense(C)
}
block Twice(inner) {
    input x: f32[N, C]
    output inner(x) + inner(2 * x)
}
model M {
    input x: f32[N, 5]
    feed = Feed(7)
    output y = x |> Twice(feed) |> Twice(Feed(3)) |> feed
}
""",
    "a_block_with_a_layer_of_its_own": """
block Mix(layer) {
    input x: f32[N, C]
    output x + (x |> layer |> dense(C))
}
block Wrap(inner) {
    input x: f32[N, C]
    output tanh(inner(x))
}
model M {
    input x: f32[N, 5]
    shared = dense(5)
    mixed = Mix(shared)
    wrapped = Wrap(mixed)
    output y = x |> Wrap(mixed) |> Wrap(wrapped) |> shared |> mixed
}
""",
    "a_list_of_blocks": """
block Feed(width) {
    input x: f32[N, C]
    output x |> dense(width) |> relu |> dense(C)
}
block Mix(layer) {
    input x: f32[N, C]
    output x + (x |> layer |> dense(C))
}
block Each(blocks) {
    input x: f32[N, C]
    for one in blocks { x = x + one(x) }
    output x
}
model M {
    input x: f32[N, 5]
    shared = dense(5)
    feeds = []
    for i in range(3) { feeds = feeds + [Feed(4)] }
    mixed = []
    for i in range(2) { mixed = mixed + [Mix(shared)] }
    output y = x |> Each(feeds) |> Each(mixed) |> Each([feeds[0], Mix(shared)])
}
""",
    "one_instance_many_sizes": """
block Apply(layer) {
    input x: f32[N, T, D]
    output x |> layer |> relu |> reshape([N, T * 3])
}
model M {
    input a: f32[N, 5, 4]
    input b: f32[N, 7, 4]
    layer = dense(3)
    apply = Apply(layer)
    output y = apply(a), z = apply(b)
}
""",
    "one_instance_called_from_two_blocks": """
block Inner {
    input x: f32[N, T, D]
    output x |> dense(3) |> relu |> reshape([N, T * 3])
}
block Left(inner) {
    input x: f32[N, T, D]
    output inner(x)
}
block Right(inner) {
    input x: f32[N, T, D]
    output inner(concat([x, x], axis = 1))
}
model M {
    input x: f32[N, 5, 4]
    inner = Inner()
    output y = x |> Left(inner), z = x |> Right(inner)
}
""",
    "in_a_branch": """
block Maybe(layer, flag) {
    input x: f32[N, C]
    if flag { x = x |> layer |> relu } else { x = x |> dense(C) }
    output x + (x |> layer)
}
model M {
    input x: f32[N, 5]
    layer = dense(5)
    output y = x |> Maybe(layer, true) |> Maybe(layer, false)
}
""",
    "a_layer_or_none": """
block Skip(shared = none) {
    input x: f32[N, C]
    h = if shared == none { x |> dense(C) } else { x |> shared }
    output x + h
}
model M {
    input x: f32[N, 5]
    layer = dense(5)
    output y = x |> Skip(layer) |> Skip |> Skip(layer)
}
""",
    "never_used": """
block Ignores(layer, other) {
    input x: f32[N, C]
    output x |> other |> relu
}
model M {
    input x: f32[N, 5]
    a = dense(5)
    b = dense(5)
    output y = x |> a |> Ignores(a, b) |> Ignores(b, a)
}
""",
    "kinds_and_functions": """
block Layer(kind, norm, activation, units, head) {
    input x: f32[N, C]
    output x |> kind(units) |> norm |> activation |> head
}
model M {
    input x: f32[N, 5]
    head = dense(4)
    h = x |> Layer(dense, layer_norm, relu, 6, head)
    h = h |> Layer(dense, batch_norm, tanh, 6, head)
    output y = h
}
""",
    "images": """
block Use(conv, norm) {
    input x: f32[N, C, H, W]
    output x |> conv |> norm |> relu
}
block Both(stem, norm, slope) {
    input x: f32[N, C, H, W]
    h = x |> Use(stem, norm)
    output h |> slope |> max_pool2d(2) |> conv2d(C, 1)
}
model M {
    input image: f32[N, 4, 8, 8]
    stem = conv2d(4, 3, padding = 1)
    norm = batch_norm()
    slope = prelu(init = constant(0.3))
    h = image |> Both(stem, norm, slope)
    h = h |> Use(stem, norm) |> Use(conv2d(6, 3, stride = 2, padding = 1), group_norm(2))
    output y = h |> global_avg_pool2d |> flatten
}
""",
    "recurrent_and_dropout": """
block Read(encoder, drop, norm) {
    input x: f32[N, T, C]
    h, last = encoder(x)
    output norm(drop(h)) * mean(last)
}
block Stack(encoder) {
    input x: f32[N, T, C]
    output encoder(x)
}
model M {
    input x: f32[N, T, 4]
    encoder = gru(3, return_state = true)
    drop = dropout(0.5)
    norm = rms_norm()
    deep = lstm(4, layers = 2, bidirectional = true)
    output y = x |> Read(encoder, drop, norm), z = x |> Stack(deep)
}
""",
    "names_that_collide": """
block Uses(x_1, weight, partial, layers) {
    input x: f32[N, C]
    param gain: f32[C] = ones
    weight_of = weight.weight
    h = x |> x_1 |> partial
    x_1 = h |> layers[0] |> weight
    output (x_1 @ weight_of) * gain
}
model M {
    input x: f32[N, 4]
    a = dense(4)
    b = dense(4)
    h = x |> a |> b
    output y = h |> Uses(a, b, a, [b, a]) |> Uses(b, a, b, [a])
}
""",
    "nested_lists": """
block Grid(rows) {
    input x: f32[N, C]
    for row in rows {
        for cell in row { x = x + (x |> cell |> tanh) }
    }
    output x
}
model M {
    input x: f32[N, 4]
    rows = []
    for i in range(2) {
        row = []
        for j in range(3) { row = row + [dense(4)] }
        rows = rows + [row]
    }
    output y = x |> Grid(rows) |> Grid([rows[1], rows[0]])
}
""",
    "a_model_and_its_layer": """
block Use(layer) {
    input x: f32[N, C]
    output layer(x) + 1
}
model Encoder(tail = none) {
    input x: f32[N, 4]
    h = x |> dense(4) |> relu
    if tail != none { h = h |> Use(tail) }
    output h
}
model M {
    input x: f32[N, 4]
    tail = dense(4)
    encoder = Encoder(tail)
    output y = x |> Use(encoder) |> Use(tail)
}
""",
}

IN_LOOPS: dict[str, str] = {
    "parameters_of_nested_blocks": """
block Scale(start) {
    input x: f32[N, D]
    param gamma: f32[D] = constant(start)
    buffer offset: f32[D] = ones
    output x * gamma + offset
}
block Pair(start) {
    input x: f32[N, D]
    output x |> Scale(start) |> Scale(2 * start)
}
model M {
    input x: f32[N, 5]
    param gamma: f32[5] = constant(0.5)
    output y = gamma * (x |> Pair(1.5) |> Pair(0.5))
}
""",
    "a_parameter_in_a_loop": """
model M {
    input x: f32[N, 5]
    for i in range(3) {
        param w: f32[5] = normal(std = 0.5)
        x = tanh(x * w) + w
    }
    output y = x
}
""",
    "parameters_and_buffers_of_several_sizes": """
model M {
    input x: f32[N, 4]
    for width in [3, 5, 4] {
        param kernel: f32[x.shape[1], width] = normal(std = 0.5)
        buffer shift: f32[width] = ones
        x = tanh(x @ kernel) + shift
    }
    output y = x
}
""",
    "parameters_in_nested_loops": """
model M {
    input x: f32[N, 5]
    for scale in [0.5, 2.0] {
        param outer: f32[5] = ones
        for j in range(3) {
            param inner: f32[5] = normal(std = 0.5)
            x = x + tanh(x * inner) * scale
        }
        x = (x * outer) |> dense(5)
    }
    for depth in [1, 0, 2] {
        for j in range(depth) {
            param ragged: f32[5] = ones
            x = x * ragged
        }
    }
    output y = x
}
""",
    "parameters_in_loops_of_several_instances": """
block Stack(depth, start) {
    input x: f32[N, D]
    for i in range(depth) {
        param gamma: f32[D] = constant(start)
        x = tanh(x * gamma)
    }
    output x
}
model M {
    input x: f32[N, 5]
    output y = x |> Stack(2, 0.5) |> Stack(3, 1.5) |> dense(4) |> Stack(2, 1.0)
}
""",
    "parameters_in_branches_of_loops": """
model M {
    input x: f32[N, 5]
    for i in range(4) {
        if i % 2 == 0 {
            param even: f32[5] = ones
            x = x * even
        } else {
            buffer odd: f32[5] = ones
            x = x + odd
        }
    }
    output y = x
}
""",
    "parameters_in_branches_of_instances": """
block Part(flag, depth) {
    input x: f32[N, D]
    for i in range(depth) {
        if flag {
            param gain: f32[D] = ones
            x = x * gain
        } else { x = x |> dense(D) }
    }
    output x
}
model M {
    input x: f32[N, 5]
    output y = x |> Part(true, 2) |> Part(false, 2) |> Part(true, 3)
}
""",
    "parameters_kept_in_a_list": """
model M {
    input x: f32[N, 5]
    scales = []
    weights = []
    for i in range(3) {
        param scale: f32[5] = normal(std = 0.5)
        scales = scales + [scale]
        layer = dense(5)
        x = x |> layer
        weights = weights + [layer.weight]
    }
    for scale in scales { x = x * scale }
    output y = (x @ weights[0]) * scales[1] + scale
}
""",
    "a_parameter_used_twice_and_after_its_loop": """
model M {
    input x: f32[N, 5]
    for i in range(2) {
        param w: f32[5, 5] = normal(std = 0.5)
        x = x @ w + x @ transpose(w)
    }
    output y = x @ w
}
""",
    "integers_in_a_loop": """
model M {
    input x: i64[N, 3]
    for i in range(2) {
        buffer step: i64[3] = 2
        x = x + step
    }
    output y = x
}
""",
}

_SIZES = "applied to inputs of types so different"
REFUSED: dict[tuple[str, str], tuple[str, int]] = {
    ("mxnet", "one_instance_many_sizes"): (f"mxnet: an instance of `Apply` is {_SIZES}", 2),
    ("mxnet", "one_instance_called_from_two_blocks"): (
        f"mxnet: an instance of `Inner` is {_SIZES}",
        2,
    ),
}
"""What a target has no way to write: part of the message, and its line."""
