"""What the body of a block or model is asked when it has been elaborated.

Is all of it used, are its layers applied, are the places that it lists there?
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tercet.compiler.elaborate.binding import require_determined
from tercet.compiler.elaborate.errors import error
from tercet.compiler.elaborate.liveness import outputs as computed
from tercet.compiler.elaborate.scope import Frame, region_of
from tercet.compiler.elaborate.sites import has_output
from tercet.compiler.graph.ir import (
    Apply,
    Call,
    Create,
    GraphOutput,
    Instance,
    Layer,
    Parameter,
    ReadParameter,
    Value,
)
from tercet.compiler.initializers import Nested, Values
from tercet.compiler.ops.base import IndexRange
from tercet.compiler.ops.elementwise import Listed
from tercet.compiler.stored import StoredArray
from tercet.dsl import nodes
from tercet.dsl.diagnostics import DiagnosticError


def no_output(frame: Frame, block: nodes.Block) -> None:
    """A body without `output`, or one in a branch that is not taken.  E0209."""
    help = "end it by `output` and a value"
    if any(name.id == "output" for s in block.body for name in _assigned(s)):
        help = "`output = …` binds a name; what the body gives is declared `output output`"
    if has_output(block.body):
        help = "put the `output` at the end of the body, not into an `if` or `for`"
    frame.fail(error("E0209", f"`{block.name}` has no output", block.name_span, help))


def _assigned(statement: nodes.Statement) -> Sequence[nodes.TargetName]:
    return (
        tuple(nodes.target_names(statement.target)) if isinstance(statement, nodes.Assign) else ()
    )


def check_applied(frame: Frame) -> None:
    """A layer that is made and never applied would have no shape.  E0505."""
    if frame.failed:
        return
    applied = frame.session.applied
    for made, span in frame.made:
        if made not in applied:
            message = f"the layer `{made.site.name}` is never applied"
            frame.fail(error("E0505", message, span, "apply it, or remove it"))


def check_used(frame: Frame, outputs: Sequence[GraphOutput]) -> None:
    """A layer whose result goes nowhere would be parameters that mean nothing.  E0513."""
    if frame.failed:
        return
    live = {output.value for output in outputs}
    used: set[Layer | Instance] = set()
    for item in reversed(list(region_of(frame.items).walk())):
        if isinstance(item, Call):
            used.update(_passed(item.instance))
        if isinstance(item, Create) or not any(value in live for value in computed(item)):
            continue
        match item:
            case Apply(layer=made, inputs=inputs):
                live.update(value for value in inputs if value is not None)
            case Call(instance=made, inputs=inputs):
                live.update(inputs)
            case ReadParameter(layer=made):
                pass
        if made is not None:
            used.add(made)
    for made, span in frame.made:
        if made not in used and _has_parameters(frame, made):
            message = f"nothing that `{made.site.name}` computes reaches an output"
            frame.fail(error("E0513", message, span, "use its result, or remove the layer"))


def check_indices(frame: Frame) -> None:
    """The list that a buffer starts from holds no place that is not there.  E0310."""
    if frame.failed:
        return
    tables: dict[Value, Nested] = {}
    for item in region_of(frame.items).walk():
        match item:
            case ReadParameter(parameter=Parameter(init=Values(elements)), output=output):
                tables[output] = elements
            case ReadParameter(parameter=Parameter(init=StoredArray() as init), output=output):
                if output.type.dtype.is_integer:
                    tables[output] = _nested(init.array().tolist())
            case Apply(op=Listed(values=elements), outputs=(output,)):
                tables[output] = elements
            case Apply(op=op, inputs=inputs) if any(value in tables for value in inputs):
                types = [None if value is None else value.type for value in inputs]
                for wanted in op.index_ranges(*types):
                    if (value := inputs[wanted.operand]) in tables:
                        _check_range(frame, item, value, wanted, tables[value])


def _nested(part: Any) -> Nested:
    return tuple(map(_nested, part)) if isinstance(part, list) else part


def _check_range(
    frame: Frame, item: Apply, value: Value, wanted: IndexRange, elements: Nested
) -> None:
    low, high = wanted.low, wanted.high
    if not (wanted.enforced and isinstance(low, int) and isinstance(high, int)):
        return
    for index in _leaves(elements, wanted.column):
        if not low <= index <= high and index != wanted.ignored:
            table = "the list" if value.name == Listed.name else f"`{value.name}`"
            message = f"{table} holds {index}, and `{item.op.name}` takes {low} to {high}"
            frame.fail(error("E0310", message, item.span))
            return


def _leaves(elements: Nested, column: int | None) -> Iterator[float]:
    """The numbers of nested lists, or those at one place of the innermost ones."""
    if not isinstance(elements, tuple):
        yield elements
        return
    innermost = not any(isinstance(part, tuple) for part in elements)
    for part in elements[column : column + 1] if innermost and column is not None else elements:
        yield from _leaves(part, column)


def _passed(instance: Instance) -> Iterator[Layer | Instance]:
    """The layers that an instance got as arguments, and those that these got: it applies them."""
    pending = [argument.value for argument in instance.arguments]
    while pending:
        match pending.pop():
            case Layer() as made:
                yield made
            case Instance() as made:
                yield made
                pending.extend(argument.value for argument in made.arguments)
            case tuple() as items:
                pending.extend(items)


def _has_parameters(frame: Frame, made: Layer | Instance) -> bool:
    if isinstance(made, Instance):
        return any(frame.session.instances[made].parameters())
    return bool(made.parameters)


def check_inputs(frame: Frame) -> None:
    """The inputs of a model for itself must give every dimension a value.  E0307."""
    if frame.failed or frame.body.actual is not None:
        return
    try:
        require_determined(frame.body.inputs, frame.names)
    except DiagnosticError as problem:
        frame.fail(problem)
