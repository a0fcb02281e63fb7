"""Statements of random programs.

A new one joins by `@statement`: a function of the writer, which writes lines and keeps what the
writer knows true.  It may do nothing where it does not fit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tests.random_programs.changes import changed
from tests.random_programs.masks import mask_for
from tests.random_programs.terms import expression
from tests.random_programs.writer import (
    Block,
    Layer,
    Parameter,
    Shape,
    Tensor,
    Writer,
    as_float,
    renamed,
    shape_text,
    times,
)

Make = Callable[[Writer], None]
STATEMENTS: Final[list[Make]] = []
_DEEPEST = 2


def statement(weight: int = 1) -> Callable[[Make], Make]:
    """Registers a statement; `weight` is how often it is chosen."""

    def register(make: Make) -> Make:
        STATEMENTS.extend([make] * weight)
        return make

    return register


def statements(writer: Writer, most: int) -> None:
    for _ in range(writer.number(1, most)):
        writer.one_of(STATEMENTS)(writer)


@statement(weight=4)
def assign(writer: Writer) -> None:
    """Something of the same shape, under an old name or a new one."""
    tensor = writer.tensor()
    if tensor is None:
        return
    text = expression(writer, tensor.name, tensor.shape, writer.number(1, 3))
    if writer.chance(3):
        writer.bind(text, tensor.shape)
    else:
        _rebind(writer, tensor, text)


def _rebind(writer: Writer, tensor: Tensor, text: str) -> None:
    writer.line(f"{tensor.name} = {text}")
    writer.unused[tensor.name] = tensor


@statement(weight=4)
def change(writer: Writer) -> None:
    """Something of another shape."""
    tensor = writer.tensor()
    made = None if tensor is None else changed(writer, tensor.name, tensor.shape)
    if made is not None:
        writer.bind(*made)
    elif tensor is not None:
        writer.unused[tensor.name] = tensor


@statement(weight=6)
def loop(writer: Writer) -> None:
    tensor = None if writer.depth >= _DEEPEST else writer.tensor()
    if tensor is None:
        return
    index = writer.fresh("i")
    counts = ["2", "2", "1", "3", *writer.counts]
    kinds = [
        f"for {index} in range({writer.one_of(counts)})",
        f"for {index}, s{index} in enumerate([0.5, 1.25])",
        f"for s{index} in [1.5, -0.5]",
        f"for {index}, s{index} in zip([0, 1, 2], [1.5, 0.5, -1.5])",
        f"for {index}, (s{index}, _{index}) in enumerate(STAGES)",
        f"for {index} in range(len(STAGES))",
    ]
    head = writer.one_of(kinds)
    numbers, flags = list(writer.numbers), list(writer.flags)
    if f"s{index}" in head:
        writer.numbers.append(f"s{index}")
    if f"for {index}" in head:
        writer.flags += [f"{index} == 0", f"{index} > 0"]
    writer.line(f"{head} {{")
    with writer.body():
        _carry(writer, tensor)
    writer.numbers, writer.flags = numbers, flags
    writer.unused[tensor.name] = tensor


def _carry(writer: Writer, tensor: Tensor) -> None:
    """The body of a loop or branch, in which one tensor surely gets a new value."""
    if writer.chance(2):
        writer.one_of(STATEMENTS)(writer)
    if not (writer.number(0, 2) and call_same(writer, tensor)):
        text = expression(writer, tensor.name, tensor.shape, writer.number(1, 2))
        writer.line(f"{tensor.name} = {text}")
    if writer.chance(3):
        writer.one_of(STATEMENTS)(writer)


@statement()
def growing_loop(writer: Writer) -> None:
    """A loop in which the number of features changes, and what it leaves behind in a list."""
    tensor = writer.tensor(lambda t: t.rank in (2, 3, 4) and writer.is_known(t.shape[1]))
    if tensor is None:
        return
    layer = {2: "dense({})", 3: "conv1d({}, 1)", 4: "conv2d({}, 3, padding = 1)"}[tensor.rank]
    name, width, kept = writer.fresh("t"), writer.fresh("width"), writer.fresh("kept")
    widths = [writer.one_of(["2", "3", "4"]) for _ in range(writer.number(1, 3))]
    keep = writer.chance(2)
    writer.line(f"{name} = {tensor.name}")
    if keep:
        writer.line(f"{kept} = []")
    writer.line(f"for {width} in [{', '.join(widths)}] {{")
    writer.line(
        f"    {name} = {name} |> {layer.format(width)} |> {writer.one_of(writer.functions)}"
    )
    if keep:
        writer.line(f"    {kept} = {kept} + [{name}]")
    writer.line("}")
    shape = (tensor.shape[0], widths[-1], *tensor.shape[2:])
    writer.add(Tensor(name, shape))
    if keep:
        joined = (shape[0], str(sum(map(int, widths))), *shape[2:])
        writer.bind(f"concat({kept}, axis = 1)", joined)


@statement()
def listed_values(writer: Writer) -> None:
    """An array whose elements the source lists, trained or not."""
    tensor = writer.tensor(lambda t: t.shape[-1].isdigit())
    if tensor is None:
        return
    name, size = writer.fresh("list"), int(tensor.shape[-1])
    values = ", ".join(writer.one_of(["0.5", "-1.25", "2", "0"]) for _ in range(size))
    writer.line(f"{writer.one_of(['buffer', 'param'])} {name}: {writer.float}[{size}] = [{values}]")
    _rebind(writer, tensor, f"{tensor.name} {writer.one_of(['*', '+'])} {name}")


@statement(weight=2)
def branch(writer: Writer) -> None:
    tensor = writer.tensor() if writer.flags and writer.depth < _DEEPEST else None
    if tensor is None:
        return
    flag, two = writer.one_of(writer.flags), writer.chance(2)
    writer.line(f"if {flag} {{")
    with writer.body("} else {" if two else "}"):
        _carry(writer, tensor)
    if two:
        with writer.body():
            _carry(writer, tensor)
    writer.unused[tensor.name] = tensor


@statement()
def choice(writer: Writer) -> None:
    tensor = writer.tensor() if writer.flags else None
    if tensor is None:
        return
    kinds = [f"{writer.one_of(writer.functions)}({tensor.name})", f"0.5 * {tensor.name}"]
    if writer.is_known(tensor.shape[-1]):
        kinds.append(f"{tensor.name} |> dense({tensor.shape[-1]})")
    a, b = writer.one_of(kinds), writer.one_of(kinds)
    _rebind(writer, tensor, f"if {writer.one_of(writer.flags)} {{ {a} }} else {{ {b} }}")


@statement()
def swap(writer: Writer) -> None:
    first = writer.tensor()
    second = writer.tensor(lambda t: first is not None and t.shape == first.shape and t != first)
    if first is None or second is None:
        if first is not None:
            writer.unused[first.name] = first
        return
    new = writer.one_of([first.name, f"{first.name} * 0.5 + {second.name}"])
    writer.line(f"{first.name}, {second.name} = {second.name}, {new}")
    for tensor in (first, second):
        writer.unused[tensor.name] = tensor


@statement(weight=2)
def configured(writer: Writer) -> None:
    """What the settings of a model or block make of a tensor."""
    tensor = writer.tensor(lambda t: writer.is_known(t.shape[-1]))
    if tensor is None:
        return
    x, wide = tensor.name, writer.sizes[-1]
    kinds = [f"{x} + mean({x} |> dense({wide}) |> relu, axis = -1, keepdims = true)"]
    kinds.append(f"{x} + (tanh({x} |> dense({wide})) |> dense({tensor.shape[-1]}))")
    kinds += [
        f"if {flag} {{ {x} |> layer_norm }} else {{ tanh({x}) }}" for flag in writer.flags[:1]
    ]
    if writer.counts and writer.chance(2):
        writer.line(f"for _ in range({writer.counts[-1]}) {{")
        writer.line(
            f"    {x} = {x} |> dense({tensor.shape[-1]}) |> {writer.one_of(writer.functions)}"
        )
        writer.line("}")
    _rebind(writer, tensor, writer.one_of(kinds))


@statement()
def share_a_transposed_convolution(writer: Writer) -> None:
    tensor = writer.tensor(lambda t: t.rank == 4 and writer.is_known(t.shape[1]))
    if tensor is None:
        return
    name = writer.fresh("up")
    writer.line(f"{name} = conv_transpose2d({tensor.shape[1]}, 3, padding = 1)")
    _rebind(writer, tensor, f"{name}(tanh({name}({tensor.name})))")


@statement(weight=2)
def share(writer: Writer) -> None:
    """A bound layer, applied now and perhaps again."""
    tensor = writer.tensor(lambda t: t.rank < 5)
    if tensor is None:
        return
    layer = bound_layer(writer, tensor.shape)
    twice = writer.chance(2)
    text = f"{layer.name}({tensor.name})"
    if twice:
        text = f"{layer.name}({writer.one_of(['{}', 'tanh({})']).format(text)})"
    _rebind(writer, tensor, text)
    writer.layers.append(layer)


def bound_layer(writer: Writer, shape: Shape) -> Layer:
    """A new layer that keeps tensors of this shape."""
    name, rank = writer.fresh("layer"), len(shape)
    kinds: list[tuple[str, Layer]] = []
    if writer.is_known(shape[-1]):
        last = Layer(name, -1, shape[-1])
        kinds += [(f"dense({shape[-1]})", last), ("layer_norm()", last)]
    if writer.is_known(shape[1]):
        channels = Layer(name, 1, shape[1], rank)
        if rank == 4:
            kinds += [(f"conv2d({shape[1]}, 3, padding = 1)", channels)]
            kinds += [(f"conv_transpose2d({shape[1]}, 3, padding = 1)", channels)]
        if rank == 3:
            kinds += [(f"conv1d({shape[1]}, 3, padding = 1)", channels)]
        kinds += [("batch_norm()", channels)]
    if not kinds:  # nothing whose parameters have a known shape
        kinds += [("dropout(0.25)", Layer(name, None, ""))]
    text, layer = writer.one_of(kinds)
    writer.line(f"{name} = {text}")
    return layer


@statement()
def several_layers(writer: Writer) -> None:
    """A list of layers, gone through by a loop."""
    tensor = writer.tensor(lambda t: writer.is_known(t.shape[-1]))
    if tensor is None:
        return
    name, item = writer.fresh("layers"), writer.fresh("each")
    units = tensor.shape[-1]
    kinds = [f"dense({units})", "layer_norm()", f"dense({units}, bias = false)"]
    kinds += writer.noise("dropout(0.25)")
    made = ", ".join(writer.one_of(kinds) for _ in range(writer.number(1, 3)))
    writer.line(f"{name} = [{made}]")
    writer.line(f"for {item} in {name} {{")
    writer.line(f"    {tensor.name} = {tensor.name} |> {item}")
    writer.line("}")
    writer.unused[tensor.name] = tensor


@statement()
def list_of_tensors(writer: Writer) -> None:
    tensor = writer.tensor()
    if tensor is None:
        return
    name = writer.fresh("list")
    items = [expression(writer, tensor.name, tensor.shape, 1) for _ in range(writer.number(2, 3))]
    writer.line(f"{name} = [{', '.join(items)}]")
    if writer.chance(2):
        writer.bind(
            f"{name}[0] + {name}[-1] + mean(stack({name}, axis = 1), axis = 1)", tensor.shape
        )
    else:
        axis = writer.number(1, tensor.rank - 1)
        size = times(len(items), tensor.shape[axis])
        shape = (*tensor.shape[:axis], size, *tensor.shape[axis + 1 :])
        writer.bind(f"concat({name}, axis = {axis})", shape)


@statement()
def parts(writer: Writer) -> None:
    """A tensor in two parts, in one statement."""
    tensor = writer.tensor(lambda t: t.shape[-1].isdigit() and int(t.shape[-1]) % 2 == 0)
    if tensor is None:
        return
    first, second = writer.fresh("t"), writer.fresh("t")
    half = (*tensor.shape[:-1], str(int(tensor.shape[-1]) // 2))
    kind = writer.one_of(["split", "chunk"])
    writer.line(f"{first}, {second} = {tensor.name} |> {kind}(2, axis = -1)")
    writer.add(Tensor(first, half))
    writer.add(Tensor(second, half))


@statement(weight=2)
def bound_block(writer: Writer) -> None:
    """A block made once and applied twice."""
    tensor = writer.tensor()
    if tensor is None:
        return
    for block in writer.blocks[::-1]:
        made = _keeping(writer, block, tensor) if len(block.outputs) == 1 else None
        if made is None:
            continue
        name = writer.fresh("bound")
        writer.line(f"{name} = {made}")
        between = writer.one_of(["{}", "tanh({})"]).format(f"{name}({tensor.name})")
        _rebind(writer, tensor, f"{name}({between})")
        return
    writer.unused[tensor.name] = tensor


@statement()
def tied(writer: Writer) -> None:
    """A product with the weight of a layer that was applied."""
    tensor = writer.tensor(lambda t: writer.is_known(t.shape[-1]))
    if tensor is None:
        return
    name, units = writer.fresh("dense"), writer.one_of(writer.sizes)
    writer.line(f"{name} = dense({units})")
    writer.line(f"{tensor.name} = {tensor.name} + mean({name}({tensor.name}))")
    kind = writer.one_of(["({0} @ transpose({1}.weight)) @ {1}.weight", "{0} * {1}.weight[0]"])
    _rebind(writer, tensor, kind.format(tensor.name, name))


@statement()
def constant_array(writer: Writer) -> None:
    if writer.depth:
        return
    tensor = writer.tensor(lambda t: writer.is_known(t.shape[-1]))
    if tensor is None:
        return
    name, size = writer.fresh("b"), tensor.shape[-1]
    kinds = [f"[{size}] = normal(std = 0.5)", "[1] = constant(0.5)", f"[{size}] = uniform()"]
    writer.line(f"buffer {name}: {writer.float}{writer.one_of(kinds)}")
    _rebind(writer, tensor, f"{tensor.name} * ({name} + 1)")


@statement()
def asserted(writer: Writer) -> None:
    """What is true of sizes and settings, in words and as a condition."""
    tensor = writer.tensor()
    if tensor is None:
        return
    writer.unused[tensor.name] = tensor
    size = writer.fresh("size")
    axis = writer.number(1, tensor.rank - 1)
    writer.line(f"{size} = {tensor.name}.shape[{axis}]")
    writer.line(f'assert {size} > 0 and {size} < 4096, "{{{size}}} cells"')
    shape = [s if k != axis else writer.one_of([size, "-1"]) for k, s in enumerate(tensor.shape)]
    _rebind(writer, tensor, f"tanh({tensor.name}) |> reshape([{', '.join(shape)}])")


@statement()
def own_parameter(writer: Writer) -> None:
    if writer.depth:
        return
    tensor = writer.tensor(lambda t: writer.is_known(*t.shape[1:]))
    if tensor is None:
        return
    name = writer.fresh("p")
    shape = shape_text(tensor.shape[writer.number(1, tensor.rank - 1) :])
    writer.line(f"param {name}: {writer.float}{shape} = normal(std = 0.5)")
    kind = writer.one_of(["({} + {})", "({} * {})", "({} - softmax({}, axis = -1))"])
    _rebind(writer, tensor, kind.format(tensor.name, name))


@statement()
def weighed(writer: Writer) -> None:
    """A convolution with a weight that is computed, back to the tensor's own shape."""
    tensor = writer.tensor(lambda t: t.rank in (3, 4) and writer.is_known(t.shape[1]))
    if tensor is None or writer.depth:
        return
    rank, channels = tensor.rank - 2, tensor.shape[1]
    name = writer.fresh("w")
    shape = shape_text(("2", channels, *("3",) * rank))
    writer.line(f"param {name}: {writer.float}{shape} = normal(std = 0.5)")
    axes = list(range(1, tensor.rank))
    weight = writer.one_of(
        [f"{name} - mean({name}, axis = {axes}, keepdims = true)", f"tanh({name})"]
    )
    there = f"conv{rank}d(weight = {weight}, padding = 1)"
    back = f"conv_transpose{rank}d(weight = {name}, padding = 1)"
    if writer.one_of([True, False]):
        bound = writer.fresh("layer")
        writer.line(f"{bound} = {back}")
        back = bound
    _rebind(writer, tensor, f"tanh({tensor.name} |> {there} |> {back})")


