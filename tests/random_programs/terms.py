"""Expressions that keep the shape of a tensor of floating-point numbers.

A new one joins by `@term`: a function of the writer, the text of the operand, and its shape.  Where
the operand is said twice, `writer.named` gives it a name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.random_programs.writer import Shape, Writer, shape_text, times

Make = Callable[[Writer, str, Shape], str]


@dataclass(frozen=True)
class Term:
    """`known`: the axes whose sizes must be numbers when the program is compiled."""

    make: Make
    ranks: tuple[int, ...]
    known: tuple[int, ...]
    lively: int

    def fits(self, writer: Writer, shape: Shape) -> bool:
        axes = [axis % len(shape) for axis in self.known] if len(shape) in self.ranks else []
        return len(shape) in self.ranks and writer.is_known(*(shape[axis] for axis in axes))


TERMS: Final[list[Term]] = []


def term(*ranks: int, known: tuple[int, ...] = (), weight: int = 1) -> Callable[[Make], Make]:
    """Registers an expression for tensors of these ranks; `weight` is how often it is chosen."""

    def register(make: Make) -> Make:
        TERMS.append(Term(make, ranks, known, weight))
        return make

    return register


def expression(writer: Writer, text: str, shape: Shape, depth: int) -> str:
    """Terms around each other, so many deep."""
    for _ in range(depth):
        fitting = [t for t in TERMS if t.fits(writer, shape) for _ in range(t.lively)]
        text = writer.one_of(fitting).make(writer, text, shape)
    return text


_ANY = (2, 3, 4, 5)

# ------------------------------------------------------------------------------ element by element


@term(*_ANY, weight=3)
def _function(writer: Writer, x: str, shape: Shape) -> str:
    return f"{writer.one_of(writer.functions)}({x})"


@term(*_ANY, weight=2)
def _scaled(writer: Writer, x: str, shape: Shape) -> str:
    number = writer.one_of(["0.5", "-1.5", "2", *writer.numbers])
    return f"({number} * {x} + {writer.one_of(['0.25', '1'])})"


@term(*_ANY, known=(-1,), weight=2)
def _with_constants(writer: Writer, x: str, shape: Shape) -> str:
    """What depends on no input, and is computed once; lists of numbers."""
    size = shape[-1]
    steps = f"cast(arange({size}), {writer.float})"
    kinds = [
        f"({{}} * cos(0.3 * {steps}))",
        f"({{}} + exp(-0.5 * reshape({steps}, [{size}])))",
        f"where(arange({size}) % 2 == 0, {{}}, 0.5)",
        f"({{}} - full([{size}], 0.5, {writer.float}) * {steps})",
    ]
    if size.isdigit():
        numbers = [writer.one_of(["0.5", "-1", "2", "1e-3"]) for _ in range(int(size))]
        kinds += [f"({{}} {writer.one_of('+-*')} [{', '.join(numbers)}])"] * 3
    return writer.one_of(kinds).format(x)


@term(*_ANY)
def _where_it_is_defined(writer: Writer, x: str, shape: Shape) -> str:
    """Functions that are not defined, or grow fast, for some numbers."""
    kinds = [
        "sqrt(abs({}) + 0.1)",
        "log(square({}) + 0.5)",
        "log1p(abs({}))",
        "rsqrt(square({}) + 0.5)",
        "reciprocal(1 + square({}))",
        "exp(-abs({}))",
        "expm1(tanh({}))",
        "tan(0.5 * tanh({}))",
        "(abs({}) + 0.1) ** 1.5",
        "tanh({}) ** 3",
        "2 ** tanh({})",
    ]
    return f"({writer.one_of(kinds).format(x)})"


@term(*_ANY)
def _with_a_setting(writer: Writer, x: str, shape: Shape) -> str:
    kinds = [
        "leaky_relu(0.2)",
        "elu(alpha = 0.5)",
        "celu(0.5)",
        'gelu(approximate = "tanh")',
        "hard_sigmoid(alpha = 1 / 6)",
        "hard_tanh(low = -0.5, high = 2)",
        "clip(max = 1)",
        "clip(min = -0.5)",
    ]
    return f"({x} |> {writer.one_of(kinds)})"


@term(*_ANY)
def _quotient(writer: Writer, x: str, shape: Shape) -> str:
    x = writer.named(x)
    kinds = ["({0} / (1 + abs({0})))", "({0} * sign({0}))", "(-{0} / 3)", "minimum({0}, -{0})"]
    return writer.one_of(kinds).format(x)


@term(*_ANY)
def _in_more_digits(writer: Writer, x: str, shape: Shape) -> str:
    """In f64 in between; the other way numbers would be rounded."""
    if writer.float != "f32":
        return f"({x} + 0.5)"
    inner = writer.one_of(
        ["tanh({})", "cumsum({}, axis = 1)", "({} / 3)", "softmax({}, axis = -1)"]
    )
    return f"cast({inner.format(f'cast({x}, f64)')}, f32)"


@term(*_ANY, weight=4)
def _residual(writer: Writer, x: str, shape: Shape) -> str:
    x = writer.named(x)
    inner = expression(writer, x, shape, 1)
    return f"({x} {writer.one_of(['+', '-'])} {inner})"


@term(*_ANY)
def _gated(writer: Writer, x: str, shape: Shape) -> str:
    x = writer.named(x)
    return f"({x} * sigmoid({expression(writer, x, shape, 1)}))"


@term(*_ANY)
def _swapped_order(writer: Writer, x: str, shape: Shape) -> str:
    x = writer.named(x)
    return f"({expression(writer, x, shape, 1)} + {x})"


@term(*_ANY)
def _clipped(writer: Writer, x: str, shape: Shape) -> str:
    return writer.one_of(["clip({}, min = -1.5, max = 2)", "maximum({}, -1)", "abs({})"]).format(x)


@term(*_ANY)
def _of_an_angle(writer: Writer, x: str, shape: Shape) -> str:
    kinds = [f"{name}(0.7 * tanh({{}}))" for name in ("asin", "acos", "atanh", "sinh", "cosh")]
    kinds += ["acosh(2 + square(tanh({})))", "hard_shrink({})", "thresholded_relu({})"]
    return writer.one_of(kinds).format(x)


@term(*_ANY)
def _sorted(writer: Writer, x: str, shape: Shape) -> str:
    name, axis = writer.fresh("sorted"), writer.number(1, len(shape) - 1)
    writer.line(f"{name}, _{name} = {x} |> sort({axis})")
    return name


@term(4, weight=2)
def _over_neighbours(writer: Writer, x: str, shape: Shape) -> str:
    kinds = ["local_response_norm(3, alpha = 0.5)", "lp_pool2d(3, stride = 1, padding = 1)"]
    x = f"(1.5 + abs({x}))"
    return f"({x} |> {writer.one_of(kinds)})"


@term(*_ANY)
def _put_back(writer: Writer, x: str, shape: Shape) -> str:
    """Taken in another order and put where it came from, or added in twice."""
    x, axis, place = writer.named(x), writer.number(1, len(shape) - 1), writer.fresh("place")
    writer.line(f"_{place}, {place} = {x} |> sort({axis})")
    taken = f"take_along_axis(flip({x}, axis = {axis}), {place}, axis = {axis})"
    more = writer.one_of(["", ', reduction = "add"'])
    return f"scatter({x}, {place}, {taken}, axis = {axis}{more})"


@term(3, 4, weight=2)
def _einsum(writer: Writer, x: str, shape: Shape) -> str:
    x = writer.named(x)
    first, last = "nc"[: len(shape) - 2], "w"
    scores = f'einsum([{x}, {x}], "{first}h{last},{first}y{last}->{first}hy")'
    return f'einsum([softmax({scores}), {x}], "{first}hy,{first}y{last}->{first}h{last}")'


@term(*_ANY)
def _greatest(writer: Writer, x: str, shape: Shape) -> str:
    x = writer.named(x)
    return f"({x} + 0.5 * hardmax({x}, axis = {writer.number(1, len(shape) - 1)}))"


@term(*_ANY, weight=2)
def _other_tensor(writer: Writer, x: str, shape: Shape) -> str:
    other = writer.tensor(lambda t: t.shape == shape)
    if other is None:
        return f"square(tanh({x}))"
    kind = writer.one_of(["({} + {})", "({} - {})", "({} * tanh({}))", "maximum({}, {})"])
    return kind.format(x, other.name)


@term(*_ANY)
def _chosen(writer: Writer, x: str, shape: Shape) -> str:
    x = writer.named(x)
    return f"where({x} > 0, {x}, 0.5 * {x})"


# -------------------------------------------------------------------------------------- along axes


@term(*_ANY, weight=3)
def _operand_twice(writer: Writer, x: str, shape: Shape) -> str:
    axis = writer.number(1, len(shape) - 1)
    kinds = [
        f"cumsum({{}}, axis = {axis}, exclusive = true)",
        f"cumsum({{}}, axis = {axis}, reverse = true)",
        f"cumsum({{}}, axis = {axis}, exclusive = true, reverse = true)",
        f"softmax({{}}, axis = {axis})",
        f"log_softmax({{}}, axis = {axis})",
        f"flip({{}}, axis = {axis})",
    ]
    return writer.one_of(kinds).format(x)


@term(*_ANY, known=(1,), weight=3)
def _counted_before_an_operand_said_twice(writer: Writer, x: str, shape: Shape) -> str:
    """What moves an average with every evaluation, before what targets say of an operand twice."""
    kinds = [f"cumsum(axis = {writer.number(1, len(shape) - 1)}, exclusive = true)"]
    kinds += ["soft_shrink", "hard_shrink"]
    return f"({x} |> batch_norm |> {writer.one_of(kinds)})"


@term(*_ANY, weight=2)
def _against_a_reduction(writer: Writer, x: str, shape: Shape) -> str:
    x = writer.named(x)
    axes = writer.one_of([[1], [len(shape) - 1], list(range(1, len(shape)))])
    kind = writer.one_of(["mean", "sum", "var", "logsumexp", "l1"])
    return f"({x} - 0.5 * {kind}({x}, axis = {axes}, keepdims = true))"


@term(*_ANY)
def _divided_by_a_norm(writer: Writer, x: str, shape: Shape) -> str:
    x = writer.named(x)
    axis = writer.number(1, len(shape) - 1)
    kinds = ["l2(1 + abs({0}){1})", "norm(1 + abs({0}){1})", "sqrt(var({0}{1}) + 0.1)"]
    kinds += ["prod(1 + 0.1 * sin({0}){1})", "sum(square({0}){1})"]
    size = writer.one_of(kinds).format(x, f", axis = {axis}, keepdims = true")
    return f"({x} / (1 + {size}))"


@term(*_ANY)
def _rolled(writer: Writer, x: str, shape: Shape) -> str:
    rank = len(shape)
    kinds = [f"roll({{}}, {writer.one_of([1, -1])}, axis = {writer.number(1, rank - 1)})"]
    if rank > 2:
        kinds.append("roll({}, [1, -1], axis = [1, 2])")
    if all(size.isdigit() for size in shape[1:]):
        kinds.append(f"roll({{}}, 3, axis = {rank - 1})")
    return writer.one_of(kinds).format(x)


@term(3, 4, 5)
def _triangle(writer: Writer, x: str, shape: Shape) -> str:
    """Of two axes that are not the rows: their order is no part of a batch."""
    kind, diagonal = writer.one_of(["tril", "triu"]), writer.one_of(["", ", diagonal = 1"])
    return f"({x} + {kind}({x}{diagonal}))" if x.isidentifier() else f"{kind}({x}{diagonal})"


@term(*_ANY)
def _with_a_constant(writer: Writer, x: str, shape: Shape) -> str:
    x = writer.named(x)
    last = shape[-1]
    kinds = [
        f"({x} * full({shape_text(shape)}, 0.5, dtype = {writer.float}))",
        f"({x} + 0.1 * cast(arange({last}), {writer.float}))",
        f"({x} + 0.1 * arange(1, {last} + 1, dtype = {writer.float}))",
        f"({x} - 0.5 * ones_like({x}) + zeros_like({x}))",
        f"({x} + broadcast_to(mean({x}, axis = 1, keepdims = true), {shape_text(shape)}))",
        f"({x} * (sigmoid({x}[:, :1]) |> expand({shape_text(('-1', *shape[1:]))})))",
        f"({x} + full([{last}], 0.25, dtype = {writer.float}))",
    ]
    return writer.one_of(kinds)


@term(*_ANY)
def _in_parts(writer: Writer, x: str, shape: Shape) -> str:
    """Cut, and put together the other way round."""
    axis = writer.number(1, len(shape) - 1)
    if not shape[axis].isdigit() or int(shape[axis]) < 2:
        return f"flip({x}, axis = {axis})"
    first, second = writer.fresh("t"), writer.fresh("t")
    sizes = f"[1, {int(shape[axis]) - 1}]"
    writer.line(f"{first}, {second} = {x} |> split({sizes}, axis = {axis})")
    return (
        f"concat([{second}, {expression(writer, first, _one_at(shape, axis), 1)}], axis = {axis})"
    )


def _one_at(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], "1", *shape[axis + 1 :])


@term(2, 3, 4)
def _with_a_new_axis(writer: Writer, x: str, shape: Shape) -> str:
    """Computed with one more axis, which indexing makes and takes."""
    there, back, wide = writer.one_of(
        [
            ("[:, none]", "[:, 0]", (shape[0], "1", *shape[1:])),
            ("[..., none]", "[..., 0]", (*shape, "1")),
        ]
    )
    return f"({expression(writer, f'{writer.named(x)}{there}', wide, 1)}){back}"


@term(*_ANY)
def _against_a_peak(writer: Writer, x: str, shape: Shape) -> str:
    x = writer.named(x)
    axis = writer.number(1, len(shape) - 1)
    kind = writer.one_of(["max", "min"])
    return f"({x} - 0.5 * {kind}({x}, axis = {axis}, keepdims = true))"


@term(*_ANY, weight=2)
def _concatenated(writer: Writer, x: str, shape: Shape) -> str:
    axis = writer.number(1, len(shape) - 1)
    x = writer.named(x)
    other = expression(writer, x, shape, 1)
    cut = ", ".join([":"] * axis + [writer.one_of([f":{shape[axis]}", f"{shape[axis]}:", "::2"])])
    return f"concat([{x}, {other}], axis = {axis})[{cut}]"


@term(*_ANY)
def _repeated(writer: Writer, x: str, shape: Shape) -> str:
    axis = writer.number(1, len(shape) - 1)
    cut = ", ".join([*[":"] * axis, f":{shape[axis]}"])
    ones = ", ".join("2" if k == axis else "1" for k in range(len(shape)))
    return writer.one_of(
        [f"({x} |> repeat(2, axis = {axis}))[{cut}]", f"({x} |> tile([{ones}]))[{cut}]"]
    )


@term(*_ANY)
def _padded(writer: Writer, x: str, shape: Shape) -> str:
    axis = writer.number(1, len(shape) - 1)
    pads = ", ".join("[1, 0]" if k == axis else "[0, 0]" for k in range(len(shape)))
    cut = ", ".join([*[":"] * axis, f":{shape[axis]}"])
    mode = writer.one_of(["", ', mode = "edge"'])
    return f"({x} |> pad([{pads}]{mode}))[{cut}]"


# ------------------------------------------------------------------------------------------ layers


@term(*_ANY, known=(-1,), weight=4)
def _over_the_last_axis(writer: Writer, x: str, shape: Shape) -> str:
    size = shape[-1]
    kinds = [
        f"dense({size})",
        f"dense({size}, bias = false)",
        "layer_norm",
        "rms_norm",
        "layer_norm(bias = false)",
        "layer_norm(affine = false)",
        f"dense({size}, init = glorot_normal(), bias_init = constant(0.1))",
        f'dense({size}, name = "{writer.fresh("named")}")',
    ]
    if size == "1":  # less its own mean it is 0, and rounding grows by 1 / sqrt(eps)
        kinds = ["rms_norm" if kind.startswith("layer_norm") else kind for kind in kinds]
    return f"({x} |> {writer.one_of(kinds)})"


@term(3, 4, known=(-1, -2))
def _over_two_axes(writer: Writer, x: str, shape: Shape) -> str:
    return f"({x} |> {writer.one_of(['layer_norm', 'rms_norm'])}(axes = [-2, -1]))"


@term(*_ANY, known=(1,), weight=3)
def _over_channels(writer: Writer, x: str, shape: Shape) -> str:
    kinds = ["batch_norm", "batch_norm", "group_norm(1)", "prelu", "instance_norm"]
    kinds += ["batch_norm(momentum = 0.5, eps = 1e-3)", "batch_norm(affine = false)"]
    return f"({x} |> {writer.one_of(kinds if len(shape) > 2 else ['batch_norm'])})"


@term(*_ANY, weight=2)
def _dropped(writer: Writer, x: str, shape: Shape) -> str:
    layers = writer.noise(
        "dropout(0.25)", "dropout(0.5)", "channel_dropout(0.25)", "stochastic_depth(0.25)"
    ) or ("tanh", "gelu")
    return f"({x} |> {writer.one_of(layers)})"


@term(*_ANY, weight=4)
def _bound_layer(writer: Writer, x: str, shape: Shape) -> str:
    layers = [layer for layer in writer.layers if layer.takes(shape)]
    return f"({x} |> {writer.one_of(layers).name})" if layers else f"tanh({x})"


@term(4, known=(1,), weight=6)
def _convolution(writer: Writer, x: str, shape: Shape) -> str:
    channels = shape[1]
    kinds = [
        f"conv2d({channels}, 1)",
        f"conv2d({channels}, 3, padding = 1)",
        f"conv2d({channels}, [3, 1], padding = [1, 0], bias = false)",
        f"conv2d({channels}, 3, padding = 2, dilation = 2, groups = {channels})",
        f'conv2d({channels}, 2, padding = "same")',
        f"conv_transpose2d({channels}, 3, padding = 1)",
        f"conv_transpose2d({channels}, 3, stride = 1, padding = 1, groups = {channels})",
        f"conv2d({channels}, [1, 3], padding = [[0, 0], [2, 0]])",
    ]
    return f"({x} |> {writer.one_of(kinds)})"


@term(4, known=(1,), weight=2)
def _standard_images(writer: Writer, x: str, shape: Shape) -> str:
    channels = shape[1]
    calls = writer.standard(
        f"ConvBnRelu({channels}, kernel = 3, padding = 1)",
        f"BasicBlock({channels})",
        "SqueezeExcite(2)",
        f"InvertedResidual({channels}, expansion = 2)",
        f"DoubleConv({channels})",
    )
    return f"({x} |> {writer.one_of(calls)})" if calls else f"({x} |> batch_norm)"


@term(3, known=(-1,), weight=2)
def _standard_sequences(writer: Writer, x: str, shape: Shape) -> str:
    calls = writer.standard(
        "MultiHeadAttention(1, causal = true)",
        "FeedForward(3, activation = silu)",
        "EncoderLayer(1, hidden = 4, rate = 0.0)",
        "EncoderLayer(1, hidden = 4, rate = 0.0, pre_norm = false)",
    )
    if not calls:
        return f"({x} |> layer_norm)"
    x = writer.named(x)
    twice = f"CrossAttention(1)({x}, tanh({x}))"
    return writer.one_of([*(f"({x} |> {call})" for call in calls), twice])


@term(5, known=(1,), weight=4)
def _volume_convolution(writer: Writer, x: str, shape: Shape) -> str:
    channels = shape[1]
    kinds = [
        f"conv3d({channels}, 1)",
        f"conv3d({channels}, 3, padding = 1)",
        f"conv_transpose3d({channels}, 3, padding = 1)",
    ]
    return f"({x} |> {writer.one_of(kinds)})"


@term(5, weight=4)
def _volume_pool(writer: Writer, x: str, shape: Shape) -> str:
    return f"({x} |> {writer.one_of(['max', 'avg'])}_pool3d(3, stride = 1, padding = 1))"


@term(4, known=(1,))
def _squeezed_and_excited(writer: Writer, x: str, shape: Shape) -> str:
    x = writer.named(x)
    return f"({x} * sigmoid({x} |> global_avg_pool2d |> conv2d({shape[1]}, 1)))"


@term(4, weight=2)
def _pooled(writer: Writer, x: str, shape: Shape) -> str:
    return f"({x} |> {writer.one_of(['max', 'avg'])}_pool2d(3, stride = 1, padding = 1))"


@term(3, known=(1,), weight=4)
def _line_convolution(writer: Writer, x: str, shape: Shape) -> str:
    kinds = ["1", "3, padding = 1", "3, padding = 1, bias = false", '2, padding = "same"']
    name = writer.one_of(["conv1d", "conv1d", "conv_transpose1d"])
    return f"({x} |> {name}({shape[1]}, {writer.one_of(kinds[:3] if 'trans' in name else kinds)}))"


@term(3)
def _line_average(writer: Writer, x: str, shape: Shape) -> str:
    x = writer.named(x)
    return f"({x} - ({x} |> global_avg_pool1d))"


@term(3)
def _line_pool(writer: Writer, x: str, shape: Shape) -> str:
    return f"({x} |> {writer.one_of(['max', 'avg'])}_pool1d(3, stride = 1, padding = 1))"


@term(3, known=(-1,))
def _recurrent(writer: Writer, x: str, shape: Shape) -> str:
    bias = writer.one_of(["", "", ", bias = false"])
    return f"({x} |> {writer.one_of(['gru', 'lstm', 'rnn'])}({shape[-1]}{bias}))"


@term(3, 4, known=(-1,), weight=2)
def _attention(writer: Writer, x: str, shape: Shape) -> str:
    x = writer.named(x)
    causal = writer.one_of(["", ", causal = true", ", scale = 0.25"])
    query = expression(writer, x, shape, 1)
    order = [*range(len(shape) - 2), len(shape) - 1, len(shape) - 2]
    bias = writer.one_of(["", f", 0.1 * ({x} @ transpose({x}, {order}))"])
    return f"scaled_dot_product_attention({query}, {x}, {x}{bias}{causal})"


# -------------------------------------------------------------------------------- there and back


@term(3, 4, weight=3)
def _turned(writer: Writer, x: str, shape: Shape) -> str:
    """Computed with the axes in another order."""
    rank = len(shape)
    swap = [0, *range(1, rank - 2), rank - 1, rank - 2]
    rest = [0, *range(2, rank), 1]
    order = writer.one_of([swap, rest])
    back = [order.index(axis) for axis in range(rank)]
    inner = expression(writer, f"({x} |> transpose({order}))", tuple(shape[k] for k in order), 1)
    return f"({inner} |> {writer.one_of(['transpose', 'permute'])}({back}))"


@term(4, weight=3)
def _as_a_line(writer: Writer, x: str, shape: Shape) -> str:
    """Computed with two axes as one."""
    n, c, h, w = shape
    flat = writer.one_of([(n, times(c, h), w), (n, c, times(h, w))])
    inner = expression(writer, f"({x} |> reshape({shape_text(flat)}))", flat, 1)
    return f"({inner} |> reshape({shape_text(shape)}))"


@term(3, weight=2)
def _as_an_image(writer: Writer, x: str, shape: Shape) -> str:
    axis = writer.number(1, 3)
    wide = (*shape[:axis], "1", *shape[axis:])
    inner = expression(writer, f"({x} |> unsqueeze(axis = {axis}))", wide, 1)
    return f"({inner} |> squeeze(axis = {axis}))"


@term(4, weight=2)
def _as_a_volume(writer: Writer, x: str, shape: Shape) -> str:
    axis = writer.number(1, 4)
    wide = (*shape[:axis], "1", *shape[axis:])
    inner = expression(writer, f"({x} |> unsqueeze(axis = {axis}))", wide, 2)
    return f"({inner} |> squeeze(axis = {axis}))"


@term(3, 4, known=(1, 2, -1))
def _flat(writer: Writer, x: str, shape: Shape) -> str:
    size = times(*shape[1:])
    inner = expression(writer, f"({x} |> flatten)", (shape[0], size), 1)
    return f"({inner} |> reshape({shape_text(shape)}))"


@term(4)
def _shuffled(writer: Writer, x: str, shape: Shape) -> str:
    n, c, h, w = shape
    if not c.isdigit() or int(c) % 2:
        return f"relu({x})"
    half = str(int(c) // 2)
    split = shape_text((n, "2", half, h, w))
    return (
        f"({x} |> reshape({split}) |> transpose([0, 2, 1, 3, 4]) |> reshape({shape_text(shape)}))"
    )


@term(3, 4, known=(-1,))
def _product(writer: Writer, x: str, shape: Shape) -> str:
    x = writer.named(x)
    order = [*range(len(shape) - 2), len(shape) - 1, len(shape) - 2]
    return f"(softmax({x} @ transpose({x}, {order})) @ {x})"
