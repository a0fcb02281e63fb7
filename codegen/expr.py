"""Python expressions as objects, built by writing them.

    torch = Name("torch")
    torch.reshape(x, (n, -1)) + 1

is an `Expr`: attributes, calls, subscripts and operators on one give larger ones, and plain
Python values become literals.  Lowerings return templates: expressions whose leaves
may still be placeholders (`Input`, `Made`, `SiteName`, `Temporary`), so that one template serves
every execution of a site, and templates of different executions can be merged leaf by leaf.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tercet.compiler.dims import Dim
from tercet.dsl.records import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Expr:
    """Base of all expressions.  Compared by structure."""

    def __getattr__(self, member: str) -> Expr:
        if member.startswith("__"):
            raise AttributeError(member)
        return Attribute(self, member)

    def __call__(self, *positional: Any, **keywords: Any) -> Expr:
        return Call(
            self,
            tuple(lift(p) for p in positional),
            tuple((k, lift(v)) for k, v in keywords.items()),
        )

    def __getitem__(self, index: Any) -> Expr:
        return Subscript(self, _lift_index(index))

    def __add__(self, other: Any) -> Expr:
        return Binary("+", self, lift(other))

    def __radd__(self, other: Any) -> Expr:
        return Binary("+", lift(other), self)

    def __sub__(self, other: Any) -> Expr:
        return Binary("-", self, lift(other))

    def __rsub__(self, other: Any) -> Expr:
        return Binary("-", lift(other), self)

    def __mul__(self, other: Any) -> Expr:
        return Binary("*", self, lift(other))

    def __rmul__(self, other: Any) -> Expr:
        return Binary("*", lift(other), self)

    def __truediv__(self, other: Any) -> Expr:
        return Binary("/", self, lift(other))

    def __rtruediv__(self, other: Any) -> Expr:
        return Binary("/", lift(other), self)

    def __floordiv__(self, other: Any) -> Expr:
        return Binary("//", self, lift(other))

    def __rfloordiv__(self, other: Any) -> Expr:
        return Binary("//", lift(other), self)

    def __mod__(self, other: Any) -> Expr:
        return Binary("%", self, lift(other))

    def __pow__(self, other: Any) -> Expr:
        return Binary("**", self, lift(other))

    def __rpow__(self, other: Any) -> Expr:
        return Binary("**", lift(other), self)

    def __matmul__(self, other: Any) -> Expr:
        return Binary("@", self, lift(other))

    def __and__(self, other: Any) -> Expr:
        return Binary("&", self, lift(other))

    def __or__(self, other: Any) -> Expr:
        return Binary("|", self, lift(other))

    def __neg__(self) -> Expr:
        return Unary("-", self)

    def __invert__(self) -> Expr:
        return Unary("~", self)


@dataclass(frozen=True, slots=True, repr=False)
class Name(Expr):
    identifier: str


@dataclass(frozen=True, slots=True, repr=False)
class Helper(Expr):
    """A function of the script itself; naming it brings its definition into the script."""

    identifier: str


@dataclass(frozen=True, slots=True, repr=False)
class Literal(Expr):
    """int, float, bool, str, None or a symbolic size.  Compared with its type: 1 is not 1.0.

    A nested tuple of numbers, whose elements nothing tells apart, is printed as a list.
    """

    content: Any
    kind: type = object

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", type(self.content))


@dataclass(frozen=True, slots=True, repr=False)
class Attribute(Expr):
    owner: Expr
    member: str


@dataclass(frozen=True, slots=True, repr=False)
class Call(Expr):
    callee: Expr
    positional: tuple[Expr, ...]
    keywords: tuple[tuple[str, Expr], ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Subscript(Expr):
    owner: Expr
    place: Expr


@dataclass(frozen=True, slots=True, repr=False)
class SliceExpr(Expr):
    """`start:stop:step` in a subscript; absent parts are None."""

    start: Expr | None
    stop: Expr | None
    step: Expr | None


@dataclass(frozen=True, slots=True, repr=False)
class Unary(Expr):
    operator: str
    operand: Expr


@dataclass(frozen=True, slots=True, repr=False)
class Binary(Expr):
    """Any infix operator, comparisons and `and`/`or` included."""

    operator: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True, repr=False)
class Conditional(Expr):
    """`then if condition else otherwise`."""

    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, slots=True, repr=False)
class Sequence(Expr):
    """A list or, with parentheses, a tuple."""

    items: tuple[Expr, ...]
    is_list: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Dictionary(Expr):
    entries: tuple[tuple[Expr, Expr], ...]


@dataclass(frozen=True, slots=True, repr=False)
class Comprehension(Expr):
    """`[element for target in iterable]`."""

    element: Expr
    target: Expr
    iterable: Expr


@dataclass(frozen=True, slots=True, repr=False)
class Starred(Expr):
    operand: Expr


@dataclass(frozen=True, slots=True, repr=False)
class Format(Expr):
    """An f-string: texts and expressions in turn."""

    parts: tuple[str | Expr, ...]


# ----------------------------------------------------------------------------------- placeholders


@dataclass(frozen=True, slots=True, repr=False)
class Input(Expr):
    """The n-th operand of the operation being lowered."""

    index: int


@dataclass(frozen=True, slots=True, repr=False)
class Made(Expr):
    """The layer (or block instance) being applied: `self.conv1`, `block`."""


@dataclass(frozen=True, slots=True, repr=False)
class SiteName(Expr):
    """The path of the layer within its class, as a string: `"basic_block.0.1"`."""


@dataclass(frozen=True, slots=True, repr=False)
class Temporary(Expr):
    """The n-th value that a template keeps in a variable of its own."""

    index: int


# ------------------------------------------------------------------------------------ references
# They are spelt when the class is finished: arguments, loop variables, layers, sizes.


@dataclass(frozen=True, slots=True, repr=False)
class ArgumentName(Expr):
    """An argument of the class being printed: `stride` in `__init__`, `self.stride` elsewhere."""

    identifier: str


@dataclass(frozen=True, slots=True, repr=False)
class LoopItem(Expr):
    """What the target of a source loop binds: a name in generated loops and comprehensions."""

    identifier: str
    loop: int


@dataclass(frozen=True, slots=True, repr=False)
class Element(Expr):
    """A layer of the class: `self.site`, or `self.site[i][j]` with one place per loop around it.

    A place is the number of a printed loop (a `LoopItem`) or, in an unrolled one, a literal.
    A layer that the forward function gets is `site[i]`, `site` being the argument's name.
    """

    site: str
    places: tuple[Expr, ...]
    received: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class SizeName(Expr):
    """An input size read at run time under its name in the source: `T`."""

    identifier: str


# ------------------------------------------------------------------------------------- templates


@dataclass(frozen=True)
class Template:
    """What a lowering returns when one expression is not enough.

    `temporaries` are (name to prefer, expression) and are assigned in order before `result`.
    """

    result: Expr
    temporaries: tuple[tuple[str, Expr], ...] = ()


def lift(value: Any) -> Expr:
    """A Python value as an expression: numbers, strings, sizes, lists, tuples, dicts, slices."""
    match value:
        case Expr():
            return value
        case tuple():
            return Sequence(tuple(lift(v) for v in value))
        case list():
            return Sequence(tuple(lift(v) for v in value), is_list=True)
        case Mapping():
            return Dictionary(tuple((lift(k), lift(v)) for k, v in value.items()))
        case bool() | int() | float() | str() | None | Dim():
            return Literal(value)
        case slice():
            start, stop, step = (
                None if part is None else lift(part)
                for part in (value.start, value.stop, value.step)
            )
            return SliceExpr(start, stop, step)
        case _ if value is ...:
            return Name("...")
    raise TypeError(f"{type(value).__name__} cannot be printed as Python")


def _lift_index(index: Any) -> Expr:
    if isinstance(index, tuple):
        return Sequence(tuple(lift(i) for i in index))
    return lift(index)


@dataclass(frozen=True, slots=True, repr=False)
class Optional(Expr):
    """A keyword argument that is left out where it has its default at every execution."""

    content: Expr
    default: Any


def default(content: Any, usual: Any) -> Expr:
    """`stride=default(op.stride, 1)`: printed only where it is not 1 everywhere."""
    return Optional(lift(content), usual)