@statement()
def embedded(writer: Writer) -> None:
    ids = [t for t in writer.tensors if t.dtype == "int"]
    if not ids:
        return
    tensor = writer.use(writer.one_of(ids))
    size = writer.one_of(["2", "3", "4"])
    kinds = [
        f"embedding(4, {size}, dtype = {writer.float})",
        f"one_hot({size}, dtype = {writer.float})",
    ]
    writer.bind(f"{tensor.name} |> {writer.one_of(kinds)}", (*tensor.shape, size))


@statement()
def looked_up(writer: Writer) -> None:
    """Rows of an array, or of an embedding whose table is then the weight of a product."""
    ids = [t for t in writer.tensors if t.dtype == "int"]
    if not ids or writer.depth:
        return
    tensor = writer.use(writer.one_of(ids))
    name, size = writer.fresh("table"), writer.one_of(["2", "3", "4"])
    shape = (*tensor.shape, size)
    if writer.chance(2):
        writer.line(f"{name} = embedding(4, {size}, dtype = {writer.float})")
        made = writer.bind(f"{name}({tensor.name})", shape)
        writer.bind(f"{made.name} @ transpose({name}.weight)", (*tensor.shape, "4"))
        return
    writer.line(f"param {name}: {writer.float}[4, {size}] = normal(std = 0.5)")
    kinds = [
        f"gather({name}, {{}})",
        f"gather({name}, {{}} - 4)",
        f"take({name}, {{}}, axis = 0)",
        f"gather(transpose({name}), {{}}, axis = 1)[0][..., none] * {name}[0]",
    ]
    writer.bind(writer.one_of(kinds).format(f"cast({tensor.name}, i64)"), shape)


