"""Looking for classes and rows that are not there: in the data, and in the inputs of `predict`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tercet.codegen.expr import Expr, Name
from tercet.codegen.interface import Interface, Spelled
from tercet.codegen.render import render
from tercet.codegen.script.numpy_rules import lowered
from tercet.codegen.script.pieces import Piece, literal
from tercet.codegen.script.quoting import format_text
from tercet.compiler import dims
from tercet.compiler.graph.index_checks import IndexCheck
from tercet.compiler.graph.index_sources import Step
from tercet.compiler.graph.ir import Apply, Value

CHECK_INDICES = "check_indices"


def index_check_piece(interface: Interface) -> Piece:
    """`check_indices`, if the script calls it."""
    checks = (*interface.index_checks, *interface.data_checks)
    checks = tuple(check for check in checks if check.held is None and _is_printable(check))
    if not checks:
        return Piece()
    ignoring = any(check.ignored is not None for check in checks)
    return Piece(_IGNORING if ignoring else _PLAIN, ("import numpy as np",))


_PLAIN = f'''\
def {CHECK_INDICES}(where, name, indices, low, high):
    """Refuse numbers of classes or rows that are not from `low` to `high`."""
    indices = np.atleast_1d(indices)
    wrong = ~((low <= indices) & (indices <= high))
    if wrong.any():
        found = f"row {{np.argwhere(wrong)[0][0]}} holds {{indices[wrong][0]}}"
        raise SystemExit(f"{{where}}: {{name}} must be from {{low}} to {{high}}; {{found}}")'''

_IGNORING = f'''\
def {CHECK_INDICES}(where, name, indices, low, high, ignored=None):
    """Refuse numbers of classes or rows that are neither from `low` to `high` nor `ignored`."""
    indices = np.atleast_1d(indices)
    wrong = ~((low <= indices) & (indices <= high))
    allowed = f"from {{low}} to {{high}}"
    if ignored is not None:
        wrong &= indices != ignored
        allowed += f" or {{ignored}}"
    if wrong.any():
        found = f"row {{np.argwhere(wrong)[0][0]}} holds {{indices[wrong][0]}}"
        raise SystemExit(f"{{where}}: {{name}} must be {{allowed}}; {{found}}")'''


def check_lines(checks: Iterable[IndexCheck], arrays: Mapping[str, str], where: str) -> list[str]:
    """Lines of `load_data` that look at its arrays, whose names are given by the source's."""
    named = {name: Name(array) for name, array in arrays.items()}
    found = []
    for check in checks:
        if check.held is not None:
            found += _refusal(check, check.held)
        elif _is_printable(check):
            found.append(_call(check, named, where))
    return found


def _refusal(check: IndexCheck, held: tuple[int, int]) -> list[str]:
    """The same where the numbers are known: whether the model's arguments allow them."""
    least, greatest = held
    wrong = [f"{check.low} > {least}"] if isinstance(check.low, Spelled) else []
    wrong += [f"{check.high} < {greatest}"] if isinstance(check.high, Spelled) else []
    held_there = format_text(f"{check.shown} is from {least} to {greatest}")
    low, high = (
        f"{{{end}}}" if isinstance(end, Spelled) else str(end) for end in (check.low, check.high)
    )
    told = f'f"{held_there}; the model takes {low} to {high}"'
    return [f"if {' or '.join(wrong)}:", f"    raise SystemExit({told})"]


def follow_model(checks: Iterable[IndexCheck]) -> bool:
    """Whether lines for these checks read `model`."""
    said = (check for check in checks if check.held is not None or _is_printable(check))
    return any(isinstance(end, Spelled) for check in said for end in (check.low, check.high))


def input_lines(interface: Interface) -> list[str]:
    """Lines of `predict` that look at `inputs`, read from `source`."""
    inputs = {i.value.name: Name("inputs")[i.value.name] for i in interface.model.inputs}
    found = []
    for check in filter(_is_printable, interface.index_checks):
        array = inputs[check.name]
        looked_at = Name("np").asarray(array) if check.steps else array
        found.append(_call(check, {**inputs, check.name: looked_at}, "source"))
    return found


def _call(check: IndexCheck, arrays: Mapping[str, Expr], where: str) -> str:
    array = arrays[check.name]
    for step in check.steps:
        array = _applied(step, array)
    ignored = "" if check.ignored is None else f", ignored={check.ignored}"
    sizes = {
        symbol: reading.of(dims.symbol(render(arrays[reading.name].shape[reading.axis])))
        for symbol, reading in check.readings.items()
    }
    low, high = (dims.substitute(end, sizes) for end in (check.low, check.high))
    given = f"{literal(check.shown)}, {render(array)}, {low}, {high}{ignored}"
    return f"{CHECK_INDICES}({where}, {given})"


def _is_printable(check: IndexCheck) -> bool:
    """Whether NumPy has what is computed before; else the framework looks at the indices."""
    return all(_lowered(step, Name("x")) is not None for step in check.steps)


def _applied(step: Step, array: Expr) -> Expr:
    found = _lowered(step, array)
    assert found is not None, step.op
    return found


def _lowered(step: Step, array: Expr) -> Expr | None:
    result = (Value("", step.type),)
    constants = (Apply(c, (), result, step.span) if c else None for c in step.operands)
    operands = [array if c is None else lowered(c, ()) for c in constants]
    return lowered(Apply(step.op, (), result, step.span), operands)
