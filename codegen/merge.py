"""Merging what several executions of one site lowered to into the one expression that is printed.

This is anti-unification: the templates must have one structure, and where their leaves differ, a
resolver finds what the source wrote there.  `CannotMerge` says why they cannot be printed as one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from tercet.codegen.arguments import Arguments
from tercet.codegen.decisions import CannotMerge
from tercet.codegen.expr import (
    ArgumentName,
    Attribute,
    Binary,
    Call,
    Element,
    Expr,
    Format,
    Helper,
    Input,
    Literal,
    LoopItem,
    Made,
    Name,
    Optional,
    SiteName,
    SizeName,
    Temporary,
    Unary,
)
from tercet.codegen.expr import Sequence as SequenceExpr
from tercet.codegen.layer_lists import Making
from tercet.codegen.static_values import StaticValues
from tercet.codegen.tree import children, rebuild

E = TypeVar("E", bound=Expr | None)

Resolver = Callable[[Sequence[Expr], str | None], Expr]
"""Given one leaf per template, and the keyword it stands under, the expression to print."""

_LEAVES = (Literal, Input, Made, SiteName, Temporary)


def merge(templates: Sequence[Expr], resolve: Resolver, keyword: str | None = None) -> Expr:
    """One expression for all templates.  Raises CannotMerge."""
    first = templates[0]
    if isinstance(first, _LEAVES):
        if any(type(t) is not type(first) for t in templates):
            raise CannotMerge("one is a number where another is an operand or an expression")
        return resolve(templates, keyword)
    if len(templates) > 1:
        shape = _head(first)
        for other in map(_head, templates[1:]):
            if other != shape:
                raise CannotMerge(f"one is {_told(shape)} where another is {_told(other)}")
    match first:
        case Name() | Helper() | ArgumentName() | LoopItem() | Element() | SizeName():
            return first
        case Call():
            return _merge_call(templates, resolve)
        case Optional():
            contents = [t.content for t in templates if isinstance(t, Optional)]
            return merge(contents, resolve, keyword)
    columns = zip(*map(children, templates), strict=True)
    return rebuild(first, [merge(column, resolve, keyword) for column in columns])


def _merge_call(templates: Sequence[Expr], resolve: Resolver) -> Expr:
    calls = [t for t in templates if isinstance(t, Call)]
    first = calls[0]
    callee = merge([c.callee for c in calls], resolve)
    positional = tuple(
        merge(column, resolve) for column in zip(*(c.positional for c in calls), strict=True)
    )
    keywords = []
    for index, (name, _) in enumerate(first.keywords):
        values = [c.keywords[index][1] for c in calls]
        if not all(_is_default(v) for v in values):
            keywords.append((name, merge(values, resolve, name)))
    return Call(callee, positional, tuple(keywords))


def _is_default(value: Expr) -> bool:
    return isinstance(value, Optional) and _says(value.content, value.default)


def _says(expr: Expr, value: object) -> bool:
    """Whether an expression is this value, of the same type; a tuple by its items."""
    match expr, value:
        case Literal(content), _:
            return type(content) is type(value) and bool(content == value)
        case SequenceExpr(items, False), tuple():
            return len(items) == len(value) and all(map(_says, items, value))
    return False


def _told(head: tuple[object, ...]) -> str:
    """The head of an expression in words."""
    kind, *what = head
    match what:
        case [str(name)]:
            return f"`{name}`"
        case [int(), tuple()]:
            return "a call with other arguments"
        case [int(count), bool()]:
            return f"a list of {count}"
    return f"another {getattr(kind, '__name__', 'expression').lower()}"


def _head(expr: Expr) -> tuple[object, ...]:
    """What two expressions must share besides the heads of their parts."""
    match expr:
        case Name(identifier) | Helper(identifier) | ArgumentName(identifier):
            return type(expr), identifier
        case Attribute(member=member):
            return Attribute, member
        case Call(_, positional, keywords):
            return Call, len(positional), tuple(k for k, _ in keywords)
        case Unary(operator=operator) | Binary(operator=operator):
            return type(expr), operator
        case SequenceExpr(items, is_list):
            return SequenceExpr, len(items), is_list
        case Format(parts):
            return Format, tuple(p if isinstance(p, str) else None for p in parts)
        case LoopItem() | Element() | SizeName():
            return (expr,)
        case Optional():
            return (Optional,)
    return type(expr), len(tuple(children(expr)))


# ---------------------------------------------------------------------------------- placeholders


class Placeholders:
    """The resolver of one site's templates: operands, layer, name, temporaries, literals."""

    def __init__(
        self,
        static: StaticValues,
        inputs: Sequence[Expr | None] = (),
        layer: Expr | None = None,
        site: Expr | None = None,
    ) -> None:
        self.static = static
        self.inputs = inputs
        self.layer = layer
        self.site = site
        self.temporaries: list[Expr] = []
        self.template_of: list[int] | None = None

    def __call__(self, templates: Sequence[Expr], keyword: str | None) -> Expr:
        match templates[0]:
            case Input(index):
                if any(t != templates[0] for t in templates):
                    raise CannotMerge("one uses an operand where another uses another one")
                expr = self.inputs[index]
                assert expr is not None, "a lowering used an operand that is absent"
                return expr
            case Made():
                assert self.layer is not None
                return self.layer
            case SiteName():
                assert self.site is not None
                return self.site
            case Temporary(index):
                return self.temporaries[index]
        contents = [t.content for t in templates if isinstance(t, Literal)]
        if self.template_of is not None:
            contents = [contents[k] for k in self.template_of]
        return self.static.resolve(contents, keyword)


def one_of(problem: str, exprs: Iterable[E]) -> E:
    """The one expression that all executions have.  Raises CannotMerge."""
    first, *rest = exprs
    if any(other != first for other in rest):
        raise CannotMerge(problem)
    return first


def merge_all(exprs: Sequence[Expr], placeholders: Placeholders) -> Expr:
    """One expression for the templates of all executions, most of which share one object."""
    return merge(_unique(exprs, placeholders), placeholders)


def _unique(exprs: Sequence[Expr], placeholders: Placeholders) -> list[Expr]:
    """The templates without repetitions; the resolver learns which execution has which."""
    numbers: dict[int, int] = {}
    kept: list[Expr] = []
    which: list[int] = []
    for expr in exprs:
        if id(expr) not in numbers:
            numbers[id(expr)] = len(kept)
            kept.append(expr)
        which.append(numbers[id(expr)])
    placeholders.template_of = which
    return kept


def merge_makings(
    arguments: Arguments,
    makings: Sequence[Making],
    *,
    layer: Expr | None = None,
    site: Expr | None = None,
) -> Expr:
    """One expression for what executions make, of which nothing is left where that fails.

    Raises CannotMerge.
    """
    static = StaticValues(
        arguments,
        [m.graph for m in makings],
        _common_statics(makings),
        [m.written for m in makings],
        symbolic=False,
        preferred=f"{makings[0].site.name}_{'size' if makings[0].indices else 'count'}",
        in_lists=True,
    )
    before = arguments.mark()
    try:
        return merge([m.expr for m in makings], Placeholders(static, layer=layer, site=site))
    except CannotMerge:
        arguments.rewind(before)
        raise


def _common_statics(makings: Sequence[Making]) -> dict[str, Expr | None]:
    """What names print as wherever these are made."""
    result = dict(makings[0].statics)
    for statics in {id(m.statics): m.statics for m in makings}.values():
        result = {n: e for n, e in result.items() if n in statics and statics[n] == e}
    return result