@statement()
def of_some_length(writer: Writer) -> None:
    """A recurrent layer that stops where it is told."""
    lengths = [t for t in writer.tensors if t.dtype == "int" and t.rank == 1]
    if not lengths:
        return
    tensor = writer.tensor(lambda t: t.rank == 3 and writer.is_known(t.shape[2]))
    if tensor is None:
        return
    steps = tensor.shape[1]
    length = writer.use(writer.one_of(lengths))
    kind = writer.one_of(["gru", "lstm", "rnn"])
    most = f"clip({length.name}, min = 1, max = {min(int(steps), 4) if steps.isdigit() else 1})"
    text = f"{kind}(3)({tensor.name}, lengths = cast({most}, i64))"
    writer.bind(text, (tensor.shape[0], steps, "3"))


@statement()
def steps(writer: Writer) -> None:
    """Whole numbers as others, with a fraction that is cut away."""
    ids = [t for t in writer.tensors if t.dtype == "int"]
    if not ids:
        return
    tensor = writer.use(writer.one_of(ids))
    number = f"(0.7 * cast({tensor.name}, {writer.float}) + 0.15)"
    kinds = [
        f"{writer.one_of(['floor', 'ceil', 'round', 'sign'])}({number})",
        f"cast(cast({number}, i32), {writer.float})",
        f"{number} // 0.4",
        f"{number} % 0.4",
    ]
    text = writer.one_of(kinds)
    if tensor.rank > 1:
        writer.bind(text, tensor.shape)
    else:
        writer.bind(f"({text})[..., none]", (*tensor.shape, "1"))


