"""What the names and expressions of a text can stand for, and how messages speak of it.

Static values are plain Python objects (`ir.StaticValue`): numbers, strings, tuples (the language's
lists too), `Dim`, `DType`, `Initializer`, `Layer`, `Instance`; an operation's name is its class, an
initializer's name its class, a block's name its declaration.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Any, Final

from tercet.compiler.conversions import shown
from tercet.compiler.dims import Dim, Size
from tercet.compiler.graph.ir import Argument, Instance, Layer, Value
from tercet.compiler.initializers import Initializer
from tercet.compiler.ops.base import LayerOp, Op
from tercet.compiler.types import DType
from tercet.dsl import nodes
from tercet.dsl.records import dataclass
from tercet.dsl.source import Span


class Poison:
    """The value of an expression that has been reported as wrong."""

    def __repr__(self) -> str:
        return "POISON"


POISON: Final = Poison()


@dataclass(frozen=True, eq=False)
class StaticFunction:
    """A function over static values.  `operation` is the one of the same name over tensors."""

    name: str
    function: Callable[..., Any]
    operation: type[Op] | None = None


@dataclass(frozen=True)
class BoundFunction:
    """An operation with its attributes given, `gelu(approximate = "tanh")`, and yet no operands.

    A convolution with a given weight, `conv2d(weight = w)`, has those but the first; it is applied
    in the graph where `w` is.
    """

    op: Op
    arguments: tuple[Argument, ...] = field(compare=False)
    span: Span = field(compare=False)
    tensors: tuple[tuple[nodes.Keyword, Value, nodes.Expr], ...] = ()
    """Each operand that is given, with its keyword and expression."""

    def __str__(self) -> str:
        given = ", ".join(f"{a.name} = {shown(a.value)}" for a in self.arguments)
        return f"{self.op.name}({given})"


@dataclass(frozen=True)
class BoundKind:
    """A kind of layers with some of its arguments given, `batch_norm(eps = 1e-3)`.

    Whoever is given it makes layers of it, as of the kind alone.
    """

    kind: Any
    names: tuple[str | None, ...]
    values: tuple[Any, ...]
    """As `frozen` tells them apart."""
    given: tuple[tuple[nodes.Keyword | None, Any], ...] = field(compare=False)
    """Each argument's keyword, None for one by position, and its value."""
    span: Span = field(compare=False)

    def __str__(self) -> str:
        shown = [f"{k.name} = {_written(v)}" if k else _written(v) for k, v in self.given]
        return f"{kind_name(self.kind)}({', '.join(shown)})"


@dataclass(frozen=True)
class Comparison:
    """`left relation right` of sizes, which only the run can decide."""

    left: Size
    relation: str
    right: Size

    def __str__(self) -> str:
        return f"{self.left} {self.relation} {self.right}"


@dataclass(frozen=True)
class Undecided:
    """A condition that holds where all of these comparisons do."""

    comparisons: tuple[Comparison, ...]

    def __str__(self) -> str:
        return " and ".join(map(str, self.comparisons))


def is_kind(value: object) -> bool:
    """Whether the value makes layers: a kind of layer, a block or a model."""
    return isinstance(value, nodes.Block) or (
        isinstance(value, type) and issubclass(value, LayerOp)
    )


def is_function(value: object) -> bool:
    """Whether the value is an operation without parameters or state."""
    return isinstance(value, type) and issubclass(value, Op) and not issubclass(value, LayerOp)


def holds_tensor(value: object) -> bool:
    """Whether the value is a tensor, has one bound to it, or is a list with such in it."""
    if isinstance(value, Value) or (isinstance(value, BoundFunction) and value.tensors):
        return True
    return isinstance(value, tuple) and any(holds_tensor(item) for item in value)


def holds_poison(value: object) -> bool:
    """Whether the value is wrong, or a list with something wrong in it."""
    if value is POISON:
        return True
    return isinstance(value, tuple) and any(holds_poison(item) for item in value)


def holds_layer(value: object) -> bool:
    """Whether the value is a layer or a block that was made, or a list with one in it."""
    if isinstance(value, Layer | Instance):
        return True
    return isinstance(value, tuple) and any(holds_layer(item) for item in value)


def is_size(value: object) -> bool:
    """Whether the value is an integer, known or symbolic."""
    return isinstance(value, Dim) or (isinstance(value, int) and not isinstance(value, bool))


def frozen(value: Any) -> Any:
    """A key that tells apart what Python's equality does not (1, 1.0 and true)."""
    if isinstance(value, tuple):
        return tuple([frozen(item) for item in value])
    return type(value), value


def same_value(left: Any, right: Any) -> bool:
    """Whether two static values are the same one: 1, 1.0 and true are three, `nan` is itself."""
    return type(left) is type(right) and (left is right or bool(left == right))


def kind_name(value: Any) -> str:
    """The name of a kind of layer, block, function or initializer in the language."""
    match value:
        case nodes.Block(name=name) | StaticFunction(name=name):
            return name
        case type() if issubclass(value, Op | Initializer):
            return value.name
    raise TypeError(value)


def describe(value: Any) -> str:
    """The value in the words of a message, with its article."""
    match value:
        case Value(type=type_):
            return f"a tensor {type_}"
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"the number {value}"
        case DType():
            return f"the element type {value}"
        case str():
            return f'the string "{value}"' if len(value) <= 40 else "a string"
        case Dim():
            return f"the size {value}"
        case tuple():
            return f"a list of {len(value)}"
        case Undecided():
            return f"the undecided condition {value}"
        case Layer():
            return f"the layer `{value.site.name}`"
        case Instance():
            return f"the {value.block.kind} `{value.site.name}`"
        case nodes.Block():
            return f"the {value.kind} `{value.name}`"
        case StaticFunction():
            return f"the function `{value.name}`"
        case BoundFunction():
            return f"the function `{value}`"
        case BoundKind():
            return f"the layer kind `{value}`"
        case Initializer():
            return f"the initializer `{kind_name(type(value))}`"
        case type() if issubclass(value, LayerOp):
            return f"the layer kind `{value.name}`"
        case type() if issubclass(value, Op):
            return f"the function `{value.name}`"
        case type() if issubclass(value, Initializer):
            return f"the initializer `{kind_name(value)}`"
    return type(value).__name__.lower()


def _written(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else text(value)


def text(value: Any) -> str:
    """The value as the language writes it: in messages, and by `str`."""
    match value:
        case str():
            return str(value)
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case tuple():
            return f"[{', '.join(map(text, value))}]"
        case int() | float() | Dim() | Undecided():
            return str(value)
        case Value():
            return str(value.type)
        case Layer() | Instance():
            return value.site.name
        case Initializer():
            return kind_name(type(value))
        case nodes.Block() | StaticFunction() | type():
            return kind_name(value)
    return str(value)
