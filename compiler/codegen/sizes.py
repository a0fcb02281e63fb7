"""Reading symbolic sizes from the inputs of a generated function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from compiler.codegen.expr import Expr, Literal, Name
from compiler.codegen.merge import NotAlike
from compiler.codegen.target import ClassTarget
from compiler.codegen.writer import Assign, Statement
from compiler.ir import Graph
from dsl import nodes


def read_sizes(
    target: ClassTarget, graph: Graph, inputs: Sequence[str], names: Mapping[str, str]
) -> list[Statement]:
    """Statements that bind the sizes wanted, `names` from source to Python.

    A size declared as `16 * H` is divided out.  Raises NotAlike where no input has a size.
    """
    wanted = dict(names)
    reads: list[Statement] = []
    for index, entry in enumerate(graph.inputs):
        plain: list[str | None] = [None] * len(entry.declared)
        derived: list[Statement] = []
        for axis, declared in enumerate(entry.declared):
            match declared:
                case nodes.Name(id=name) if name in wanted:
                    plain[axis] = wanted.pop(name)
                case nodes.Binary(operator="*", left=left, right=right):
                    factor, name = _multiple(left, right)
                    if name in wanted:
                        variable = wanted.pop(name)
                        plain[axis] = variable
                        divided: Expr = Name(variable) // Literal(factor)
                        derived.append(Assign((Name(variable),), divided))
        if any(plain):
            reads += target.read_sizes(graph, index, Name(inputs[index]), plain)
            reads += derived
    if wanted:
        raise NotAlike
    return reads


def _multiple(left: nodes.Expr, right: nodes.Expr) -> tuple[int, str]:
    match left, right:
        case nodes.Constant(value=int(factor)), nodes.Name(id=name):
            return factor, name
        case nodes.Name(id=name), nodes.Constant(value=int(factor)):
            return factor, name
    return 1, ""