@statement()
def whole_numbers(writer: Writer) -> None:
    ids = [t for t in writer.tensors if t.dtype == "int"]
    if not ids:
        return
    tensor = writer.one_of(ids)
    kinds = ["({0} + 1) % 4", "{0} // 2", "3 - {0}", "clip({0}, max = 2)", "abs({0} - 2)"]
    kinds += ["minimum({0}, 3 - {0})", "where({0} > 1, {0}, 3)", "({0} * {0}) % 4", "{0} + 1 - 1"]
    if tensor.rank > 1:
        last = tensor.rank - 1
        kinds += [
            f"cumsum({{0}}, axis = {last}) % 4",
            f"(sum({{0}}, axis = {last}, keepdims = true) + {{0}}) % 4",
            f"maximum(min({{0}}, axis = {last}, keepdims = true), {{0}})",
            f"flip({{0}}, axis = {last})",
            f"roll({{0}}, 1, axis = {last})",
            f"(argmax({{0}}, axis = {last}, keepdims = true) % 2 + cast({{0}}, i64)) % 4",
            f"concat([{{0}}[:, :1], 3 - {{0}}], axis = 1)[:, :{tensor.shape[1]}]",
        ]
    writer.bind(writer.one_of(kinds).format(tensor.name), tensor.shape, "int")


