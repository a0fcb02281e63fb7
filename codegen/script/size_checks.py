"""What a model demands of sizes, as Python: conditions, and one line each that says what is wrong.

`input_checks` reads the sizes from a dictionary `sizes`, whose keys are the sizes in the shapes of
the model's inputs as the source writes them: `sizes["T"]`, `sizes["16 * H"]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from tercet.codegen.interface import Interface, Spelled
from tercet.codegen.names import Names
from tercet.codegen.script.names import SCRIPT_NAMES
from tercet.codegen.script.pieces import literal
from tercet.codegen.script.quoting import format_text
from tercet.compiler import dims
from tercet.compiler.constraints import Constraint
from tercet.compiler.dims import Dim, FloorDiv, Mod, Size, Symbol, symbol
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.training import Training
from tercet.dsl.records import dataclass

_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", ">=": "<=", ">": "<", "<=": ">="}
_WIDTH = 64
"""Longer messages are broken after what an `assert` says."""


def input_checks(interface: Interface, where: str) -> list[str]:
    """Lines that end the script where `sizes` do not fit the model: none where all do.

    `where` is what a message begins with, as the text of an f-string.
    """
    scope = _Scope(Names())
    composites = list(_composites(interface.model))
    conditions = [c.condition(scope) for c in composites]
    unfit = [
        line
        for composite, condition in zip(composites, conditions, strict=True)
        if condition
        for line in _refusal(condition, [f"{where}: ", composite.told(scope)])
    ]
    refused = list(_refusals(interface.constraints, scope, where))
    if not unfit and not refused:
        return []
    return [*_reads(composites, scope), *unfit, *refused]


def batch_checks(training: Training, model_class: str) -> list[str]:
    """Lines of `main`, where the data are loaded, that look at the number of rows of batches."""
    data, where = training.data, "--batch-size {args.batch_size}"
    names = sorted({name for c in (*data.batch, *data.step) for name in c.symbols})
    scope = _Scope(Names(SCRIPT_NAMES | {model_class}))
    refused = list(_refusals(data.batch, scope, where))
    refused_in_training = list(_refusals(_distinct(data.step), scope, where))
    if not names:
        return []
    (variable,) = map(scope.variable, names)
    given = f"{variable} = args.batch_size"
    if training.evaluation is None or not refused:
        return [given, *refused, *refused_in_training]
    if refused_in_training:
        refused_in_training.insert(0, given)
    # The last batch of the test part is smaller.
    rows = "{args.batch_size, len(test_part[0]) % args.batch_size} - {0}"
    looked_at = [f"for {variable} in {rows}:", *(f"    {line}" for line in refused)]
    return [*refused_in_training, *looked_at]


def _distinct(constraints: Iterable[Constraint]) -> list[Constraint]:
    """The first of those that demand the same."""
    found: dict[str, Constraint] = {}
    for constraint in constraints:
        found.setdefault(str(constraint), constraint)
    return list(found.values())


class _Scope:
    """The variables that hold symbols."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self.used: dict[str, str] = {}

    def variable(self, name: str) -> str:
        return self.used.setdefault(name, self._names.of(name))

    def text(self, size: Size) -> str:
        """The size as Python."""
        symbols = dims.symbols(size)
        return str(dims.substitute(size, {n: symbol(self.variable(n)) for n in sorted(symbols)}))

    def tight(self, size: Size) -> str:
        """The size as an operand."""
        text = self.text(size)
        return text if re.fullmatch(r"\w+", text) else f"({text})"


# --------------------------------------------------------------------------------- sizes of inputs


@dataclass(frozen=True)
class _Composite:
    """A size of an input that is no symbol by itself; `name` is the symbol that it settles, if any.

    Such a symbol stands in it as `factor * symbol + rest`.
    """

    size: Dim
    name: str | None

    @property
    def actual(self) -> str:
        return f"sizes[{literal(str(self.size))}]"

    @cached_property
    def rest(self) -> Size:
        return dims.substitute(self.size, {self.name: 0}) if self.name else 0

    @cached_property
    def factor(self) -> Size:
        return dims.substitute(self.size, {self.name: 1}) - self.rest if self.name else 0

    def read(self, scope: _Scope) -> str:
        """The expression that the symbol is."""
        value = self.actual
        if self.rest != 0:
            less = dims.less(self.rest, 0)
            value += f" + {scope.tight(-self.rest)}" if less else f" - {scope.tight(self.rest)}"
        if self.factor == 1:
            return value
        divisor = scope.tight(self.factor)
        if not dims.less(0, self.factor):
            divisor = f"max(1, {scope.text(self.factor)})"
        return f"{value if self.rest == 0 else f'({value})'} // {divisor}"

    def condition(self, scope: _Scope) -> str:
        """When the number found is wrong; nothing where it never is."""
        differs = f"{self.actual} != {scope.text(self.size)}"
        if self.name is None:
            return differs
        least = [] if dims.less_equal(self.rest, 0) else [f"{scope.variable(self.name)} < 1"]
        return " or ".join(least if self.factor == 1 else [*least, differs])

    def told(self, scope: _Scope) -> str:
        """What is wrong, as the text of an f-string."""
        found = "{" + self.actual.replace('"', "'") + "}"
        if self.name is None:
            return f"{self.size} is {found}, not {{{scope.text(self.size)}}}"
        return f"no {self.name} makes {self.size} {found}"


