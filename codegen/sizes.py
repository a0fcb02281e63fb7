"""Reading symbolic sizes from the inputs of a generated function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tercet.codegen.decisions import CannotMerge
from tercet.codegen.expr import Expr, Literal, Name
from tercet.codegen.target import ClassTarget
from tercet.codegen.writer import Assign, Statement
from tercet.compiler.graph.ir import Graph
from tercet.dsl import nodes
from tercet.dsl.diagnostics import Diagnostic, DiagnosticError


class UnreadSize(CannotMerge):
    """No axis of an input tells a size that is wanted, alone."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = sorted(names)
        super().__init__(f"no input's shape tells the size {self._names[0]} alone")

    def told(self, graph: Graph, target: str) -> DiagnosticError:
        """The error for a graph that no other way of printing helps."""
        name = self._names[0]
        message = f"{target} cannot express the size {name}: no input's shape tells it alone"
        return DiagnosticError(
            Diagnostic(
                "E0701",
                message,
                graph.block.name_span,
                help=f"give some input an axis of size `{name}`, `16 * {name}` or `{name} + 1`",
            )
        )


def read_sizes(
    target: ClassTarget, graph: Graph, inputs: Sequence[str], names: Mapping[str, str]
) -> list[Statement]:
    """Statements that bind the sizes wanted, `names` from source to Python.

    Of a size that is only declared as `16 * H + 1`, H is worked out.  Raises UnreadSize.
    """
    wanted = dict(names)
    told_alone = {d.id for e in graph.inputs for d in e.declared if isinstance(d, nodes.Name)}
    reads: list[Statement] = []
    for index, entry in enumerate(graph.inputs):
        plain: list[str | None] = [None] * len(entry.declared)
        derived: list[Statement] = []
        for axis, declared in enumerate(entry.declared):
            form = None if declared is None else _affine(declared)
            if form is None or form[0] not in wanted:
                continue
            name, factor, addend = form
            is_alone = (factor, addend) == (1, 0)
            if name in told_alone and not is_alone:
                continue  # another axis has this size itself
            variable = plain[axis] = wanted.pop(name)
            if not is_alone:
                derived.append(Assign((Name(variable),), _solved(Name(variable), factor, addend)))
        if any(plain):
            reads += target.read_sizes(graph, index, Name(inputs[index]), plain)
            reads += derived
    if wanted:
        raise UnreadSize(wanted)
    return reads


def _solved(size: Expr, factor: int, addend: int) -> Expr:
    rest = size - Literal(addend) if addend > 0 else size + Literal(-addend) if addend else size
    return rest if factor == 1 else rest // Literal(factor)


def _affine(size: nodes.Expr) -> tuple[str, int, int] | None:
    """The name, factor and addend of `factor * name + addend`; None of what is not of this form."""
    match size:
        case nodes.Name(id=name):
            return name, 1, 0
        case nodes.Binary(
            operator=("+" | "*") as operator, left=nodes.Constant(value=int(n)), right=inner
        ):
            return _with(operator, _affine(inner), n)
        case nodes.Binary(
            operator=("+" | "-" | "*") as operator, left=inner, right=nodes.Constant(value=int(n))
        ):
            return _with(operator, _affine(inner), n)
    return None


def _with(operator: str, form: tuple[str, int, int] | None, n: int) -> tuple[str, int, int] | None:
    if form is None:
        return None
    name, factor, addend = form
    if operator == "*":
        return name, n * factor, n * addend
    return name, factor, addend + (n if operator == "+" else -n)
