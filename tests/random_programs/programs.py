"""Random programs: blocks, a model of them and its training, with the columns that it is fed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Final, TypeVar

from hypothesis import strategies as st

from tests.random_programs.losses import loss_of, settings_of
from tests.random_programs.statements import bound_layer, fold, statements
from tests.random_programs.terms import expression
from tests.random_programs.writer import (
    Block,
    Draw,
    DType,
    Layer,
    Parameter,
    Shape,
    Tensor,
    Writer,
    shape_text,
)

T = TypeVar("T")
ROWS: Final = 4
"""Rows of a batch."""
LENGTH = 5
"""What the symbol T is in the data."""
IDS = 4
"""Whole numbers of inputs and targets are below this."""


@dataclass(frozen=True)
class Column:
    """An input or target: its name, dtype and shape as the program says it."""

    name: str
    dtype: str
    shape: Shape

    @property
    def data_shape(self) -> tuple[int, ...]:
        return tuple(_number_of(size) for size in self.shape)


_NUMBERS = {"N": ROWS, "T": LENGTH, "H": 4, "W": 3}
"""What symbols are in the data."""


def _number_of(size: str) -> int:
    return prod(_NUMBERS.get(part) or int(part) for part in re.findall(r"\w+", size))


@dataclass(frozen=True)
class Program:
    """The text of a `.model` file.

    `exported`: files of it are compared too; `lean`: so are its lean scripts; `variant`: parameters
    at which its class must be what `-P` makes of the text; `settings`: what its `train` has
    besides; `rows`: of the data, half of them to evaluate on where there are two batches.
    """

    text: str
    columns: tuple[Column, ...]
    exported: bool = False
    lean: bool = False
    variant: Mapping[str, int | bool] = field(default_factory=dict)
    rows: int = ROWS

    def __str__(self) -> str:
        told = ", ".join(f"{name} = {value}" for name, value in self.variant.items())
        kinds = (self.exported * "exported ", self.lean * "lean ", told)
        return f"{self.text}# {''.join(kinds)}\n"

    @property
    def untrained(self) -> str:
        """The text without its `train`."""
        return self.text[: re.search(r"^train ", self.text, re.M).start()]  # type: ignore[union-attr]

    @property
    def is_random(self) -> bool:
        """Whether training draws: then no two frameworks end at the same weights."""
        return re.search(r"dropout|stochastic_depth|random_", self.text) is not None

    @property
    def has_ties(self) -> bool:
        """Whether several elements may be the greatest: who gets the gradient is not said."""
        tied = r"\b(max|min)\(|(global|adaptive)_max|max_pool2d\(2, stride"
        return re.search(tied, self.text) is not None


@st.composite
def programs(draw: Draw) -> Program:
    """A program whose model has a `train`."""
    _number(draw, 0, 2**16)  # Hypothesis makes the first choice differ from the first example's
    float = _one_of(draw, ["f64", "f32"])
    exported = float == "f32" and _one_of(draw, [False] * 2 + [True])
    lean = _one_of(draw, [False] * 5 + [True])
    rows = _one_of(draw, [ROWS] * 3 + [2 * ROWS])
    drops = _one_of(draw, [False] * 5 + [True])
    blocks: list[Block] = []
    lines: list[str] = ["const STAGES = [(1, 0.5), (2, 1.25)]"]
    for index in range(_number(draw, 0, 3)):
        block, written = _block(draw, f"B{index}", float, blocks, drops)
        blocks.append(block)
        lines += written
    model, columns = _model(draw, float, blocks, rows, drops)
    variant = {}
    if _one_of(draw, [False] * 4 + [True]):
        variant = {"flag": False, "depth": _one_of(draw, [3, 1]), "width": _one_of(draw, [5, 2])}
    text = "\n".join([*lines, *model]) + "\n"
    return Program(_imports(text) + text, columns, exported, lean, variant, rows)


_STANDARD = {
    "vision": [
        "BasicBlock",
        "ConvBnRelu",
        "DoubleConv",
        "InvertedResidual",
        "PatchEmbedding",
        "SqueezeExcite",
    ],
    "transformer": ["CrossAttention", "EncoderLayer", "FeedForward", "MultiHeadAttention"],
}


def _imports(text: str) -> str:
    """The lines that a text needs for what it names of the standard library."""
    used = {file: [n for n in names if f"{n}(" in text] for file, names in _STANDARD.items()}
    return "".join(
        f"from std.{f} import {', '.join(names)}\n" for f, names in used.items() if names
    )


def _one_of(draw: Draw, choices: Sequence[T]) -> T:
    drawn: T = draw(st.sampled_from(choices))
    return drawn


def _number(draw: Draw, low: int, high: int) -> int:
    drawn: int = draw(st.integers(low, high))
    return drawn


# ------------------------------------------------------------------------------------------ blocks

_NAMES = ("N", "C", "H", "W")
_FULL = Layer("", -1, "")


def _block(
    draw: Draw, name: str, float: str, blocks: Sequence[Block], drops: bool
) -> tuple[Block, list[str]]:
    rank = _one_of(draw, [4, 2, 3])
    shape: Shape = _NAMES[:rank]
    keeps = _number(draw, 0, 2) == 2  # one output like its input: it may stand for a function
    inputs = (shape,) * (1 if keeps else _number(draw, 1, 2))
    is_model = _number(draw, 0, 5) == 5  # compiled alone too: no size is known
    numbers = [n for n in shape[1:] if n == "C" or _one_of(draw, [False, True])]
    known = frozenset([] if is_model else numbers)
    parameters = tuple(_parameters(draw, shape, known))
    writer = Writer(draw, known, tuple(blocks), float=float, drops=drops)
    for parameter in parameters:
        match parameter.kind:
            case "function":
                writer.functions.append(parameter.name)
            case "count":
                writer.counts.append(parameter.name)
            case "flag":
                writer.flags += [parameter.name, f"not {parameter.name}"]
            case "number":
                writer.numbers.append(parameter.name)
    for given, _ in zip(("x", "y"), inputs, strict=False):
        writer.line(f"input {given}: {float}{shape_text(shape)}")
        writer.tensors.append(Tensor(given, shape))
        writer.unused[given] = writer.tensors[-1]
    optional = not is_model and _number(draw, 0, 2) == 2
    if optional:
        writer.line(f"input more: {float}{shape_text(shape)} = none")
        writer.line("if more != none {")
        writer.line("    x = x + tanh(more)")
        writer.line("}")
    for parameter in parameters:
        _applied(writer, parameter, shape)
    statements(writer, 3)
    if keeps:
        outputs = _outputs(writer, [Tensor("x", shape)])
    else:
        outputs = _outputs(writer, [None] * _number(draw, 1, 3))
        if rank > 2 and "C" in known and _number(draw, 0, 1):  # perhaps nobody uses it
            conv, channels = {3: "conv1d", 4: "conv2d"}[rank], _one_of(draw, writer.sizes)
            outputs.append((f"x |> {conv}({channels}, 1)", ("N", channels, *shape[2:])))
    texts = [text for text, _ in outputs]
    if is_model:
        named = ", ".join(f"y{k} = {text}" for k, text in enumerate(texts))
        writer.line(f"output {named}")
    else:
        listed = len(texts) > 1 and _one_of(draw, [False, True])
        writer.line(f"output {'[' * bool(listed)}{', '.join(texts)}{']' * bool(listed)}")
    signature = ", ".join(map(_declared, parameters))
    kind = "model" if is_model else "block"
    lines = [f"{kind} {name}({signature}) {{", *writer.lines, "}"]
    made = Block(name, inputs, known, parameters, tuple(shape for _, shape in outputs), optional)
    return made, lines


def _applied(writer: Writer, parameter: Parameter, shape: Shape) -> None:
    """Lines in which a block uses what it is given, in any case."""
    name = parameter.name
    match parameter.kind:
        case "layer":
            writer.line(f"x = x + (x |> {name})")
            assert parameter.like is not None
            writer.layers.append(parameter.like)
        case "layers":
            writer.line(f"for each in {name} {{")
            writer.line("    x = x |> each |> tanh")
            writer.line("}")
        case "norm":
            writer.line(
                f"x = x + (x |> {writer.one_of([name, f'{name}()', f'{name}(eps = 1e-3)'])})"
            )
        case "widths":
            writer.line("h = x")
            writer.line(f"for _, wide in enumerate({name}) {{")
            writer.line("    h = h |> dense(wide) |> relu")
            writer.line("}")
            writer.line(f"x = x + (h |> dense({shape[-1]}))")
        case "optional":
            writer.line(f"if {name} != none {{")
            writer.line(f"    x = x * {name}")
            writer.line("}")
        case "block":
            writer.line(f"x = x - (x |> {name})")


def _parameters(draw: Draw, shape: Shape, known: frozenset[str]) -> list[Parameter]:
    found: list[Parameter] = []
    axes = [axis for axis in (1, -1) if shape[axis] in known]
    if axes and _number(draw, 0, 1):
        axis = _one_of(draw, axes)
        rank = None if axis == -1 else len(shape)
        like = Layer("layer", axis, shape[axis], rank)
        one, some = Parameter("layer", "layer", like), Parameter("layers", "layers", like)
        found.append(_one_of(draw, (one, some)))
    kinds = [
        Parameter("inner", "block"),
        Parameter("extra", "optional"),
        *([Parameter("norm", "norm"), Parameter("widths", "widths")] * (shape[-1] in known)),
        Parameter("act", "function"),
        Parameter("depth", "count"),
        Parameter("flag", "flag"),
        Parameter("scale", "number"),
    ]
    return found + [kind for kind in kinds if _number(draw, 0, 3) == 3]


def _declared(parameter: Parameter) -> str:
    defaults = {
        "function": "tanh",
        "count": "2",
        "flag": "true",
        "number": "1.5",
        "norm": "layer_norm(bias = false)",
        "widths": "[3, 2]",
        "optional": "none",
        "block": "sin",
    }
    default = defaults.get(parameter.kind)
    return parameter.name if default is None else f"{parameter.name} = {default}"


def _outputs(writer: Writer, wanted: Sequence[Tensor | None]) -> list[tuple[str, Shape]]:
    """Expressions for outputs, of these tensors or any, which take up all that is not used yet."""
    chosen: list[tuple[str, Shape]] = []
    for given in wanted:
        waiting = [t for t in writer.unused.values() if t.dtype == "float"]
        fallback = [t for t in writer.tensors if t.dtype == "float"]
        tensor = writer.use(given or writer.one_of(waiting[::-1] or fallback[:1]))
        # layers of a later output are of no use to who takes the first alone
        depth = writer.number(0, 2 if chosen else 1)
        text = expression(writer, tensor.name, tensor.shape, depth)
        chosen.append((text, tensor.shape))
    if writer.unused:
        text, shape = chosen[0]
        chosen[0] = f"{text} + 0.1 * ({fold(writer)})", shape
    return chosen


# ------------------------------------------------------------------------------------------- model

_INPUTS: dict[DType, tuple[Shape, ...]] = {
    "float": (
        ("N", "4"),
        ("N", "4", "4", "4"),
        ("N", "T", "4"),
        ("N", "3", "4", "2"),
        ("N", "4", "T"),
        ("N", "2", "T", "4"),
        ("N", "3", "5"),
        ("N", "2", "H", "W"),
        ("N", "4", "(2 * T)"),
        ("N", "3", "3", "3"),
    ),
    "int": (("N",), ("N", "T"), ("N", "3")),
    "bool": (("N",), ("N", "T"), ("N", "4")),
}


def _model(
    draw: Draw, float: str, blocks: Sequence[Block], rows: int, drops: bool
) -> tuple[list[str], tuple[Column, ...]]:
    writer = Writer(draw, frozenset({"width"}), tuple(blocks), float=float, drops=drops)
    writer.flags += ["flag", "not flag", "depth == 2"]
    writer.counts.append("depth")
    writer.sizes += ["width", "width"]
    given = _inputs(writer)
    first = writer.tensors[0]
    layer = bound_layer(writer, first.shape)  # something to train
    writer.line(f"{first.name} = {first.name} |> {layer.name}")
    writer.layers.append(layer)
    statements(writer, 8)
    outputs = _outputs(writer, [None] * _number(draw, 1, 2))
    named = [f"out{k} = {text}" for k, (text, _) in enumerate(outputs)]
    writer.line(f"output {', '.join(named)}")
    lines = ["model M(flag = true, depth = 2, width = 3) {", *writer.lines, "}"]
    training, columns = _train(draw, float, given, outputs, rows)
    return lines + training, columns


def _inputs(writer: Writer) -> list[Column]:
    columns: list[Column] = []
    kinds: tuple[DType, ...] = ("float", "int", "bool")
    drawn: list[DType] = ["float", *(kind for kind in kinds if writer.number(0, 2) == 2)]
    for number, dtype in enumerate(drawn):
        shape = writer.one_of(_INPUTS[dtype])
        texts = {"float": [writer.float], "int": ["i64", "i64", "i32"], "bool": ["bool"]}
        column = Column(f"x{number}", writer.one_of(texts[dtype]), shape)
        columns.append(column)
        writer.line(f"input {column.name}: {column.dtype}{shape_text(shape)}")
        writer.add(Tensor(column.name, shape, dtype))
    return columns


def _train(
    draw: Draw, float: str, given: list[Column], outputs: list[tuple[str, Shape]], rows: int
) -> tuple[list[str], tuple[Column, ...]]:
    """The lines of the `train`, and all columns of its data.

    Sizes of targets are numbers where the model's are those of a parameter, which a `train` may
    give it.
    """
    width = _one_of(draw, [3, 3, 5])
    is_explicit = width != 3 or _one_of(draw, [False] * 5 + [True])
    shapes = [
        tuple(re.sub(r"\bwidth\b", str(width), size) for size in shape) for _, shape in outputs
    ]
    tensors = [Tensor(f"out{k}", shape) for k, shape in enumerate(shapes)]
    training = Writer(draw, frozenset(), float=float)
    targets = [Column(*target) for target in loss_of(training, tensors)]
    head = ["train M {"]
    if is_explicit:
        head = [f"train Training(net = M({f'width = {width}' * (width != 3)})) {{"]
        head += [f"    input {c.name}: {c.dtype}{shape_text(c.shape)}" for c in given]
    columns = [*given, *targets]
    mapping = ", ".join(f"{c.name} = {c.name}" for c in columns)
    split = "1.0" if rows == ROWS else "0.5"
    called = f"    {', '.join(t.name for t in tensors)} = net({', '.join(c.name for c in given)})"
    return [
        *head,
        *(f"    target {c.name}: {c.dtype}{shape_text(c.shape)}" for c in targets),
        f'    data = npz("data.npz", split = {split}) {{ {mapping} }}',
        *([called] if is_explicit else []),
        *training.lines,
        *settings_of(training, tensors, targets),
        f"    batch = {ROWS}",
        "    epochs = 1",
        "}",
    ], tuple(columns)
