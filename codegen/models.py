"""Models as classes: which of their parameters become arguments, found by printing.

All that have other values are tried at once.  Where their executions do not become one class, each
is tried alone, and those that fail are fixed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from tercet.codegen.classes import ClassPrinter
from tercet.codegen.decisions import CannotMerge, Decision
from tercet.codegen.interface import Interface
from tercet.codegen.printed import ClassCode
from tercet.codegen.target import ClassTarget
from tercet.codegen.variants import Family, family_of
from tercet.compiler.graph.ir import Graph
from tercet.compiler.graph.training import Training
from tercet.dsl.diagnostics import DiagnosticError
from tercet.dsl.records import dataclass

Target = TypeVar("Target", bound=ClassTarget)


@dataclass(frozen=True)
class Printed(Generic[Target]):
    """The classes of a model's blocks, callees first, then the model's own, and their target.

    `decisions` tell why classes and loops are as they are, `interface` what the rest of the script
    says of the model.
    """

    target: Target
    classes: list[ClassCode]
    decisions: list[Decision]
    interface: Interface


def print_model(
    model: Graph,
    make_target: Callable[[Sequence[Graph]], Target],
    training: Training | None = None,
    *,
    follow: bool = True,
) -> Printed[Target]:
    """Prints a model with those of its parameters as arguments of its class that can be.

    `make_target` makes a target for the model and itself at other values of its parameters; what
    `training` asks of its data follows them too.
    Without `follow`, only whether the model can be printed is of interest: none is an argument.
    """
    plain: Printed[Target] | None = None
    family = family_of(model) if follow else Family(model, {}, {})
    while family.free:
        try:
            printed = _print_family(family, make_target, training)
        except CannotMerge as problem:
            reason = _told(problem)
            for name in (known := family.changed(problem.graphs)):
                family = family.without(name, reason)
            if known:
                continue
        except DiagnosticError as problem:
            reason = _told(problem)
        else:
            if all(d.merged for d in printed.decisions):
                return printed
            plain = plain or _print_family(family.only(()), make_target, training)
            worse = _worse(printed, plain)
            if worse is None:
                return printed
            reason = worse
        family = _with_one_fixed(family, make_target, training, reason, plain)
    return _print_family(family, make_target, training)


def _with_one_fixed(
    family: Family,
    make_target: Callable[[Sequence[Graph]], Target],
    training: Training | None,
    reason: str,
    plain: Printed[Target] | None,
) -> Family:
    """The family without the parameters that cannot be free, or without the last one."""
    result = family
    for name in family.free if len(family.free) > 1 else ():
        try:
            printed = _print_family(family.only([name]), make_target, training)
        except (CannotMerge, DiagnosticError) as problem:
            result = result.without(name, _told(problem))
        else:
            if not all(d.merged for d in printed.decisions):
                plain = plain or _print_family(family.only(()), make_target, training)
                worse = _worse(printed, plain)
                result = result if worse is None else result.without(name, worse)
    return result if result is not family else family.without([*family.free][-1], reason)


def _worse(printed: Printed[Target], plain: Printed[Target]) -> str | None:
    """Why free parameters make a model be printed in more pieces than without them."""
    known = [d.span for d in plain.decisions if not d.merged]
    for decision in printed.decisions:
        if not decision.merged:
            if decision.span not in known:
                return decision.text
            known.remove(decision.span)
    return None


def _told(problem: CannotMerge | DiagnosticError) -> str:
    if isinstance(problem, DiagnosticError):
        return problem.diagnostics[0].message
    place = f" (line {problem.span.line})" if problem.span is not None else ""
    return f"{problem.reason}{place}"


def _print_family(
    family: Family,
    make_target: Callable[[Sequence[Graph]], Target],
    training: Training | None,
) -> Printed[Target]:
    """Raises CannotMerge, DiagnosticError."""
    target = make_target(family.graphs)
    printer = ClassPrinter(target, family, training)
    interface = printer.print_classes()
    return Printed(target, printer.classes, printer.decisions, interface)