@statement()
def other_integers(writer: Writer) -> None:
    """Whole numbers in another dtype."""
    found = [t for t in writer.tensors if t.dtype != "float"]
    if not found:
        return
    tensor = writer.one_of(found)
    writer.bind(f"cast({tensor.name}, {writer.one_of(['i32', 'i64'])})", tensor.shape, "int")


@statement()
def seen_or_not(writer: Writer) -> None:
    """A mask that two expressions use."""
    tensor = writer.tensor()
    if tensor is None:
        return
    name, x = writer.fresh("seen"), tensor.name
    writer.line(f"{name} = {mask_for(writer, tensor.shape)}")
    _rebind(writer, tensor, f"where({name}, {x}, 0) + where({name}, 0.5, tanh({x}))")


@statement()
def some_and_all(writer: Writer) -> None:
    """Bools of several: of a row, or joined."""
    found = [t for t in writer.tensors if t.dtype == "bool" and t.rank > 1]
    if not found:
        return
    tensor = writer.one_of(found)
    last = tensor.rank - 1
    kinds = [
        f"any({{0}}, axis = {last}, keepdims = true) and {{0}}",
        f"all({{0}}, axis = {last}, keepdims = true) or not {{0}}",
        f"flip({{0}}, axis = {last})",
        f"concat([{{0}}, not {{0}}], axis = {last})[..., :{tensor.shape[-1]}]",
        "where({0}, false, {0} == {0})",
        f"{{0}} != (arange({tensor.shape[-1]}) > 0)",
    ]
    writer.bind(writer.one_of(kinds).format(tensor.name), tensor.shape, "bool")


