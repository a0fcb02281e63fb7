"""Types as written, and the dimensions that they declare.

A capitalised name that nothing else has bound is a dimension.  In a model it is a new symbol; in a
block it takes the size that the caller's tensor has there: see `binding`.
"""

from __future__ import annotations

from typing import Final

from tercet.compiler import dims
from tercet.compiler.dims import Size
from tercet.compiler.elaborate.errors import did_you_mean, error
from tercet.compiler.elaborate.scope import Frame
from tercet.compiler.elaborate.sites import names_in
from tercet.compiler.graph.values import POISON, describe, is_size
from tercet.compiler.types import MOST_AXES, DType, TensorType
from tercet.dsl import nodes
from tercet.dsl.diagnostics import DiagnosticError, Note
from tercet.dsl.source import Span

_UNKNOWN: Final = "a size that is not known is a capitalised name: `N`"


def element_type(type_: nodes.TypeExpr) -> DType:
    """The dtype of a type.  Raises DiagnosticError E0306."""
    try:
        return DType(type_.dtype)
    except ValueError:
        known = [dtype.value for dtype in DType]
        usual = {"float": "f32", "float32": "f32", "int": "i64", "int64": "i64", "double": "f64"}
        meant = usual.get(type_.dtype)
        help = f"write `{meant}`" if meant else did_you_mean(type_.dtype, known)
        raise error(
            "E0306",
            f"`{type_.dtype}` is not a dtype",
            type_.dtype_span,
            help or f"the dtypes are {', '.join(known)}",
        ) from None


def free_names(frame: Frame, expression: nodes.Expr) -> list[nodes.Name]:
    """The capitalised names in a dimension that have no value yet."""
    names = names_in(expression)
    return [name for name in names if name.id[0].isupper() and not _is_known(frame, name.id)]


def _is_known(frame: Frame, name: str) -> bool:
    if name in frame.names:
        return True
    return name in frame.module.table and frame.module.kind(name) is None  # a constant


def bind_dimension(frame: Frame, name: str, size: Size, span: Span, what: str) -> None:
    """Gives a dimension its size; `what` says where that comes from."""
    frame.names[name] = frame.dims[name] = size
    frame.dims_at[name] = Note(f"`{name}` is {size} by {what}" if what else f"`{name}`", span)


# --------------------------------------------------------------------------------------- declaring


def declared_type(frame: Frame, type_: nodes.TypeExpr, *, may_declare: bool = True) -> TensorType:
    """The type as written, its unbound dimensions as new symbols.

    With `may_declare` false, every size must be known (`param`).  Raises DiagnosticError.
    """
    dtype = element_type(type_)
    if len(type_.dimensions) > MOST_AXES:
        message = f"a tensor has at most {MOST_AXES} axes, and this has {len(type_.dimensions)}"
        raise error("E0303", message, type_.span)
    shape: list[Size] = []
    for dimension in type_.dimensions:
        if isinstance(dimension, nodes.Ellipsis):
            raise error(
                "E0307",
                "`...` leaves the number of dimensions open, which a model or parameter must fix",
                dimension.span,
                "write the dimensions out; blocks may use `...`",
            )
        if may_declare:
            for name in free_names(frame, dimension):
                bind_dimension(frame, name.id, dims.symbol(name.id), name.span, "")
        shape.append(size_of(frame, dimension))
    return TensorType(dtype, tuple(shape))


def size_of(frame: Frame, dimension: nodes.Expr) -> Size:
    """The size that a dimension stands for.  Raises DiagnosticError."""
    unknown = free_names(frame, dimension)
    if unknown:
        name = unknown[0]
        raise error(
            "E0307",
            f"the dimension `{name.id}` is not bound",
            name.span,
            "only the types of inputs and targets bind dimensions",
        )
    if isinstance(dimension, nodes.Name) and not dimension.id[0].isupper():
        _require_defined(frame, dimension)
    value = frame.evaluate(dimension)
    if value is POISON:
        raise DiagnosticError
    if not is_size(value):
        help = _UNKNOWN if value is None else None
        raise error("E0307", f"a size is an integer, not {describe(value)}", dimension.span, help)
    if dims.less(value, 1):
        help = _UNKNOWN if value == -1 else None
        raise error("E0311", f"a size must be at least 1, not {value}", dimension.span, help)
    size: Size = value
    return size


def _require_defined(frame: Frame, name: nodes.Name) -> None:
    """`f32[n, 3]` is a slip where `n` is nothing yet.  Raises DiagnosticError E0201."""
    try:
        frame.lookup(name.id, name.span)
    except DiagnosticError:
        help = f"a new dimension begins with a capital: `{name.id.capitalize()}`"
        raise error("E0201", f"`{name.id}` is not defined", name.span, help) from None
