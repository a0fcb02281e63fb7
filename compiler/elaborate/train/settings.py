"""Settings of `train`: a word of their own tables with arguments, and what `-T` overrides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Final

from tercet.compiler.elaborate.errors import did_you_mean, error
from tercet.compiler.elaborate.expressions import decided
from tercet.compiler.elaborate.recording import operation_error
from tercet.compiler.elaborate.scope import Frame
from tercet.compiler.errors import OpError
from tercet.compiler.graph.values import POISON, describe, holds_poison
from tercet.compiler.settings import Setting
from tercet.compiler.signature import Given, bind, signature
from tercet.dsl import nodes
from tercet.dsl.records import dataclass
from tercet.dsl.source import Span


@dataclass(frozen=True)
class Overriding:
    """`-T` by setting: whole ones (`batch`), and arguments of one (`optimizer.lr`).

    `used` collects the arguments that found their setting.
    """

    whole: Mapping[str, nodes.Expr] = field(default_factory=dict)
    arguments: Mapping[str, Mapping[str, nodes.Expr]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)


def setting_of(
    frame: Frame,
    expression: nodes.Expr,
    table: Mapping[str, type[Setting]],
    what: str,
    overriding: Overriding,
    operands: list[Given | None] | None = None,
) -> Any:
    """The setting that `name(arguments)` or `name` means; None where an argument is wrong.

    `operands` receives the tensors of a metric.  Raises DiagnosticError.
    """
    if isinstance(expression, nodes.Conditional):
        holds = decided(frame.evaluate(expression.condition), expression.condition)
        if holds is POISON:
            return None
        taken = expression.then if holds else expression.otherwise
        return setting_of(frame, taken, table, what, overriding, operands)
    cls = _named(expression, table, what)
    positional: list[Given] = []
    keywords: list[tuple[nodes.Keyword, Given]] = []
    if isinstance(expression, nodes.Call):
        positional = [Given(frame.evaluate(a), a) for a in expression.arguments]
        keywords = [(k, Given(frame.evaluate(k.value), k.value)) for k in expression.keywords]
    if any(holds_poison(g.value) for g in [*positional, *(g for _, g in keywords)]):
        return None
    replaced = overriding.arguments.get(what, {}) if operands is None else {}
    keywords = [pair for pair in keywords if pair[0].name not in replaced]
    for name, value in replaced.items():
        positional = _without(cls, positional, name)
        keyword = nodes.Keyword(value.span, name, value.span, value)
        keywords.append((keyword, Given(frame.evaluate(value), value)))
        overriding.used.add(f"{what}.{name}")
    bound = bind(cls, positional, keywords, expression.span, describe)
    if operands is not None:
        operands.extend(bound.operands)
    try:
        return cls(**bound.fields)
    except OpError as problem:
        raise operation_error(problem, cls, expression.span, (), bound.arguments) from None


def _without(cls: type[Any], positional: list[Given], name: str) -> list[Given]:
    """The positional arguments up to the overridden one, which was the last.

    Those after it would move to another place, so they are kept only before it.
    """
    names = [p.name for p in signature(cls).parameters if not p.keyword_only]
    place = names.index(name) if name in names else len(positional)
    if place < len(positional) - 1:
        raise error(
            "E0608",
            f"`{name}` cannot be overridden while arguments by position follow it",
            positional[place].span,
            "give the arguments after it by name",
        )
    return positional[:place]


_EXAMPLES: Final = {
    "optimizer": "for example `optimizer = adam(lr = 1e-3)`",
    "schedule": "for example `schedule = cosine(warmup = 100)`",
    "clip": "for example `clip = global_norm(1.0)`",
    "metrics": "for example `metrics = { accuracy = accuracy(logits, label) }`",
    "data": "for example `data = digits(split = 0.8) { image = pixels / 16, label = digit }`",
}


def _named(expression: nodes.Expr, table: Mapping[str, type[Setting]], what: str) -> type[Setting]:
    function = expression.function if isinstance(expression, nodes.Call) else expression
    known = ", ".join(f"`{name}`" for name in table)
    if not isinstance(function, nodes.Name):
        raise error("E0608", f"`{what}` is one of {known}", expression.span, _EXAMPLES.get(what))
    found = table.get(function.id)
    if found is None:
        help = did_you_mean(function.id, table) or f"`{what}` is one of {known}"
        code = "E0607" if what == "data" else "E0608"
        message = f"there is no `{function.id}` for `{what}`"
        raise error(code, message, function.span, help)
    return found


def number(name: str, value: Any, span: Span) -> int | None:
    """A setting that is an integer: at least 1, a seed and the epochs at least 0."""
    if value is POISON:
        return None
    least = 1 if name == "batch" else 0
    if isinstance(value, int) and not isinstance(value, bool) and value >= least:
        return value
    raise error("E0608", f"`{name}` is an integer from {least}, not {describe(value)}", span)