@statement()
def conditions(writer: Writer) -> None:
    """A tensor of bools."""
    kind = writer.number(0, 2)
    if kind == 0 and (tensor := writer.tensor()) is not None:
        text = writer.one_of(["{} > 0", "{} <= 0.5", "not ({} < 0)"]).format(tensor.name)
        writer.bind(text, tensor.shape, "bool")
        writer.unused[tensor.name] = tensor  # no gradient goes through a comparison
        return
    dtype = "int" if kind == 1 else "bool"
    found = [t for t in writer.tensors if t.dtype == dtype]
    if not found:
        return
    tensor = writer.one_of(found)
    kinds = {
        "int": ["{0} == 1", "{0} != 2 and {0} < 3", "{0} > 1 or {0} == 0"],
        "bool": ["not {0}", "{0} == false", "{0} and not {0}", "{0} or {0}"],
    }[dtype]
    writer.bind(writer.one_of(kinds).format(tensor.name), tensor.shape, "bool")


# -------------------------------------------------------------------------------- calls of blocks


@statement(weight=5)
def call(writer: Writer) -> None:
    if not writer.blocks:
        return
    block = writer.one_of(writer.blocks)
    found = _operands(writer, block)
    if found is None:
        return
    operands, sizes = found
    given = ", ".join(t.name for t in operands)
    if block.optional:
        own = operands[0].name
        given += writer.one_of([f", more = {own}", f", more = 0.5 * {own}", ", more = none", ""])
    text = f"{block.name}({_arguments(writer, block, sizes)})({given})"
    shapes = [tuple(renamed(size, sizes) for size in shape) for shape in block.outputs]
    if len(shapes) == 1:
        writer.bind(text, shapes[0])
        return
    names = [writer.fresh("t") for _ in shapes]
    idle = writer.number(0, len(shapes)) - 1  # of the last number, all are used
    bound = [f"_{name}" if k == idle else name for k, name in enumerate(names)]
    writer.line(f"{', '.join(bound)} = {text}")
    for k, (name, shape) in enumerate(zip(names, shapes, strict=True)):
        if k != idle:
            writer.add(Tensor(name, shape))