def _composites(model: Graph) -> Iterator[_Composite]:
    """Those of a model's inputs, in an order in which their symbols can be found."""
    sizes = [n for i in model.inputs for n in i.value.type.shape if isinstance(n, Dim)]
    pending = [n for n in dict.fromkeys(sizes) if not isinstance(n.expression, Symbol)]
    known = {str(n) for n in sizes if n not in pending}
    while pending:
        unknown = [dims.symbols(size) - known for size in pending]
        place = min(range(len(pending)), key=lambda k: len(unknown[k]))
        name = min(unknown[place], default=None)
        known |= unknown[place]
        yield _Composite(pending.pop(place), name)


def _reads(composites: Iterable[_Composite], scope: _Scope) -> list[str]:
    """The assignments of the symbols used, those first that others are computed with."""
    solved = {c.name: c for c in composites if c.name is not None}
    needed = [n for n in solved if n in scope.used]
    values = {name: solved[name].read(scope) for name in solved if name in needed}
    while more := [n for n in scope.used if n in solved and n not in values]:
        values |= {name: solved[name].read(scope) for name in more}
    plain = [name for name in scope.used if name not in solved]
    lines = [f"{scope.variable(name)} = {values[name]}" for name in solved if name in values]
    if plain:
        read = ", ".join(f"sizes[{literal(name)}]" for name in plain)
        lines.insert(0, f"{', '.join(map(scope.variable, plain))} = {read}")
    return lines


# ------------------------------------------------------------------------------------- constraints


def _refusals(constraints: Iterable[Constraint], scope: _Scope, where: str) -> Iterator[str]:
    for constraint in constraints:
        numbers = [f"{name} is {{{scope.variable(name)}}}" for name in constraint.symbols]
        said = "".join(_said(part, scope) for part in constraint.message)
        parts = [f"{where}: ", f"{said}: " if said else ""]
        parts.append(f"{_shown(constraint)} must hold, and {', '.join(numbers)}")
        yield from _refusal(_broken(constraint, scope), parts)


def _shown(constraint: Constraint) -> str:
    """The constraint as the text of an f-string."""
    left, right = (
        f"{{{side}}}" if isinstance(side, Spelled) else str(side)
        for side in (constraint.left, constraint.right)
    )
    return f"{left} {constraint.relation} {right}"


def _broken(constraint: Constraint, scope: _Scope) -> str:
    """The condition that sizes do not meet the constraint."""
    left, right = constraint.left, constraint.right
    relation = _OPPOSITE[constraint.relation]
    if isinstance(left, int):
        left, right, relation = right, left, _MIRRORED[relation]
    divisors = dict.fromkeys([*_zeros(left), *_zeros(right)])
    zero = [f"{scope.text(divisor)} == 0" for divisor in divisors]
    return " or ".join([*zero, f"{scope.text(left)} {relation} {scope.text(right)}"])


def _zeros(size: Size) -> Iterator[Dim]:
    """What the size divides by and may be zero, the innermost first."""
    if isinstance(size, Dim):
        for atom in (atom for monomial, _ in size.terms for atom in monomial):
            for operand in atom.operands:
                yield from _zeros(operand)
            if isinstance(atom, FloorDiv | Mod) and not dims.less(0, atom.right):
                assert isinstance(atom.right, Dim)  # numbers that divide are not 0
                yield atom.right


def _said(part: str | Dim, scope: _Scope) -> str:
    """A part of a message for an f-string: a size by its number, if it surely has one."""
    if isinstance(part, str) or next(_zeros(part), None) is not None:
        return format_text(str(part))
    return f"{{{scope.text(part)}}}"


def _refusal(condition: str, parts: list[str]) -> list[str]:
    first, *others = filter(None, parts)
    pieces = ["".join((first, *others))]
    if len(pieces[0]) > _WIDTH and len(others) > 1:
        joined = f"{first}{others[0]}"
        pieces = [joined, *others[1:]] if len(joined) <= _WIDTH else [first, *others]
    text = " ".join(f"f{literal(piece)}" for piece in pieces)
    return [f"if {condition}:", f"    raise SystemExit({text})"]
