"""Sizes at run time: what a symbolic dimension is must be computed by the ONNX graph itself.

A wanted size is looked for among the tensors at hand (an axis, a product of neighbouring axes, an
axis divided by a constant), and else computed from the graph's inputs by its recognised expression.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tercet.compiler.dims import FloorDiv, Mod, Product, Size, Sum, Symbol

from .builder import Builder, Tensor
from .extents import Extent, Shape, product, recognise
from .registry import Node


def size(node: Node, extent: Extent, witnesses: Sequence[Tensor]) -> str:
    """An int64 vector of one element.  Raises ConversionError where the size is not found."""
    if extent.constant is not None:
        return node.vector(extent.constant)
    for find in (_axis, _product_of_axes, _fraction_of_axis):
        for tensor in witnesses:
            found = find(node.graph, extent, tensor)
            if found is not None:
                return found
    expression = recognise(extent, node.points)
    if expression is None:
        node.refuse(f"a size of its output ({extent.values[0]} where tried) is not understood")
    return _from_expression(node, expression)


def _axis(graph: Builder, extent: Extent, tensor: Tensor) -> str | None:
    if extent not in tensor.shape:
        return None
    axis = tensor.shape.index(extent)
    return graph.shape_slice(tensor.name, axis, axis + 1)


def _product_of_axes(graph: Builder, extent: Extent, tensor: Tensor) -> str | None:
    for start in range(tensor.rank):
        for stop in range(start + 1, tensor.rank + 1):
            factor = extent.ratio(product(tensor.shape[start:stop], extent))
            if factor is not None:
                sizes = graph.shape_slice(tensor.name, start, stop)
                if stop - start > 1:
                    sizes = graph.emit("ReduceProd", [sizes], axes=[0], keepdims=1)
                return sizes if factor == 1 else graph.emit("Mul", [sizes, graph.vector([factor])])
    return None


def _fraction_of_axis(graph: Builder, extent: Extent, tensor: Tensor) -> str | None:
    for axis, whole in enumerate(tensor.shape):
        divisor = whole.ratio(extent)
        if divisor is not None and whole.constant is None:
            size = graph.shape_slice(tensor.name, axis, axis + 1)
            return graph.emit("Div", [size, graph.vector([divisor])])
    return None


def _from_expression(node: Node, size: Size) -> str:
    """Emits the arithmetic of an expression over the sizes of the graph's inputs."""
    if isinstance(size, int):
        return node.vector(size)
    match size.expression:
        case Symbol(name):
            return node.size_of_symbol(name)
        case Sum(terms):
            return _fold(node, "Add", terms)
        case Product(factors):
            return _fold(node, "Mul", factors)
        case FloorDiv(left, right):
            return _fold(node, "Div", (left, right))
        case Mod(left, right):
            return _fold(node, "Mod", (left, right))
    return node.refuse(f"the size {size} cannot be computed at run time")


def _fold(node: Node, operator: str, operands: Sequence[Size]) -> str:
    first, *others = (_from_expression(node, operand) for operand in operands)
    for other in others:
        first = node.emit(operator, [first, other])
    return first


def size_vector(node: Node, wanted: Sequence[Extent], witnesses: Sequence[Tensor]) -> str:
    """A shape as an int64 vector, constant where all of it is."""
    return concatenated(
        node,
        [
            extent.constant if extent.constant is not None else size(node, extent, witnesses)
            for extent in wanted
        ],
    )


def concatenated(node: Node, parts: Sequence[int | str]) -> str:
    """One int64 vector of numbers and vectors."""
    merged = list(_merged(node, parts))
    return merged[0] if len(merged) == 1 else node.emit("Concat", merged, axis=0)


def _merged(node: Node, parts: Sequence[int | str]) -> Iterator[str]:
    numbers: list[int] = []
    for part in parts:
        if isinstance(part, int):
            numbers.append(part)
            continue
        if numbers:
            yield node.vector(*numbers)
            numbers = []
        yield part
    if numbers or not parts:
        yield node.vector(*numbers)


def reshape(
    node: Node, source: Tensor, wanted: Shape, witnesses: Sequence[Tensor] | None = None
) -> str:
    """`source` in the wanted shape.

    A size that stays in its place is 0 in ONNX's code, one other may be -1; the rest is computed.
    """
    codes: list[int | Extent] = []
    for position, extent in enumerate(wanted):
        kept = position < source.rank and source.shape[position] == extent
        constant = extent.constant
        codes.append(constant if constant is not None else 0 if kept else extent)
    unknown = [position for position, code in enumerate(codes) if isinstance(code, Extent)]
    if unknown:
        codes[unknown[0]] = -1
    parts = [
        size(node, code, (source, *(witnesses or ()))) if isinstance(code, Extent) else code
        for code in codes
    ]
    return node.emit("Reshape", [source.name, concatenated(node, parts)])


__all__ = ["concatenated", "reshape", "size", "size_vector"]