def _keeping(writer: Writer, block: Block, tensor: Tensor) -> str | None:
    """The text that makes a block which keeps the shape of a tensor, if it does."""
    first = block.inputs[0]
    sizes = _sizes(writer, block, [tensor])
    if len(block.inputs) > 1 or block.outputs[0] != first or sizes is None:
        return None
    return f"{block.name}({_arguments(writer, block, sizes)})"


def call_same(writer: Writer, tensor: Tensor) -> bool:
    """A call of a block that gives a tensor of the same shape, under the same name."""
    for block in writer.blocks:
        made = _keeping(writer, block, tensor)
        if made is None:
            continue
        text = f"{tensor.name} |> {made}"
        rest = "".join(f", _{writer.fresh('idle')}" for _ in block.outputs[1:])
        writer.line(f"{tensor.name}{rest} = {text}")
        return True
    return False


def _operands(writer: Writer, block: Block) -> tuple[list[Tensor], dict[str, str]] | None:
    chosen: list[Tensor] = []
    for shape in block.inputs:
        rank = len(shape)
        fitting = [
            t
            for t in reversed(writer.tensors)
            if t.dtype == "float" and t.rank == rank and _sizes(writer, block, [*chosen, t])
        ]
        if not fitting:
            return None
        chosen.append(writer.one_of(fitting))
    for tensor in chosen:
        writer.use(tensor)
    return chosen, _sizes(writer, block, chosen) or {}


def _sizes(writer: Writer, block: Block, given: list[Tensor]) -> dict[str, str] | None:
    """What the names of a block's sizes are for these operands; None where they do not fit."""
    found: dict[str, str] = {}
    for tensor, shape in zip(given, block.inputs, strict=False):
        if tensor.rank != len(shape):
            return None
        for size, name in zip(tensor.shape, shape, strict=True):
            if found.setdefault(name, size) != size:
                return None
            if name in block.known and not writer.is_known(size):
                return None
    return found


