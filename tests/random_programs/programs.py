"""Random programs: blocks, a model of them and its training, with the columns that it is fed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Final, TypeVar

from hypothesis import strategies as st

from tests.random_programs.losses import loss_of
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


def _number_of(size: str) -> int:
    names = {"N": str(ROWS), "T": str(LENGTH)}
    return prod(int(names.get(part, part)) for part in re.findall(r"\w+", size))


@dataclass(frozen=True)
class Program:
    """The text of a `.model` file; `exported`: files of it are compared too."""

    text: str
    columns: tuple[Column, ...]
    exported: bool

    def __str__(self) -> str:
        return self.text

    @property
    def untrained(self) -> str:
        """The text without its `train`."""
        return self.text[: self.text.rindex("train M {")]

    @property
    def is_random(self) -> bool:
        """Whether training draws: then no two frameworks end at the same weights."""
        return "dropout" in self.text

    @property
    def has_ties(self) -> bool:
        """Whether several elements may be the greatest: who gets the gradient is not said."""
        return re.search(r"\b(max|min)\(|global_max", self.text) is not None


@st.composite
def programs(draw: Draw) -> Program:
    """A program whose model has a `train`."""
    _number(draw, 0, 2**16)  # Hypothesis makes the first choice differ from the first example's
    float = _one_of(draw, ["f64", "f32"])
    exported = float == "f32" and _one_of(draw, [False] * 2 + [True])
    blocks: list[Block] = []
    lines: list[str] = []
    for index in range(_number(draw, 0, 3)):
        block, text = _block(draw, f"B{index}", float, blocks)
        blocks.append(block)
        lines += text
    model, columns = _model(draw, float, blocks)
    return Program("\n".join([*lines, *model]) + "\n", columns, exported)


def _one_of(draw: Draw, choices: Sequence[T]) -> T:
    drawn: T = draw(st.sampled_from(choices))
    return drawn


def _number(draw: Draw, low: int, high: int) -> int:
    drawn: int = draw(st.integers(low, high))
    return drawn


# ------------------------------------------------------------------------------------------ blocks

_NAMES = ("N", "C", "H", "W")
_FULL = Layer("", -1, "")


def _block(draw: Draw, name: str, float: str, blocks: Sequence[Block]) -> tuple[Block, list[str]]:
    rank = _one_of(draw, [4, 2, 3])
    shape: Shape = _NAMES[:rank]
    inputs = (shape,) * _number(draw, 1, 2)
    known = frozenset(n for n in shape[1:] if n == "C" or _one_of(draw, [False, True]))
    parameters = tuple(_parameters(draw, shape, known))
    writer = Writer(draw, known, tuple(blocks), float=float)
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
    for parameter in parameters:
        if parameter.kind == "layer":  # it is applied in any case
            writer.line(f"x = x + (x |> {parameter.name})")
            assert parameter.like is not None
            writer.layers.append(parameter.like)
    statements(writer, 3)
    outputs = _outputs(writer, _number(draw, 1, 3))
    texts = [text for text, _ in outputs]
    listed = len(texts) > 1 and _one_of(draw, [False, True])
    writer.line(f"output {'[' * bool(listed)}{', '.join(texts)}{']' * bool(listed)}")
    signature = ", ".join(map(_declared, parameters))
    lines = [f"block {name}({signature}) {{", *writer.lines, "}"]
    made = Block(name, inputs, known, parameters, tuple(shape for _, shape in outputs))
    return made, lines


def _parameters(draw: Draw, shape: Shape, known: frozenset[str]) -> list[Parameter]:
    found: list[Parameter] = []
    axes = [axis for axis in (1, -1) if shape[axis] in known]
    if axes and _number(draw, 0, 2) == 2:
        axis = _one_of(draw, axes)
        rank = None if axis == -1 else len(shape)
        found.append(Parameter("layer", "layer", Layer("layer", axis, shape[axis], rank)))
    kinds = [
        Parameter("act", "function"),
        Parameter("depth", "count"),
        Parameter("flag", "flag"),
        Parameter("scale", "number"),
    ]
    return found + [kind for kind in kinds if _number(draw, 0, 2) == 2]


def _declared(parameter: Parameter) -> str:
    defaults = {"function": "tanh", "count": "2", "flag": "true", "number": "1.5"}
    default = defaults.get(parameter.kind)
    return parameter.name if default is None else f"{parameter.name} = {default}"


def _outputs(writer: Writer, most: int) -> list[tuple[str, Shape]]:
    """Expressions for outputs, which take up all that is not used yet."""
    chosen: list[tuple[str, Shape]] = []
    for _ in range(most):
        waiting = [t for t in writer.unused.values() if t.dtype == "float"]
        fallback = [t for t in writer.tensors if t.dtype == "float"]
        tensor = writer.use(writer.one_of(waiting[::-1] or fallback[:1]))
        text = expression(writer, tensor.name, tensor.shape, writer.number(0, 1))
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
    ),
    "int": (("N",), ("N", "T"), ("N", "3")),
    "bool": (("N",), ("N", "T"), ("N", "4")),
}


def _model(draw: Draw, float: str, blocks: Sequence[Block]) -> tuple[list[str], tuple[Column, ...]]:
    writer = Writer(draw, frozenset(), tuple(blocks), float=float)
    writer.flags += ["flag", "not flag", "depth == 2"]
    writer.counts.append("depth")
    columns: list[Column] = []
    kinds: tuple[DType, ...] = ("float", "int", "bool")
    given: list[DType] = ["float", *(kind for kind in kinds if _number(draw, 0, 3) == 3)]
    texts = {"float": float, "int": "i64", "bool": "bool"}
    for number, dtype in enumerate(given):
        shape = writer.one_of(_INPUTS[dtype])
        column = Column(f"x{number}", texts[dtype], shape)
        columns.append(column)
        writer.line(f"input {column.name}: {column.dtype}{shape_text(shape)}")
        writer.add(Tensor(column.name, shape, dtype))
    first = writer.tensors[0]
    layer = bound_layer(writer, first.shape)  # something to train
    writer.line(f"{first.name} = {first.name} |> {layer.name}")
    writer.layers.append(layer)
    statements(writer, 8)
    outputs = _outputs(writer, _number(draw, 1, 2))
    named = [f"out{k} = {text}" for k, (text, _) in enumerate(outputs)]
    writer.line(f"output {', '.join(named)}")
    lines = ["model M(flag = true, depth = 2) {", *writer.lines, "}"]
    tensors = [Tensor(f"out{k}", shape) for k, (_, shape) in enumerate(outputs)]
    training = Writer(draw, frozenset(), float=float)
    targets = loss_of(training, tensors)
    columns += [Column(*target) for target in targets]
    declared = [
        f"    target {c.name}: {c.dtype}{shape_text(c.shape)}" for c in columns[len(given) :]
    ]
    mapping = ", ".join(f"{c.name} = {c.name}" for c in columns)
    lines += [
        "train M {",
        *declared,
        f'    data = npz("data.npz", split = 1.0) {{ {mapping} }}',
        *training.lines,
        "    optimizer = sgd(lr = 0.05)",
        f"    batch = {ROWS}",
        "    epochs = 1",
        "}",
    ]
    return lines, tuple(columns)
