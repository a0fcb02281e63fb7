"""The usual slips in calls, and what to write instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tercet.compiler.elaborate.errors import error
from tercet.compiler.elaborate.scope import Frame
from tercet.compiler.graph.ir import Value
from tercet.compiler.graph.values import StaticFunction, describe, is_function, is_kind, kind_name
from tercet.compiler.signature import Given, signature
from tercet.dsl import nodes
from tercet.dsl.diagnostics import DiagnosticError, Note


def tensor_in_configuration(
    kind: Any, piped: Given | None, tensors: Sequence[Given], static: Sequence[Given]
) -> DiagnosticError:
    """`dense(x, 10)`: a kind takes its configuration first, then its inputs.  E0506."""
    name = kind_name(kind)
    inputs = ", ".join(g.span.text for g in [*([piped] if piped else []), *tensors])
    config = ", ".join(g.span.text for g in static)
    return error(
        "E0506",
        f"a tensor stands among the configuration of `{name}`",
        tensors[0].span,
        f"write `{name}({config})({inputs})`",
    )


def require_configured(kind: Any, node: nodes.Expr) -> None:
    """`dense(x)` lacks its units: it says how a layer is applied.  Raises E0502."""
    if isinstance(kind, nodes.Block):
        required = [p.name for p in kind.parameters if p.default is None]
    else:
        required = [p.name for p in signature(kind).parameters if p.required]
    if required and isinstance(node, nodes.Call):
        name = kind_name(kind)
        inputs = ", ".join(a.span.text for a in node.arguments)
        raise error(
            "E0502",
            f"`{name}` needs `{required[0]}` before it can be applied",
            node.span,
            f"write `{name}({', '.join(required)})({inputs})`",
        )


def hidden(frame: Frame, node: nodes.Expr, callee: Any) -> DiagnosticError | None:
    """The error for a variable that took the name of what is meant.  E0508."""
    function = node.function if isinstance(node, nodes.Call) else node
    if not isinstance(function, nodes.Name) or function.id not in frame.names:
        return None
    meant = frame.module.kind(function.id)
    if not (is_kind(meant) or is_function(meant) or isinstance(meant, StaticFunction)):
        return None
    bound = None if frame.text is None else frame.text.assigned.get(function.id)
    return error(
        "E0508",
        f"`{function.id}` is {describe(callee)} here, which hides {describe(meant)}",
        function.span,
        "give the variable another name",
        *([] if bound is None else [Note("the variable", bound)]),
    )


def not_callable(frame: Frame, node: nodes.Expr, callee: Any) -> DiagnosticError:
    """The error for a call of what is neither layer nor function.  E0508, E0507 or E0112."""
    if (problem := hidden(frame, node, callee)) is not None:
        return problem
    if not isinstance(node, nodes.Call):
        return error("E0112", f"{describe(callee)} cannot be called", node.span)
    help = None
    if isinstance(callee, Value):
        help = "a layer is applied by `layer(x)` or `x |> layer`; a product is `a * b`"
    return error("E0507", f"{describe(callee)} cannot be called", node.function.span, help)
