"""Signatures: how the arguments of a call become the fields of a frozen dataclass.

Operations, initializers, optimizers, schedules, metrics and data sources are all such classes, so
this one binder serves the compiler, and its `signature` the documentation and completion.  The
rules of each field are worked out once per class from its annotations.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import field
from typing import Any, ClassVar, Final, get_origin, get_type_hints

from tercet.compiler.conversions import WRONG, Conversion, conversion, shown
from tercet.compiler.dims import Dim
from tercet.compiler.graph.ir import Argument, Value
from tercet.compiler.habits import about_argument
from tercet.compiler.ops.base import LayerOp, Operand
from tercet.dsl import nodes
from tercet.dsl.diagnostics import Diagnostic, DiagnosticError
from tercet.dsl.records import dataclass
from tercet.dsl.source import Span
from tercet.dsl.syntax_hints import nearest

REQUIRED: Final = object()
"""The default of a parameter without one."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a signature.

    `type` is its text for people; `convert` gives the field's value, or WRONG.
    """

    name: str
    type: str
    default: Any
    convert: Conversion = field(repr=False)
    keyword_only: bool = False

    @property
    def required(self) -> bool:
        return self.default is REQUIRED

    def __str__(self) -> str:
        text = f"{self.name}: {self.type}"
        return text if self.required else f"{text} = {shown(self.default)}"


@dataclass(frozen=True)
class Signature:
    """The operands (tensors) and parameters (static values) that a name takes."""

    name: str
    operands: tuple[Operand, ...]
    parameters: tuple[Parameter, ...]

    def __str__(self) -> str:
        operands = [_operand_text(operand) for operand in self.operands]
        return f"{self.name}({', '.join([*operands, *map(str, self.parameters)])})"


@dataclass(frozen=True, eq=False, slots=True)
class Given:
    """An argument as given: its value and the expression it came from.

    A piped value has the expression it was piped from.
    """

    value: Any
    expression: nodes.Expr

    @property
    def span(self) -> Span:
        return self.expression.span


@dataclass(frozen=True)
class Bound:
    """Arguments sorted into operands (one entry each, None where absent) and fields."""

    operands: tuple[Given | None, ...]
    fields: dict[str, Any]
    arguments: tuple[Argument, ...]


# ------------------------------------------------------------------------------------- signatures


def signature(cls: type[Any]) -> Signature:
    """The signature of an operation, initializer or setting, worked out once per class."""
    found = _SIGNATURES.get(cls)
    if found is None:
        found = _SIGNATURES[cls] = _signature(cls)
    return found


_SIGNATURES: dict[type[Any], Signature] = {}


def _signature(cls: type[Any]) -> Signature:
    hints = get_type_hints(cls, include_extras=True)
    parameters = tuple(
        _parameter(f, hints[f.name])
        for f in dataclasses.fields(cls)
        if f.init and get_origin(hints[f.name]) is not ClassVar
    )
    kept = [p for p in parameters if not p.keyword_only]
    kept += [p for p in parameters if p.keyword_only]
    operands: tuple[Operand, ...] = getattr(cls, "operands", ())
    return Signature(getattr(cls, "name", "") or cls.__name__, operands, tuple(kept))


def _parameter(f: dataclasses.Field[Any], hint: Any) -> Parameter:
    default: Any = REQUIRED
    if f.default is not dataclasses.MISSING:
        default = f.default
    elif f.default_factory is not dataclasses.MISSING:
        default = f.default_factory()
    text, convert = conversion(hint)
    return Parameter(f.name, text, default, convert, bool(f.kw_only))


def _operand_text(operand: Operand) -> str:
    text = f"[{operand.name}, …]" if operand.variadic else operand.name
    return f"{text} = none" if operand.optional else text


# ---------------------------------------------------------------------------------------- binding


def bind(
    cls: type[Any],
    positional: Sequence[Given],
    keywords: Sequence[tuple[nodes.Keyword, Given]],
    span: Span,
    describe: Callable[[Any], str] = str,
    *,
    applied: bool = True,
) -> Bound:
    """Sorts the arguments of a call.  Raises DiagnosticError (E0501 to E0504) with their places.

    Operands come first and take tensors; an optional operand is passed over where a static value
    stands at its place, and the fields follow in order.  A layer's kind takes no operands by
    position: the caller separates those.  One that is not `applied` takes none yet.
    """
    rules = signature(cls)
    binder = _Binder(rules, span, describe, issubclass(cls, LayerOp))
    for given in positional:
        binder.positional(given)
    for keyword, given in keywords:
        binder.keyword(keyword, given)
    return binder.finish(needs_operands=applied and not issubclass(cls, LayerOp))


class _Binder:
    def __init__(
        self, rules: Signature, span: Span, describe: Callable[[Any], str], is_layer: bool
    ) -> None:
        self._rules = rules
        self._span = span
        self._describe = describe
        self._is_layer = is_layer
        self._operands: dict[str, Given] = {}
        self._fields: dict[str, Any] = {}
        self._arguments: list[Argument] = []
        self._places: list[Operand | Parameter] = [] if is_layer else list(rules.operands)
        self._places += [p for p in rules.parameters if not p.keyword_only]
        self._next = 0

    def positional(self, given: Given) -> None:
        places = self._places
        while self._next < len(places):
            place = places[self._next]
            self._next += 1
            if isinstance(place, Parameter):
                return self._set(place, given)
            if place.optional and given.value is None:
                return None
            if not place.optional or is_tensor(given.value):
                self._operands[place.name] = given
                return None
        raise self._problem(
            "E0503",
            f"`{self._rules.name}` takes no more arguments by position",
            given.span,
            self._takes(),
        )

    def keyword(self, keyword: nodes.Keyword, given: Given) -> None:
        name = keyword.name
        for parameter in self._rules.parameters:
            if parameter.name == name:
                return self._set(parameter, given, keyword)
        for operand in self._rules.operands:
            if operand.name == name:
                if name in self._operands:
                    raise self._twice(name, keyword.name_span)
                if given.value is not None:
                    self._operands[name] = given
                return None
        names = [*(p.name for p in self._rules.parameters), *(o.name for o in self._rules.operands)]
        help = about_argument(self._rules.name, name, names) or self._takes()
        message = f"`{self._rules.name}` has no argument `{name}`"
        raise self._problem("E0501", message, keyword.name_span, help)

    def _set(
        self, parameter: Parameter, given: Given, keyword: nodes.Keyword | None = None
    ) -> None:
        if parameter.name in self._fields:
            raise self._twice(parameter.name, keyword.name_span if keyword else given.span)
        value = parameter.convert(given.value)
        if value is WRONG:
            raise self._misfit(parameter, given, by_position=keyword is None)
        self._fields[parameter.name] = value
        raw = given.value  # what the expression gives: `kernel = 3` stays 3, a float is a float
        written = value if isinstance(value, float) else raw
        by_position = keyword is None
        self._arguments.append(Argument(parameter.name, given.expression, written, by_position))

    def _misfit(self, parameter: Parameter, given: Given, *, by_position: bool) -> DiagnosticError:
        help = None
        choices = [c.strip('"') for c in parameter.type.split(" | ") if c.startswith('"')]
        if isinstance(given.value, str) and choices:
            close = nearest(given.value, choices)
            help = None if close is None else f'did you mean "{close}"?'
        elif self._is_layer and by_position and isinstance(given.value, int) and given.value > 0:
            help = "the input's size is not written: it follows from the input"
        elif parameter.type == "bool" and given.value in (0, 1):
            help = f"write `{shown(bool(given.value))}`"
        elif parameter.type == "int" and isinstance(given.value, float) and given.value % 1 == 0:
            help = f"write `{int(given.value)}`; an integer quotient is `a // b`"
        elif parameter.type.startswith("[") and isinstance(given.value, int | Dim):
            help = f"it is a list: `{parameter.name} = [{given.value}, …]`"
        elif isinstance(given.value, Dim) and "int" in parameter.type:
            message = f"`{parameter.name}` must be a known number, and {given.value} is symbolic"
            help = "write the size as a number in the type of the input"
            return self._problem("E0314", message, given.span, help)
        if is_tensor(given.value) and any(o.variadic for o in self._rules.operands):
            help = f"tensors stand in a list: `{self._rules.name}([a, b])`"
        message = (
            f"`{parameter.name}` of `{self._rules.name}` takes {parameter.type}, "
            f"not {self._describe(given.value)}"
        )
        return self._problem("E0504", message, given.span, help)

    def finish(self, *, needs_operands: bool) -> Bound:
        for parameter in self._rules.parameters:
            if parameter.required and parameter.name not in self._fields:
                raise self._missing(parameter.name)
        for operand in self._rules.operands:
            if needs_operands and not operand.optional and operand.name not in self._operands:
                raise self._missing(operand.name, is_operand=True)
        operands = tuple([self._operands.get(operand.name) for operand in self._rules.operands])
        return Bound(operands, self._fields, tuple(self._arguments))

    def _missing(self, name: str, *, is_operand: bool = False) -> DiagnosticError:
        message = f"`{self._rules.name}` needs `{name}`"
        help = self._takes()
        if is_operand and not self._arguments and not self._operands:
            help += f"; to give the function on, write `{self._rules.name}` without brackets"
        return self._problem("E0502", message, self._span, help)

    def _twice(self, name: str, span: Span) -> DiagnosticError:
        places = [place.name for place in self._places]
        before = ", ".join(places[: self._next])
        help = f"by position stand `{self._rules.name}({before})`"
        if self._is_layer:
            help += "; the input's size is not written"
        return self._problem("E0503", f"`{name}` is given twice", span, help)

    def _takes(self) -> str:
        return f"the signature is `{self._rules}`"

    def _problem(self, code: str, message: str, span: Span, help: str | None) -> DiagnosticError:
        return DiagnosticError(Diagnostic(code, message, span, help))


def is_tensor(value: Any) -> bool:
    """Whether the value is a tensor, or a list of them."""
    if isinstance(value, tuple):
        return any(isinstance(item, Value) for item in value)
    return isinstance(value, Value)
