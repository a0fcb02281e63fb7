"""Expressions whose result has another shape than the tensor of numbers that they take.

A new one joins by `@change`: a function of the writer, the text of the operand and its shape, that
gives the text and the shape of the result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.random_programs.writer import Shape, Writer, shape_text, times

Make = Callable[[Writer, str, Shape], tuple[str, Shape] | None]

CHANGES: Final[list[tuple[tuple[int, ...], Make]]] = []


def change(*ranks: int) -> Callable[[Make], Make]:
    """Registers an expression for tensors of these ranks; it gives None where it does not fit."""

    def register(make: Make) -> Make:
        CHANGES.append((ranks, make))
        return make

    return register


def changed(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    fitting = [make for ranks, make in CHANGES if len(shape) in ranks]
    return writer.one_of(fitting)(writer, x, shape)


@change(2, 3, 4)
def _dense(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    if not writer.is_known(shape[-1]):
        return None
    units = writer.one_of(writer.sizes)
    return f"({x} |> dense({units}))", (*shape[:-1], units)


@change(2)
def _rows_to_image(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    if not writer.is_known(shape[-1]):
        return None
    sizes = tuple(writer.one_of(writer.sizes) for _ in range(3))
    image = (shape[0], *sizes)
    return f"({x} |> dense({times(*sizes)}) |> reshape({shape_text(image)}))", image


@change(2)
def _rows_to_line(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    if not writer.is_known(shape[-1]):
        return None
    line = (shape[0], writer.one_of(writer.sizes), writer.one_of(writer.sizes))
    return f"({x} |> dense({times(*line[1:])}) |> reshape({shape_text(line)}))", line


@change(4)
def _convolved(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    if not writer.is_known(shape[1]):
        return None
    n, _, h, w = shape
    channels = writer.one_of(writer.sizes)
    kind = writer.one_of(
        ["conv2d({}, 3, padding = 1)", *writer.standard("ConvBnRelu({}, kernel = 1)")]
    )
    return f"({x} |> {kind.format(channels)})", (n, channels, h, w)


@change(4)
def _upsampled(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    if not writer.is_known(shape[1]):
        return None
    n, _, h, w = shape
    channels = writer.one_of(writer.sizes)
    made = (n, channels, times(2, h), times(2, w))
    return f"({x} |> conv_transpose2d({channels}, 2, stride = 2))", made


@change(3, 4)
def _resized(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    mode = writer.one_of(["nearest", "linear", "cubic"][: len(shape) - 1])
    coordinates = writer.one_of(["half_pixel", "align_corners", "asymmetric"])
    settings = f'mode = "{mode}", coordinates = "{coordinates}"'
    if writer.one_of([True, False]):
        twice = tuple(times(2, size) for size in shape[2:])
        return f"({x} |> upsample(2, {settings}))", (*shape[:2], *twice)
    sizes = tuple(writer.one_of(writer.sizes) for _ in shape[2:])
    return f"({x} |> resize({shape_text(sizes)}, {settings}))", (*shape[:2], *sizes)


@change(4)
def _sampled(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    mode = writer.one_of(["bilinear", "nearest"])
    padding = writer.one_of(["zeros", "border"])
    corners = writer.one_of(["true", "false"])
    grid = f"stack([tanh(mean({x}, axis = 1)), sin(max({x}, axis = 1))], axis = 3)"
    settings = f'mode = "{mode}", padding = "{padding}", align_corners = {corners}'
    return f"({x} |> grid_sample({grid}, {settings}))", shape


@change(4)
def _halved(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    n, c, h, w = shape
    if not (h.isdigit() and w.isdigit()) or int(h) < 2 or int(w) < 2:
        return None
    kind = writer.one_of(["max", "avg"])
    made = (n, c, str(int(h) // 2), str(int(w) // 2))
    return f"({x} |> {kind}_pool2d(2))", made


@change(4)
def _pooled_apart(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    """Windows with gaps, and those that cover an image unevenly."""
    n, c, h, w = shape
    kind = writer.one_of(["max", "avg"])
    if not (h.isdigit() and w.isdigit()) or int(h) < 2 or int(w) < 2:
        return f"({x} |> adaptive_{kind}_pool2d(1))", (n, c, "1", "1")
    if writer.one_of([True, False]):
        settings = "stride = 1, padding = 1, dilation = 2"
        return f"({x} |> {kind}_pool2d(2, {settings}))", shape
    sizes = tuple(str(writer.number(1, 3)) for _ in range(2))
    return f"({x} |> adaptive_{kind}_pool2d({shape_text(sizes)}))", (n, c, *sizes)


@change(4)
def _pooled(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    kind = writer.one_of(["avg", "max"])
    return f"({x} |> global_{kind}_pool2d |> flatten)", shape[:2]


@change(4)
def _pixels_and_channels(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    n, c, h, w = shape
    if h.isdigit() and w.isdigit() and not (writer.is_known(c) and writer.chance(2)):
        if int(h) % 2 or int(w) % 2:
            return f"({x} |> upsample(2) |> pixel_unshuffle(2))", (n, times(4, c), h, w)
        made = (n, times(4, c), str(int(h) // 2), str(int(w) // 2))
        return f"({x} |> pixel_unshuffle(2))", made
    if not writer.is_known(c):
        return None
    return f"({x} |> conv2d(8, 1) |> pixel_shuffle(2))", (n, "2", times(2, h), times(2, w))


@change(2, 3, 4)
def _halves_gated(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    if not writer.is_known(shape[-1]):
        return None
    units = writer.one_of(writer.sizes)
    return f"({x} |> dense(2 * {units}) |> glu)", (*shape[:-1], units)


@change(3, 4)
def _unbound(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    axes = [k for k in range(1, len(shape)) if shape[k].isdigit() and int(shape[k]) > 1]
    if not axes:
        return None
    axis = writer.one_of(axes)
    names = [writer.fresh("part") for _ in range(int(shape[axis]))]
    writer.line(f"{', '.join(names[:1] + ['_' + n for n in names[1:]])} = {x} |> unbind({axis})")
    return names[0], (*shape[:axis], *shape[axis + 1 :])


@change(3, 4)
def _flattened(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    return f"({x} |> flatten)", (shape[0], times(*shape[1:]))


@change(4)
def _joined_axes(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    n, c, h, w = shape
    made = writer.one_of([(n, times(c, h), w), (n, c, times(h, w))])
    return f"({x} |> reshape({shape_text(made)}))", made


@change(4)
def _tokens(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    n, c, h, w = shape
    text = f"({x} |> reshape({shape_text((n, c, times(h, w)))}) |> transpose([0, 2, 1]))"
    return text, (n, times(h, w), c)


@change(3)
def _with_an_axis(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    axis = writer.number(1, 3)
    return f"({x} |> unsqueeze(axis = {axis}))", (*shape[:axis], "1", *shape[axis:])


@change(3, 4)
def _turned(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    rank = len(shape)
    order = writer.one_of([[0, *range(2, rank), 1], [0, rank - 1, *range(1, rank - 1)]])
    return f"({x} |> transpose({order}))", tuple(shape[k] for k in order)


@change(3, 4)
def _reduced(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    axis = writer.number(1, len(shape) - 1)
    kind = writer.one_of(["mean", "sum", "var", "logsumexp", "sum_square", "log_sum"])
    if kind == "log_sum":
        x = f"(1 + square({x}))"
    return f"{kind}({x}, axis = {axis})", (*shape[:axis], *shape[axis + 1 :])


@change(3, 4)
def _cell(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    axis = writer.number(1, len(shape) - 1)
    index = ", ".join([*[":"] * axis, writer.one_of(["0", "-1"])])
    return f"{x}[{index}]", (*shape[:axis], *shape[axis + 1 :])


@change(3, 4)
def _gru_state(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    if len(shape) != 3 or not writer.is_known(shape[-1]):
        return None
    name = writer.fresh("state")
    writer.line(f"_{name}, {name} = {x} |> gru(3, return_state = true)")
    return f"{name}[0]", (shape[0], "3")


@change(2, 3, 4)
def _top(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    """Two outputs of which one is not used."""
    if not shape[-1].isdigit() or int(shape[-1]) < 2:
        return None
    name = writer.fresh("top")
    writer.line(f"{name}, _{name} = {x} |> topk(2)")
    return name, (*shape[:-1], "2")


@change(4)
def _reduced_image(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    """Fewer cells, by a window that leaves some out or begins in the padding."""
    n, c, h, w = shape
    if not (c.isdigit() and h.isdigit() and w.isdigit()) or min(int(h), int(w)) < 2:
        return None
    up = (n, c, *(str((int(size) + 1) // 2) for size in (h, w)))
    down = (n, c, *(str(int(size) // 2) for size in (h, w)))
    kinds = [
        (f"conv2d({c}, 3, stride = 2, padding = 1)", up),
        (f"conv2d({c}, 2, stride = 2, padding = 1, bias = false)", (n, c, *_plus(down))),
        ("avg_pool2d(2, stride = 2, ceil = true)", up),
        ("avg_pool2d(3, stride = 2, padding = 1, count_include_pad = true)", up),
        ("max_pool2d(3, stride = 2, padding = 1)", up),
        ("adaptive_avg_pool2d(1)", (n, c, "1", "1")),
        *((text, up) for text in writer.standard(f"BasicBlock({c}, stride = 2)")),
    ]
    text, made = writer.one_of(kinds)
    return f"({x} |> {text})", made


def _plus(shape: Shape) -> Shape:
    return tuple(str(int(size) + 1) for size in shape[2:])


@change(4)
def _patches(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    n, c, h, w = shape
    if not (c.isdigit() and h.isdigit() and w.isdigit()) or int(h) % 2 or int(w) % 2:
        return None
    if not writer.standard(""):
        return None
    width = writer.one_of(writer.sizes)
    made = (n, str(int(h) * int(w) // 4), width)
    return f"({x} |> PatchEmbedding({width}, patch = 2))", made


@change(3)
def _line_upsampled(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    if not writer.is_known(shape[1]):
        return None
    channels = writer.one_of(writer.sizes)
    made = (shape[0], channels, times(2, shape[2]))
    return f"({x} |> conv_transpose1d({channels}, 2, stride = 2))", made


@change(3)
def _recurrent_states(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    """The sequence and the last state of one layer, both of them used."""
    if not writer.is_known(shape[-1]):
        return None
    name, units = writer.fresh("state"), writer.one_of(["2", "3"])
    both = writer.chance(2)
    options = f"{units}{', bidirectional = true' * both}, return_state = true"
    kind = writer.one_of([("h{0}, {0}", "gru"), ("h{0}, {0}", "rnn"), ("h{0}, {0}, c{0}", "lstm")])
    writer.line(f"{kind[0].format(name)} = {x} |> {kind[1]}({options})")
    last = f"{name}[-1] + c{name}[0]" if kind[1] == "lstm" else f"{name}[-1]"
    made = (*shape[:2], times(2 if both else 1, units))
    return f"(h{name} + mean({last}))", made


@change(3)
def _stacked_recurrent(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    if not writer.is_known(shape[-1]):
        return None
    kind = writer.one_of(["gru", "lstm", "rnn"])
    dropout = writer.one_of(["", *writer.noise(", dropout = 0.25")])
    return f"({x} |> {kind}(2, layers = 2, bidirectional = true{dropout}))", (*shape[:2], "4")


@change(3)
def _matrix_product(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    n, rows, _ = shape
    x = writer.named(x)
    return f"({x} @ transpose({x}, [0, 2, 1]))", (n, rows, rows)


@change(2, 3)
def _outer(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    """Every cell with every other one, by new axes."""
    x = writer.named(x)
    last = shape[-1]
    return f"({x}[..., none] - 0.5 * {x}[..., none, :])", (*shape, last)


@change(3, 4)
def _normed(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    axis = writer.number(1, len(shape) - 1)
    kind = writer.one_of(["l1({0}", "prod(1 + 0.1 * tanh({0})", "l2(1 + abs({0})"])
    return f"{kind.format(x)}, axis = {axis})", (*shape[:axis], *shape[axis + 1 :])


@change(2, 3, 4)
def _lengthened(writer: Writer, x: str, shape: Shape) -> tuple[str, Shape] | None:
    axis = writer.number(1, len(shape) - 1)
    made = (*shape[:axis], times(2, shape[axis]), *shape[axis + 1 :])
    twos = ", ".join("2" if k == axis else "1" for k in range(len(shape)))
    x = writer.named(x)
    kinds = [f"repeat({x}, 2, axis = {axis})", f"tile({x}, [{twos}])"]
    return writer.one_of([*kinds, f"concat([{x}, tanh({x})], axis = {axis})"]), made