def _arguments(writer: Writer, block: Block, sizes: dict[str, str]) -> str:
    given = [(p, _argument(writer, p, block, sizes)) for p in block.parameters]
    return ", ".join(f"{p.name} = {text}" for p, text in given if text)


def _argument(writer: Writer, parameter: Parameter, block: Block, sizes: dict[str, str]) -> str:
    required = parameter.kind in ("layer", "layers")
    if not required and writer.chance(2):
        return ""
    match parameter.kind:
        case "function":
            bound = ["leaky_relu(alpha = 0.3)", "elu(alpha = 0.5)", "clip(min = -2, max = 3)"]
            return writer.one_of([*writer.functions, *bound])
        case "count":
            return writer.one_of(["2", "1", *writer.counts])
        case "flag":
            return writer.one_of(["true", "false"])
        case "number":
            return writer.one_of(["0.5", "2.0", *writer.numbers])
        case "optional":
            return writer.one_of(["none", "0.75", *writer.numbers])
        case "widths":
            wide = ", ".join(writer.one_of(writer.sizes) for _ in range(writer.number(0, 3)))
            return f"[{wide}]"
        case "norm":
            bound = ["layer_norm(bias = false)", "layer_norm(affine = false)"]
            return writer.one_of(["layer_norm", "rms_norm", *bound])
        case "block":
            shape = tuple(sizes[name] for name in block.inputs[0])
            fitting = [b.name for b in writer.blocks if _may_be_inside(writer, b, shape)]
            return writer.one_of([*writer.functions, *fitting * len(writer.functions)])
        case "layer":
            return _layer_for(writer, parameter, block, sizes)
        case "layers":
            some = [_layer_for(writer, parameter, block, sizes) for _ in range(writer.number(1, 3))]
            return f"[{', '.join(some)}]"


def _may_be_inside(writer: Writer, block: Block, shape: Shape) -> bool:
    """Whether a block keeps this shape, without being told anything."""
    sizes = _sizes(writer, block, [Tensor("", shape)])
    required = any(parameter.kind in ("layer", "layers") for parameter in block.parameters)
    return sizes is not None and not required and block.outputs == block.inputs[:1] == block.inputs


def _layer_for(writer: Writer, parameter: Parameter, block: Block, sizes: dict[str, str]) -> str:
    """A bound layer as a block takes it: one that is used elsewhere too, or a new one."""
    shape = tuple(sizes[name] for name in block.inputs[0])
    like = parameter.like
    assert like is not None
    old = [layer for layer in writer.layers if _may_stand_for(layer, like, shape)]
    if old and writer.chance(2):
        return writer.one_of(old).name
    return _layer_like(writer, like, shape)


def _may_stand_for(layer: Layer, like: Layer, shape: Shape) -> bool:
    same = layer.axis is None or (layer.axis == like.axis and layer.size == shape[layer.axis])
    return same and (layer.rank is None or layer.rank == like.rank)


def _layer_like(writer: Writer, like: Layer, shape: Shape) -> str:
    """A new bound layer in the place of a block's parameter."""
    name = writer.fresh("layer")
    assert like.axis is not None
    size, rank = shape[like.axis], like.rank
    made = Layer(name, like.axis, size, rank)
    match like.axis, rank:
        case -1, _:
            kinds, made = [f"dense({size})", "layer_norm()"], Layer(name, -1, size)
        case 1, 4:
            kinds = [f"conv2d({size}, 3, padding = 1)", "batch_norm()"]
        case 1, 3:
            kinds = [f"conv1d({size}, 1)", "batch_norm()"]
        case _:
            kinds = ["batch_norm()"]
    writer.line(f"{name} = {writer.one_of(kinds)}")
    writer.layers.append(made)
    return name


def fold(writer: Writer) -> str:
    """What no output has yet, as one number."""
    terms = [f"mean({as_float(t, writer.float)})" for t in writer.unused.values()]
    writer.unused.clear()
    return " + ".join(terms)
