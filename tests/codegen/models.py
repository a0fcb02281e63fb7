"""Models that are hard to print as classes: one text each, with the difficulty in its name."""

from __future__ import annotations

MODELS: dict[str, str] = {
    "one_name_for_several_results": """
model M {
    input x: f32[N, T, 6]
    _, state, _ = lstm(5, return_state = true)(x)
    both = gru(5, return_state = true)(x)
    part, part = both
    low, low, high = split(x, 3, axis = 2)
    output y = state[0] + part[0], z = both[0], low, high
}
""",
    "raw_parameters_joined": """
model M {
    input x: f32[N, 3]
    param first: f32[3] = normal(std = 1)
    param second: f32[3] = normal(std = 1)
    rows = stack([first, second])
    columns = reshape(concat([second, first], axis = 0), [3, 2])
    output y = x @ transpose(rows), z = x @ columns
}
""",
    "blocks_with_different_trip_counts": """
block Stack(depth, width) {
    input x: f32[N, D]
    for i in range(depth) { x = x |> dense(width) |> relu }
    output x
}
model M {
    input x: f32[N, 6]
    output y = x |> Stack(2, 5) |> Stack(3, 4) |> Stack(1, 7) |> Stack(0, 1)
}
""",
    "loops_over_parts_of_a_list": """
block Pick(count) {
    input x: f32[N, D]
    layers = []
    for i in range(3) {
        l = dense(D)
        layers = layers + [l]
    }
    for i in range(3) { x = x |> layers[i] }
    for l in layers[0:count] { x = x |> l |> tanh }
    output x
}
model M {
    input x: f32[N, 6]
    output y = x |> Pick(2) |> Pick(1) |> Pick(3)
}
""",
    "trip_counts_without_layers": """
block Stack(depth) {
    input x: f32[N, D]
    for i in range(depth) { x = x * 2 + i }
    for i in range(depth) { x = tanh(x) }
    output x
}
model M {
    input x: f32[N, 6]
    output y = x |> Stack(2) |> Stack(3)
}
""",
    "layers_in_a_loop_that_not_all_make": """
block Part(flag = true, depth = 1) {
    input x: f32[N, D]
    for i in range(depth) { x = if flag { 0.5 * x } else { x |> layer_norm } }
    output x
}
model M {
    input x: f32[N, 6]
    output y = x |> Part() |> Part(flag = false) |> Part(flag = false, depth = 2) |> Part(depth = 3)
}
""",
    "activation_as_parameter": """
block Layer(units, activation = relu) {
    input x: f32[N, D]
    output x |> dense(units) |> activation
}
model M {
    input x: f32[N, 6]
    output y = x |> Layer(5) |> Layer(4, activation = tanh) |> Layer(3, activation = gelu)
}
""",
    "layer_kind_as_parameter": """
block Layer(units, norm) {
    input x: f32[N, D]
    output x |> dense(units) |> norm |> relu
}
model M {
    input x: f32[N, 6]
    output y = x |> Layer(5, layer_norm) |> Layer(4, batch_norm)
}
""",
    "branches_with_different_layers": """
block Mixed(kind, units) {
    input x: f32[N, D]
    if kind == 0 { h = x |> dense(units) |> relu }
    else if kind == 1 { h = x |> dense(2 * units) |> tanh |> dense(units) }
    else { h = x }
    output h + 1
}
model M {
    input x: f32[N, 6]
    output y = x |> Mixed(0, 5) |> Mixed(1, 4) |> Mixed(2, 4) |> Mixed(0, 3)
}
""",
    "nested_loops_with_layers_in_both": """
model M {
    input x: f32[N, 6]
    for width in [8, 5, 4] {
        x = x |> dense(width, name = "outer") |> relu
        for i in range(2) {
            x = x + (x |> layer_norm |> dense(width, name = "inner") |> tanh)
        }
    }
    output y = x
}
""",
    "nested_loops_of_different_length": """
model M {
    input x: f32[N, 6]
    for width, depth in [(8, 1), (5, 3), (4, 0), (7, 2)] {
        for i in range(depth) {
            x = x |> dense(width) |> tanh
        }
    }
    output y = x
}
""",
    "dense_skip_connections": """
block DenseLayer(growth) {
    input x: f32[N, D]
    output x |> dense(growth) |> relu
}
model M {
    input x: f32[N, 6]
    features = [x]
    for i in range(4) {
        h = concat(features, axis = 1) |> DenseLayer(3)
        features = features + [h]
    }
    output y = concat(features, axis = 1) |> dense(2)
}
""",
    "unet": """
block Double(channels) {
    input x: f32[N, C, H, W]
    output x |> conv2d(channels, 3, padding = 1) |> relu |> conv2d(channels, 3, padding = 1) |> relu
}
model M {
    input image: f32[N, 2, 8, 8]
    skips = []
    x = image
    for width in [4, 6] {
        x = x |> Double(width)
        skips = skips + [x]
        x = x |> max_pool2d(2)
    }
    x = x |> Double(8)
    for i, width in enumerate([6, 4]) {
        x = x |> conv_transpose2d(width, 2, stride = 2)
        x = concat([skips[1 - i], x], axis = 1) |> Double(width)
    }
    output mask = x |> conv2d(1, 1)
}
""",
    "unet_popped": """
model M {
    input image: f32[N, 2, 8, 8]
    skips = []
    x = image
    for width in [4, 6] {
        x = x |> conv2d(width, 3, padding = 1) |> relu
        skips = [x] + skips
        x = x |> max_pool2d(2)
    }
    for skip in skips {
        x = x |> conv_transpose2d(5, 2, stride = 2)
        x = concat([skip, x], axis = 1)
    }
    output mask = x |> conv2d(1, 1)
}
""",
    "carried_pair": """
model M {
    input a: f32[N, 4]
    input b: f32[N, 4]
    for i in range(3) {
        a, b = b |> dense(4) |> tanh, a + b
    }
    output y = a - b
}
""",
    "swapped": """
model M {
    input a: f32[N, 4]
    input b: f32[N, 4]
    a, b = b, a
    a, b = b + 1, a * 2
    for i in range(3) { a, b = b, a |> dense(4) }
    output y = a, z = b
}
""",
    "swapped_three": """
model M {
    input a: f32[N, 4]
    input b: f32[N, 4]
    input c: f32[N, 4]
    a, b, c = c, a, b
    output p = a + 1, q = b * 2, r = c - a
}
""",
    "shared_in_a_loop": """
model M {
    input x: f32[N, 4]
    step = dense(4)
    norm = layer_norm()
    for i in range(3) { x = x + (x |> step |> norm |> tanh) }
    output y = x |> step
}
""",
    "list_of_layers_applied_later": """
model M {
    input x: f32[N, 4]
    layers = []
    for i in range(3) {
        layer = dense(4)
        layers = layers + [layer]
    }
    for layer in layers { x = x |> layer |> tanh }
    output y = layers[0](x)
}
""",
    "block_inside_block": """
block Inner(units, scale = 1.0) {
    input x: f32[N, D]
    output scale * (x |> dense(units))
}
block Outer(units, deep) {
    input x: f32[N, D]
    h = x |> Inner(units, scale = 0.5) |> relu
    if deep { h = h |> Inner(2 * units) |> relu |> Inner(units, scale = 2.0) }
    output h
}
model M {
    input x: f32[N, 6]
    output y = x |> Outer(5, true) |> Outer(4, false) |> Outer(3, true)
}
""",
    "names_of_python": """
block class(lambda) {
    input self: f32[N, D]
    forward = self |> dense(lambda) |> relu
    output forward
}
model torch {
    input list: f32[N, 4]
    input F: f32[N, 4]
    training = list + F
    self = training |> class(5)
    nn = dense(4)
    x1 = nn(self)
    def = x1 |> dense(4, name = "parameters") |> dense(4, name = "type")
    for range in [3, 4] { def = def |> dense(range, name = "import") }
    output print = def |> dense(2, name = "state_dict")
}
""",
    "names_of_the_script": """
block load(save) {
    input x: f32[N, D]
    output x |> dense(save)
}
model main {
    input args: f32[N, 4]
    initialize = args |> load(3)
    evaluate = initialize |> load(2)
    np = evaluate |> dense(2)
    output weights = np, optimizer = np + evaluate
}
""",
    "model_in_a_model": """
model Encoder(width = 4) {
    input x: f32[N, 6]
    output code = x |> dense(width) |> tanh
}
model Decoder(width = 6) {
    input code: f32[N, 4]
    output back = code |> dense(width)
}
model M {
    input x: f32[N, 6]
    encoder = Encoder()
    code = encoder(x)
    output back = code |> Decoder(6), code_again = code * 2
}
""",
    "conditional_over_tensors": """
block Maybe(keep, units) {
    input x: f32[N, D]
    h = x |> dense(units)
    output if keep { h } else { relu(h) }
}
model M {
    input x: f32[N, 6]
    output y = x |> Maybe(true, 4) |> Maybe(false, 3) |> Maybe(true, 3)
}
""",
    "conditional_inside_an_expression": """
block Maybe(keep) {
    input x: f32[N, D]
    output x * 2 + (if keep { x } else { x |> dense(D) }) * 3
}
model M {
    input x: f32[N, 4]
    output y = x |> Maybe(true) |> Maybe(false)
}
""",
    "unused_outputs_of_split": """
model M {
    input x: f32[N, 12]
    a, b, c = x |> split(3, axis = 1)
    p, _ = (a + c) |> split(2, axis = 1)
    output y = p |> dense(3)
}
""",
    "multi_outputs": """
block Heads(k) {
    input x: f32[N, D]
    output x |> dense(k), x |> dense(k + 1) |> tanh
}
model M {
    input x: f32[N, 5]
    a, b = Heads(3)(x)
    c, d = Heads(4)(b)
    output first = a, second = c, third = d |> softmax
}
""",
    "list_output": """
model M {
    input x: f32[N, 5]
    states = []
    for i in range(3) {
        x = x |> dense(4) |> tanh
        states = states + [x]
    }
    output states
}
""",
    "arithmetic_of_sizes": """
block Flat(units) {
    input x: f32[N, T, D]
    flat = x |> reshape([N * T, D]) |> dense(units)
    output flat |> reshape([N, T, units])
}
model M {
    input x: f32[N, T, 6]
    h = x |> Flat(4) |> Flat(8)
    output y = h |> reshape([N, 2 * T, 4]), z = h |> reshape([N, T * 8])
}
""",
    "bound_multiple": """
model M {
    input image: f32[N, 2, 4 * H, 4 * W]
    h = image |> reshape([N, 2, H, 4, W, 4]) |> transpose([0, 2, 4, 1, 3, 5])
    output patches = h |> reshape([N, H * W, 32]) |> dense(5)
}
""",
    "bound_multiples_and_more": """
block Rows(units) {
    input x: f32[N, 1 + 3 * T]
    output full([T, units], 0.5) + sum(x)
}
model M {
    input x: f32[N, 2 * T + 1, 3]
    input y: f32[N, 3 * (K - 1) + 4]
    input z: f32[N, L - 1]
    output pairs = x[:, 1:] |> reshape([N, T, 6]), halves = x[:, :T], rows = y |> Rows(4),
        rest = y[:, K:], long = full([L], 0.5) + sum(z)
}
""",
    "leading_dimensions": """
block Project(units) {
    input x: f32[..., D]
    output x |> dense(units) |> tanh
}
model M {
    input x: f32[N, T, 6]
    input y: f32[N, 6]
    output a = x |> Project(4), b = y |> Project(4)
}
""",
    "rebound_input": """
model M {
    input x: f32[N, 4]
    y = x
    x = x |> dense(4) |> relu
    x = x + y
    y = x * 2
    output z = y + x
}
""",
    "loop_over_scalars_with_use": """
model M {
    input x: f32[N, 4]
    for scale, shift in [(0.5, 1.0), (2.0, 0.25), (1.5, -1.0)] {
        x = tanh(x * scale + shift)
    }
    output y = x
}
""",
    "loop_variable_named_like_a_tensor": """
model M {
    input x: f32[N, 4]
    y = x
    for x in [1.0, 2.0, 3.0] { y = tanh(y * x) }
    output z = y
}
""",
    "loop_variable_named_like_a_tensor_kept_in_a_list": """
model M {
    input x: f32[N, 4]
    h = tanh(x)
    kept = [x, h, h * 2]
    y = x
    for x in [1.0, 2.0] { y = tanh(y * x + kept[2]) }
    for h, scale in enumerate([0.5, 2.0]) { y = y * scale + kept[1] * h }
    output z = y + kept[0] * kept[1]
}
""",
    "loop_variable_rebound_to_a_tensor": """
model M {
    input x: f32[N, 4]
    for s in [0.5, 2.0] {
        scaled = [x * s]
        s = tanh(x)
        x = scaled[0] + s
    }
    output y = x
}
""",
    "values_needed_after_what_rebinds_them": """
block Part(flag, depth = 1) {
    input x: f32[N, D]
    kept = [x, tanh(x)]
    x = if flag { tanh(x) } else { x * 2 }
    y = x
    if flag { x = x + 1 } else { y = y * 2 }
    kept = kept + [x]
    for i in range(depth) { x = 0.5 * x + (x |> dense(D)) * kept[0] }
    output (x + kept[0]) * kept[1] + y * kept[2]
}
model M {
    input x: f32[N, 4]
    first = x
    for i in range(3) { x = 0.5 * tanh(x) + first }
    skips = []
    for i in range(1) {
        skips = skips + [x]
        x = x |> dense(4)
    }
    output y = x |> Part(true) |> Part(false, depth = 2), z = skips[0] + first
}
""",
    "uneven_padding_and_ceil_over_any_size": """
model M {
    input x: f32[N, 2, H, 6]
    output y = x |> max_pool2d(2, stride = 2, padding = [(0, 1), (0, 0)], ceil = true)
}
""",
    "first_iteration_different": """
model M {
    input x: f32[N, 4]
    for i in range(4) {
        x = if i == 0 { x |> dense(5) } else { x + (x |> dense(5) |> relu) }
    }
    output y = x
}
""",
    "stages_with_strides": """
block Unit(channels, stride = 1) {
    input x: f32[N, C, H, W]
    h = x |> conv2d(channels, 3, stride = stride, padding = 1, bias = false) |> batch_norm |> relu
    shortcut = if stride == 1 and C == channels { x } else {
        x |> conv2d(channels, 1, stride = stride)
    }
    output relu(h + shortcut)
}
model M {
    input image: f32[N, 3, 16, 16]
    x = image
    for channels, depth, stride in [(4, 1, 1), (6, 3, 2), (8, 2, 2)] {
        for i in range(depth) {
            x = x |> Unit(channels, stride = if i == 0 { stride } else { 1 })
        }
    }
    output y = x |> global_avg_pool2d |> flatten |> dense(3)
}
""",
    "attention": """
block Attention(heads) {
    input x: f32[N, T, D]
    q, k, v = x |> dense(3 * D) |> split(3, axis = -1)
    shape = [N, T, heads, D // heads]
    q = q |> reshape(shape) |> transpose([0, 2, 1, 3])
    k = k |> reshape(shape) |> transpose([0, 2, 1, 3])
    v = v |> reshape(shape) |> transpose([0, 2, 1, 3])
    h = scaled_dot_product_attention(q, k, v, causal = true)
    output h |> transpose([0, 2, 1, 3]) |> reshape([N, T, D]) |> dense(D)
}
model GPT(vocab = 11, layers = 2, heads = 2, dim = 8, context = 16) {
    input tokens: i64[N, T]
    embed = embedding(vocab, dim)
    param position: f32[context, dim] = normal(std = 0.02)
    x = embed(tokens) + position[0:T]
    for _ in range(layers) {
        x = x + (x |> layer_norm |> Attention(heads))
        x = x + (x |> layer_norm |> dense(4 * dim) |> gelu |> dense(dim))
    }
    output logits = layer_norm(x) @ transpose(embed.weight)
}
""",
    "tied_across_blocks": """
block Head(weight_scale) {
    input x: f32[N, D]
    input table: f32[V, D]
    output (x @ transpose(table)) * weight_scale
}
model M {
    input tokens: i64[N]
    embed = embedding(7, 4)
    h = embed(tokens) |> dense(4) |> tanh
    output logits = Head(0.5)(h, embed.weight)
}
""",
    "raw_parameters_and_buffers": """
block Scale(start) {
    input x: f32[N, D]
    param gamma: f32[D] = constant(start)
    buffer offset: f32[D] = ones
    output x * gamma + offset
}
model M {
    input x: f32[N, 5]
    param alpha: f32[] = constant(0.5)
    output y = alpha * (x |> Scale(1.5) |> Scale(0.5))
}
""",
    "parts_and_copies_of_symbolic_sizes": """
model M {
    input x: f32[N, T, 4]
    first = x[:, 0]
    half = x[:, 0:T // 2]
    middle = x[:, T // 2 - 1:T // 2 + 1]
    u, v = x |> split([T - 2, 2], axis = 1)
    places = first[:, 0:1] + cast(arange(T, 2 * T), f32)
    sums = full([N, T // 2], 0.5) + half[:, :, 0]
    output y = concat([half, middle, u, v], axis = 1), one = x[:, (T + 1) // 2],
        r = first |> repeat(T, axis = 1), t = x |> tile([2, T, 1]), places, sums
}
""",
    "one_dense_layer_at_many_ranks": """
model M {
    input x: f32[N, T, 4]
    f = dense(4)
    output y = f(x[:, 0]), z = f(x), w = f(x |> unsqueeze(1)), v = f(x[0, 0])
}
""",
    "pads_of_batches_channels_and_integers": """
model M {
    input x: f32[N, 3, T, 2]
    input ids: i64[N, T]
    mask = ids > 1
    a = x |> pad([(1, 0), (2, 3), (0, 1), (0, 0)], value = 1.5)
    b = x |> unsqueeze(4) |> pad([(0, 0), (1, 1), (0, 0), (1, 0), (0, 2)])
    output y = ids |> pad([(0, 0), (1, 2)], value = 7), m = mask |> pad([(1, 0), (0, 0)]), a, b
}
""",
    "integers_divided_and_multiplied": """
model M {
    input ids: i64[N, T]
    output y = ids @ transpose(ids), z = 17 // (ids * ids + 1), w = -7 % (ids + 1)
}
""",
    "constants_among_truths": """
model M {
    input x: f32[N, 4]
    output y = (x > 0 and true) or false, z = x > 1 and false, w = x < 2 or true
}
""",
    "inputs_without_axes": """
model M {
    input x: f32[N, 4]
    input temperature: f32[]
    input place: i64[]
    input sharp: bool[]
    h = where(sharp, x / (1 + temperature ** 2), x)
    output y = softmax(h), picked = gather(x, place, axis = 1), double = 2 * temperature
}
""",
    "numbers_computed_from_tensors": """
model M {
    input v: f32[7]
    param table: f32[7, 3] = normal(std = 1)
    param temperature: f32[] = constant(0.5)
    place = argmax(v, axis = 0)
    total = sum(v)
    row = gather(table, place)
    words = embedding(7, 4)(place)
    code = one_hot(place, 7)
    longer = total[none] + total[none, none, none]
    more = stack([total, mean(v)]) / temperature
    output row, words, code, longer, more, place, all = where(total > 0, v, temperature * v),
        size = unsqueeze(total, 0), picked = take(v, place), flat = reshape(total, [1, 1])
}
""",
    "buffers_of_other_types": """
block Chosen {
    input x: f32[N, D]
    buffer keep: bool[D] = ones
    buffer always: bool[] = zeros
    buffer places: i64[3] = zeros
    output where(keep or always, x, 0.0) |> gather(places, axis = 1)
}
model M {
    input x: f32[N, 4]
    output y = x |> Chosen
}
""",
    "attention_over_symbolic_widths": """
model M {
    input x: f32[N, 2, D]
    output y = scaled_dot_product_attention(x, 2 * x, x)
}
""",
    "two_inputs_shared_tower": """
block Tower(width) {
    input x: f32[N, D]
    for i in range(2) { x = x |> dense(width) |> relu }
    output x
}
model Siamese {
    input left: f32[N, 6]
    input right: f32[N, 6]
    tower = Tower(5)
    output distance = sum((tower(left) - tower(right)) ** 2, axis = 1)
}
""",
    "one_instance_many_sizes": """
model M {
    input a: f32[N, T, 4]
    input b: f32[N, 2 * S, 4]
    f = dense(3)
    p = f(a) |> reshape([N, 3 * T])
    q = f(b) |> reshape([N, 2 * S * 3])
    output y = sum(p, axis = 1) + sum(q, axis = 1)
}
""",
    "block_instance_many_sizes": """
block Flat() {
    input x: f32[N, T, D]
    output x |> dense(3) |> reshape([N, T * 3])
}
model M {
    input a: f32[N, 5, 4]
    input b: f32[N, 7, 4]
    f = Flat()
    output y = f(a), z = f(b)
}
""",
    "recurrent": """
model M {
    input x: f32[N, T, 4]
    h, state = x |> gru(5, bidirectional = true, return_state = true)
    s, hidden, cell = h |> lstm(3, layers = 2, return_state = true)
    output y = s |> rnn(4), last = hidden, memory = cell, first = state
}
""",
    "recurrent_with_lengths": """
model M {
    input x: f32[N, T, 4]
    input lengths: i64[N]
    ends = lengths % 5 + 1
    h, state = x |> gru(5, bidirectional = true, return_state = true, lengths = ends)
    memory = lstm(3, layers = 2, bidirectional = true, return_state = true)
    s, hidden, cell = memory(h, lengths = ends)
    again, _, kept = memory(h, h = hidden, c = cell, lengths = ends)
    output y = s |> rnn(4, lengths = ends), first = state, last = hidden, cell, again, kept
}
""",
    "sizes_in_arithmetic": """
block Scaled(by) {
    input x: f32[N, T]
    output x / by - T, unsqueeze(cast(arange(T), f32) / T, 0)
}
model M {
    input x: f32[N, T]
    input z: f32[N, 7]
    input ids: i64[N, S]
    a, place = x |> Scaled(T)
    b, _ = x[:, 1:] |> Scaled(T - 1)
    f, _ = z |> Scaled(2.5)
    y, d, e = a * (T + 1) + place, ids % S + T // 2, minimum(3 * x, N)
    output y, b, c = T - mean(x), d, e, f
}
""",
    "states_at_the_ends_alone": """
model M {
    input x: f32[N, T, 4]
    input lengths: i64[N]
    ends = lengths % 5 + 1
    _, first = x |> gru(5, lengths = ends, return_state = true)
    _, both = x |> rnn(5, lengths = ends, bidirectional = true, return_state = true)
    _, hidden, cell = x |> lstm(3, lengths = ends, return_state = true)
    output first, both, hidden, cell
}
""",
    "inputs_that_no_output_needs": """
block First {
    input a: f32[N, D]
    input b: f32[N, D]
    output a |> dense(3)
}
model M {
    input x: f32[N, 4]
    input other: f32[N, 4]
    input ids: i64[N, T]
    output y = First()(x, other) + 1, size = zeros_like(ids)
}
""",
    "deep_expression": "model M {\n    input x: f32[N, 4]\n    output y = "
    + "tanh(" * 40
    + "x"
    + ")" * 40
    + "\n}\n",
    "wide_sum": "model M {\n    input x: f32[N, 4]\n    output y = "
    + " + ".join(f"x * {k}.5" for k in range(60))
    + "\n}\n",
    "constants_everywhere": """
const EPS = 1e-3
const SIZES = [4, 3]
model M {
    input x: f32[N, 4]
    for size in SIZES { x = x |> dense(size) |> layer_norm(eps = EPS) }
    total = 1 - x / 2 + 2 ** x
    output y = maximum(total, 0.5), z = where(x > 0, x, 0.0), w = minimum(1.0, x)
}
""",
    "negative_numbers": """
model M {
    input x: f32[N, 4, 5]
    y = x[:, -1] ** 2 - -1.5
    z = x[:, ::2, 1:-1] |> flip(axis = -1)
    output y, z, w = -x |> sum(axis = (-1, -2)), v = (-2.0) ** 2 * x[..., 0]
}
""",
    "recursion_that_ends": """
block Half(n) {
    input x: f32[N, D]
    h = x |> dense(D // 2)
    y = if n == 0 { h } else { h |> Half(n - 1) }
    output y
}
model M {
    input x: f32[N, 16]
    output y = x |> Half(2)
}
""",
    "a_block_around_itself": """
block Residual(inner) {
    input x: f32[N, D]
    output x + (x |> inner)
}
block Leaf {
    input x: f32[N, D]
    output x |> dense(D) |> relu
}
block Branch {
    input x: f32[N, D]
    output x |> Residual(Leaf) |> dense(D)
}
model M {
    input x: f32[N, 6]
    output y = x |> Residual(Branch)
}
""",
    "names_with_underscores": """
block __Part(__n, _modules = 2) {
    input __x: f32[N, D]
    _ = __x |> dense(__n, name = "__init__")
    __h = _ |> dense(_modules, name = "_parameters")
    _y = __h |> dense(__n, name = "__class__")
    __dict__ = _y |> dense(__n, name = "_layers")
    param _weight: f32[__n] = normal(std = 1)
    param __q: f32[__n] = normal(std = 1)
    buffer _forward_hooks: f32[__n] = ones
    __ = __dict__ |> dense(_modules, name = "_")
    __w = __ |> dense(3, name = "__")
    for __i in range(2) { __w = __w |> dense(3, name = "_children") }
    for _ in range(__n) { __w = __w + 1 }
    output __w * _forward_hooks + (_weight + __q)
}
model _M(__main__ = 3) {
    input __name__: f32[N, 4]
    input _: f32[N, 4]
    __file__ = __name__ |> __Part(3) |> __Part(__main__, 4)
    output _out = __file__, __all__ = _ * 2
}
""",
    "names_like_renamed_ones": """
block First() {
    input x: f32[N, D]
    forward = x |> dense(4, name = "forward") |> dense(3, name = "class")
    output forward |> dense(3, name = "type")
}
block Second() {
    input x: f32[N, D]
    h = x |> dense(4, name = "forward_1") |> dense(3, name = "class_") |> dense(5, name = "type_1")
    output h |> dense(3, name = "_forward") |> dense(3, name = "forward_")
}
model M {
    input x: f32[N, 4]
    output y = x |> First(name = "self") |> Second |> First
}
""",
    "kinds_in_constants": """
const norm = layer_norm
const part = Part
block Part(units, activation = relu) {
    input x: f32[N, D]
    output x |> dense(units) |> activation
}
model M {
    input x: f32[N, 4]
    kind = dense
    for relu in [layer_norm, tanh] { x = x |> relu }
    for dense in [dense, dense] { x = x |> dense(3) }
    output y = x |> norm |> part(3) |> part(2, activation = tanh) |> kind(3) |> norm(eps = 0.1)
}
""",
    "raw_parameters_of_blocks_in_blocks": """
block Inner(k, start) {
    input x: f32[N, D]
    param scale: f32[D] = constant(start)
    param shift: f32[k, D] = normal(std = 1)
    buffer offset: f32[D] = ones
    output x * scale + offset + sum(shift, axis = 0)
}
block Outer(k = 2) {
    input x: f32[N, D]
    param weight: f32[D, k] = glorot_uniform
    param bias: f32[k] = normal(std = 1)
    for i in range(2) { x = x |> Inner(i + 1, 0.5) }
    h = x @ weight + bias
    output h |> Inner(3, 2.0) |> dense(4) |> tanh
}
model M {
    input x: f32[N, 4]
    param alpha: f32[1] = constant(0.5)
    o = Outer()
    output y = alpha * (x |> o |> o |> Outer(3))
}
""",
    "parameters_that_no_output_needs": """
block Shift(shifted = true) {
    input x: f32[N, D]
    param b: f32[D] = normal(std = 1)
    output if shifted { x + b } else { x }
}
block Two {
    input x: f32[N, D]
    output x |> dense(3) |> batch_norm, x |> dense(4, name = "second") |> layer_norm
}
model M {
    input x: f32[N, 4]
    _, b = x |> Shift |> Shift(false) |> Two
    output y = b
}
""",
    "capitals": """
block Mix(A, B = 2) {
    input X: f32[N, D]
    input x: f32[N, D]
    Y = X |> dense(A)
    y = x |> dense(A) |> tanh
    output Y * B + y, Y - y
}
model M {
    input X: f32[N, 4]
    input x: f32[N, 4]
    input _X: f32[N, 4]
    A, a = Mix(3)(X, x + _X)
    output Y = A |> dense(2), y = a, _Y = A * a
}
""",
}
