"""The syntax tree of the `.model` language.

Frozen, every node with its span.  Pipes are flat (`Pipe` holds all its stages), so that a chain of
any length nests no deeper than one.  Nodes compare by identity: two equal texts are two sites.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from tercet.dsl.records import dataclass
from tercet.dsl.source import Source, Span


@dataclass(frozen=True, eq=False, slots=True)
class Node:
    span: Span


# ------------------------------------------------------------------------------------ expressions


@dataclass(frozen=True, eq=False, slots=True)
class Constant(Node):
    """A number, a string, `true`, `false` or `none`."""

    value: int | float | str | bool | None


@dataclass(frozen=True, eq=False, slots=True)
class Name(Node):
    id: str


@dataclass(frozen=True, eq=False, slots=True)
class Attribute(Node):
    """`value.name`; `name_span` is the span of the name alone."""

    value: Expr
    name: str
    name_span: Span


@dataclass(frozen=True, eq=False, slots=True)
class Slice(Node):
    """`start:stop:step` inside an index; absent parts are None."""

    start: Expr | None
    stop: Expr | None
    step: Expr | None


@dataclass(frozen=True, eq=False, slots=True)
class Ellipsis(Node):
    """`...` inside an index or a shape."""


@dataclass(frozen=True, eq=False, slots=True)
class Index(Node):
    """`value[items]`."""

    value: Expr
    items: tuple[Expr | Slice | Ellipsis, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Keyword(Node):
    """`name = value` among the arguments of a call."""

    name: str
    name_span: Span
    value: Expr


@dataclass(frozen=True, eq=False, slots=True)
class Call(Node):
    """`function(arguments, keywords)`."""

    function: Expr
    arguments: tuple[Expr, ...]
    keywords: tuple[Keyword, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Pipe(Node):
    """`first |> stage |> stage …`, flat."""

    first: Expr
    stages: tuple[Expr, ...]


UnaryOperator = Literal["-", "+", "not"]
BinaryOperator = Literal[
    "+", "-", "*", "/", "//", "%", "**", "@", "==", "!=", "<", "<=", ">", ">=", "and", "or"
]


@dataclass(frozen=True, eq=False, slots=True)
class Unary(Node):
    operator: UnaryOperator
    operand: Expr


@dataclass(frozen=True, eq=False, slots=True)
class Binary(Node):
    """A binary operation; comparisons do not chain."""

    operator: BinaryOperator
    left: Expr
    right: Expr


@dataclass(frozen=True, eq=False, slots=True)
class Conditional(Node):
    """`if condition { then } else { otherwise }` as an expression."""

    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, eq=False, slots=True)
class List(Node):
    items: tuple[Expr, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Tuple(Node):
    items: tuple[Expr, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Mapping(Node):
    """`{ name = value, … }`: metrics, and the columns of a data source."""

    entries: tuple[Keyword, ...]


Expr = (
    Constant
    | Name
    | Attribute
    | Index
    | Call
    | Pipe
    | Unary
    | Binary
    | Conditional
    | List
    | Tuple
    | Mapping
)


# ------------------------------------------------------------------------------------- statements


@dataclass(frozen=True, eq=False, slots=True)
class TypeExpr(Node):
    """`f32[N, 1, 8, 8]`; a scalar `f32[]` has no dimensions."""

    dtype: str
    dtype_span: Span
    dimensions: tuple[Expr | Ellipsis, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Input(Node):
    """`input name: type`, or `input name: type = none`, which a caller may leave out."""

    name: str
    name_span: Span
    type: TypeExpr
    default: Expr | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Target(Node):
    """`target name: type`, in `train` only."""

    name: str
    name_span: Span
    type: TypeExpr


@dataclass(frozen=True, eq=False, slots=True)
class Declare(Node):
    """`param name: type = initializer` or `buffer …`; without `= …` the value is zeros."""

    kind: Literal["param", "buffer"]
    name: str
    name_span: Span
    type: TypeExpr
    value: Expr | None


@dataclass(frozen=True, eq=False, slots=True)
class OutputItem(Node):
    """`expression` or `name = expression` in an `output` statement."""

    name: str | None
    value: Expr


@dataclass(frozen=True, eq=False, slots=True)
class Output(Node):
    items: tuple[OutputItem, ...]


@dataclass(frozen=True, eq=False, slots=True)
class TargetName(Node):
    """A plain name on the left of `=` or after `for`."""

    id: str


@dataclass(frozen=True, eq=False, slots=True)
class TargetTuple(Node):
    """`a, (b, c)` on the left of `=` or after `for`."""

    items: tuple[AssignTarget, ...]


AssignTarget = TargetName | TargetTuple


def target_names(target: AssignTarget) -> Iterator[TargetName]:
    """The names that a target binds, in order."""
    match target:
        case TargetName():
            yield target
        case TargetTuple(items=items):
            for item in items:
                yield from target_names(item)


@dataclass(frozen=True, eq=False, slots=True)
class Assign(Node):
    """`target = value`; a setting of `train` is one too.

    `mapping` is the brace part of `data = <source> { … }`, else None.
    """

    target: AssignTarget
    value: Expr
    mapping: Mapping | None = None


@dataclass(frozen=True, eq=False, slots=True)
class For(Node):
    target: AssignTarget
    iterable: Expr
    body: tuple[Statement, ...]


@dataclass(frozen=True, eq=False, slots=True)
class If(Node):
    """`if … { } else { }`; `else if` is an `If` as the only statement of `otherwise`."""

    condition: Expr
    then: tuple[Statement, ...]
    otherwise: tuple[Statement, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Assert(Node):
    condition: Expr
    message: Expr | None


@dataclass(frozen=True, eq=False, slots=True)
class Update(Node):
    """`update model { … }`, in `train` only."""

    models: tuple[TargetName, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Lost(Node):
    """Statements that a syntax error took: `names` are those that they may have bound."""

    names: tuple[str, ...]


Statement = Input | Target | Declare | Output | Assign | For | If | Assert | Update | Lost


# ----------------------------------------------------------------------------------- declarations


@dataclass(frozen=True, eq=False, slots=True)
class ImportedName(Node):
    """`name` or `name as alias`."""

    name: str
    alias: str

    @property
    def local(self) -> str:
        return self.alias


@dataclass(frozen=True, eq=False, slots=True)
class Import(Node):
    """`from std.vision import A, B as C`, or from a quoted relative path."""

    module: str
    is_path: bool
    module_span: Span
    names: tuple[ImportedName, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Const(Node):
    name: str
    name_span: Span
    value: Expr


@dataclass(frozen=True, eq=False, slots=True)
class Parameter(Node):
    """A parameter of a block, model or train; `default` is evaluated at each call."""

    name: str
    default: Expr | None


@dataclass(frozen=True, eq=False, slots=True)
class Block(Node):
    """A `block` or a `model`: both are used alike, a model can also be compiled."""

    kind: Literal["block", "model"]
    name: str
    name_span: Span
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]
    documentation: str | None = None
    """The comment lines directly above the declaration."""


@dataclass(frozen=True, eq=False, slots=True)
class Train(Node):
    """`train Model { … }`, or `train Name(model = Model()) { … }` with `parameters`."""

    name: str
    name_span: Span
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]


Declaration = Import | Const | Block | Train


@dataclass(frozen=True, eq=False, slots=True)
class Module:
    """A whole file, declarations in text order."""

    source: Source
    declarations: tuple[Declaration, ...]
